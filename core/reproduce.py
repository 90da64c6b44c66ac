"""Make everything that a profile asks for: networks, then their stored answers. Run again, only what is missing is made."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from core import checkpoints, data, responses, runs
from core.checkpoints import Entry
from core.checkpoints.names import not_found
from core.errors import Cancelled, InvalidValue, PruneScopeError
from core.finished import Finished
from core.paths import first_percent
from core.profiles import Profile, choose
from core.progress import Progress, Report, silent
from core.recipes import DENSE, Recipe
from core.studies import Study

MADE, RESULTS, STARTED, MISSING = "made", "results only", "started", "missing"
"""States of a run: its checkpoint is here; only its card is; some epochs are done; nothing is."""


@dataclass(frozen=True)
class Item:
    """A run of the plan and how far it is.

    Attributes:
        recipe: what is to be made.
        state: :data:`MADE`, :data:`RESULTS`, :data:`STARTED` or :data:`MISSING`.
        epochs: done so far.
        entry: its checkpoint, or its card alone; None if neither is here.
        answers, wanted: stored answers at how many steps of sparsity, and how many are wanted.
    """

    recipe: Recipe
    state: str
    epochs: float
    entry: Entry | None
    answers: int
    wanted: int


@dataclass(frozen=True)
class Outcome:
    """What became of a part of the plan that was carried out.

    Attributes:
        what: the part, in words.
        error: why it could not be made; None if it was.
    """

    what: str
    error: PruneScopeError | None = None


def plan(profile: Profile, studies: Iterable[str] = (), *, root=None) -> list[Item]:
    """Every run of ``profile`` in the order in which it is made, with how far it is. Nothing is made.

    Args:
        profile: see :mod:`core.profiles`.
        studies: some of the profile's studies; all if empty.
        root: folder of checkpoints; by default :func:`core.files.checkpoint_root`.

    Raises:
        UnknownName: a study that is not in the profile.
    """
    known = Finished(checkpoints.list(root), results=True)
    recipes = [recipe for study in choose(profile, studies) for recipe in profile.recipes(study)]
    return [_item(recipe, known.of(recipe)) for recipe in recipes]


def plan_again(ids: Iterable[str], *, root=None) -> list[Item]:
    """The runs behind checkpoints whose cards are here, of whatever profile: what :func:`again` makes.

    Args:
        ids: of checkpoints; such as ship without their weights.
        root: as for :func:`plan`.

    Raises:
        CheckpointNotFound: there is no card of this id.
        InvalidValue: its card does not tell how it was made.
    """
    entries = {entry.id: entry for entry in checkpoints.list(root)}
    known = Finished(entries.values(), results=True)
    recipes = [_recipe(id, entries) for id in ids]
    return [_item(recipe, known.of(recipe)) for recipe in recipes]


def _recipe(id: str, entries: dict[str, Entry]) -> Recipe:
    if id not in entries:
        raise not_found(id, entries)
    card = entries[id].card
    if card is None or not card.recipe.get("training"):
        raise InvalidValue(
            "This checkpoint does not tell how it was made", given=id, expected="one made here, by `train` or `prune`"
        )
    return Recipe.from_dict(card.recipe)


def _item(recipe: Recipe, entry: Entry | None) -> Item:
    percents = wanted_percents(recipe)
    if entry:
        try:
            stored = responses.read(entry)
        except PruneScopeError:
            stored = None  # damaged: made anew
        done = len({percent for percent, _ in stored.answers} & set(percents)) if stored else 0
        state = MADE if entry.weights else RESULTS
        return Item(recipe, state, recipe.training.epochs, entry, done, len(percents))
    epochs = runs.epochs_done(recipe)
    return Item(recipe, MISSING if epochs is None else STARTED, epochs or 0.0, None, 0, len(percents))


def wanted_percents(recipe: Recipe) -> list[int]:
    """The steps of sparsity, in percent, at which a network's answers are stored.

    All from its own upwards; of controls, on whose paths nobody slides, and of networks under the row split their own only.
    """
    own = first_percent(recipe.sparsity)
    control = recipe.criterion != "magnitude" or (recipe.method == DENSE and recipe.parent is not None)
    return [own] if control or recipe.split_by == "row" else list(range(own, 100))


def reproduce(
    profile: Profile,
    studies: Iterable[str] = (),
    *,
    root=None,
    data_root=None,
    device=None,
    minutes: float | None = None,
    share: tuple[int, int] = (1, 1),
    report: Report = silent,
) -> Iterator[Outcome]:
    """Make what is missing of ``profile``, study by study: networks first, then their answers to the test images.

    One part that fails does not keep the others from being made; children of a network that failed fail with it.

    Args:
        profile, studies, root: as for :func:`plan`.
        data_root: where data sets lie; by default :func:`core.files.data_root`.
        device: as for :func:`core.device.pick`.
        minutes: stop after so long; finished epochs and steps are kept.
        share: (2, 4) makes the second of four shares of the runs, for as many processes at once on one GPU or on several
            machines with a common disk. A network that several shares come from is made by one, and the others wait.
        report: told of progress; may raise Cancelled.

    Yields:
        An :class:`Outcome` for each part that was made or could not be.

    Raises:
        Cancelled: by ``report``, or because the minutes are over.
        InvalidValue: no such share.
    """
    report = _until(minutes, report)
    for study in choose(profile, studies):
        look = partial(plan, profile, [study], root=root)
        yield from _carry_out(look, root, data_root, device, share, report)


def again(
    ids: Iterable[str],
    *,
    root=None,
    data_root=None,
    device=None,
    minutes: float | None = None,
    share: tuple[int, int] = (1, 1),
    report: Report = silent,
) -> Iterator[Outcome]:
    """Make the weights of checkpoints that ship without them, by the recipes on their cards, and their answers.

    Trained on another machine it is another network than the one whose results shipped, which it then replaces: its card, its
    answers and all that is read from them.

    Args:
        ids: as for :func:`plan_again`.
        root, data_root, device, minutes, share, report: as for :func:`reproduce`.

    Yields:
        An :class:`Outcome` for each part, as :func:`reproduce`.

    Raises:
        CheckpointNotFound, InvalidValue: as for :func:`plan_again`.
        Cancelled: as for :func:`reproduce`.
    """
    ids, report = list(ids), _until(minutes, report)
    yield from _carry_out(partial(plan_again, ids, root=root), root, data_root, device, share, report)


def _carry_out(
    look: Callable[[], list[Item]], root, data_root, device, share: tuple[int, int], report: Report
) -> Iterator[Outcome]:
    """Make what is missing of the plan that ``look`` gives, or of a share of it: networks, then their answers."""
    number, shares = share
    if not 1 <= number <= shares:
        raise InvalidValue("There is no such share", given=f"{number}/{shares}", expected="1/4 to 4/4, say")
    mine = slice(number - 1, None, shares)
    for item in look()[mine]:
        if item.state != MADE:
            yield _try(
                describe(item.recipe),
                lambda item=item: runs.run(item.recipe, root=root, data=data_root, device=device, report=report),
            )
    for item in look()[mine]:
        if item.state == MADE:
            checkpoints.write_card(item.entry.path, item.entry.card, item.entry.size_bytes)
        if item.state == MADE and item.answers < item.wanted:
            yield _try(
                f"answers of {item.entry.id}",
                lambda item=item: _respond(item, data_root, device, report),
            )


def _respond(item: Item, data_root, device, report: Report) -> None:
    info = item.entry.card.data
    test, train = (
        data.load(info.name, split, size=info.size, root=data_root, split_by=info.split_by or None, report=report)
        for split in ("test", "train")
    )
    responses.make(item.entry, test, train, percents=wanted_percents(item.recipe), device=device, report=report)


def _try(what: str, make) -> Outcome:
    try:
        make()
    except Cancelled:
        raise
    except PruneScopeError as error:
        return Outcome(what, error)
    return Outcome(what)


def _until(minutes: float | None, report: Report) -> Report:
    if minutes is None:
        return report
    end = time.monotonic() + 60 * minutes

    def tell(progress: Progress) -> None:
        report(progress)
        if time.monotonic() > end:
            raise Cancelled(f"The work ({minutes:g} minutes were given)")

    return tell


def describe(recipe: Recipe) -> str:
    """A run in a few words: ``"HAM10000 (64 px) · VGG16, one_shot to 80%, 8 epochs, seed 0"``."""
    title = Study.parse(recipe.study).title
    if recipe.method != DENSE:
        what = f"{recipe.method} to {100 * recipe.sparsity:g}%"
        what += "" if recipe.criterion == "magnitude" else f" by {recipe.criterion}"
    else:
        what = "dense" if recipe.parent is None else "dense, trained on"
    if recipe.parent is None or recipe.training.norm_decay:
        what += f", decay {recipe.training.decay:g}"
    if recipe.training.norm_decay:
        what += f" (norms {recipe.training.norm_decay:g})"
    what += ", split by row" if recipe.split_by == "row" else ""
    return f"{title}, {what}, {recipe.training.epochs:g} epochs, seed {recipe.training.seed}"
