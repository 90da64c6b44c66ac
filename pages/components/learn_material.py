"""What the lessons ask and answer, made by the engine from what is stored of a study, and kept."""

from collections.abc import Callable
from dataclasses import dataclass

from core import learn
from core.learn import Finding
from core.paths import PRUNE_ONLY, Path
from core.words import METHOD_TITLES
from pages.components import loaders
from pages.components.whatif_selection import Selection

HALF, MOST = 50, 90  # sparsity in percent of the first lesson, and of the one about harm
USUAL = 0.8  # where the paper, the slider and the Overview begin


@dataclass(frozen=True)
class Missing:
    """A lesson that cannot be given yet.

    Attributes:
        why: what is not there.
        command: makes it.
    """

    why: str
    command: str


def finding(name: str, study: str) -> Finding | Missing:
    """The question and the answer of a lesson, for one study.

    Args:
        name: of the lesson.
        study: whose networks.
    """
    paths = loaders.studies()[study]
    return _OF[name](study, paths)


def selection(study: str, percent: int) -> Selection:
    """The dense network pruned to ``percent`` without training."""
    return Selection(loaders.studies()[study][PRUNE_ONLY], percent / 100, True)


def trained(paths: dict[str, Path]) -> tuple[float, dict[str, Path]] | None:
    """The sparsity that most methods were trained at, nearest to 80% of several, and these methods; None if there is none."""
    by_sparsity: dict[float, dict[str, Path]] = {}
    for method in METHOD_TITLES:
        for sparsity in paths[method].sparsities[1:] if method in paths else ():
            by_sparsity.setdefault(round(sparsity, 6), {})[method] = paths[method]
    return max(by_sparsity.items(), key=lambda item: (len(item[1]), -abs(item[0] - USUAL)), default=None)


def pruned(paths: dict[str, Path]):
    """The network of the lessons about similarity and speed: one-shot where there is one; None without any."""
    known = trained(paths)
    if known is None:
        return None
    sparsity, methods = known
    return methods.get("one_shot", next(iter(methods.values()))).start(sparsity)


def matrix(study: str, paths: dict[str, Path]):
    """CKA of the dense network with the pruned one, as stored; None if it is not."""
    from core.matrices import position
    from pages.components import similarity_data

    entry = pruned(paths)
    if entry is None:
        return None
    places = position(paths[PRUNE_ONLY].dense), position(entry)
    stored = similarity_data.stored(study)
    return stored and similarity_data.stored_matrix(study, *places, stored.usual, "standard")


def epochs(paths: dict[str, Path]) -> dict[str, float]:
    """Epochs after pruning of the methods that are compared."""
    sparsity, methods = trained(paths) or (0.0, {})
    return {method: path.start(sparsity).card.epochs for method, path in methods.items()}


def answers(entry, percent: int):
    """A checkpoint's stored probabilities at its own sparsity; None if they are not stored."""
    response = loaders.response(entry)
    return None if response is None else response.at(percent / 100, False)


def _pruning(study: str, paths: dict[str, Path]) -> Finding | Missing:
    return _position(study, HALF, "kept", learn.kept_accuracy)


def _harm(study: str, paths: dict[str, Path]) -> Finding | Missing:
    found = _position(study, MOST, "harm", learn.hidden_harm)
    return found or Missing(
        "The dense network finds no lesion that pruning could miss", f"python -m core train {study}"
    )


def _position(study: str, percent: int, kind: str, work: Callable) -> Finding | Missing | None:
    from pages.components import whatif_selection

    chosen = selection(study, percent)
    known = whatif_selection.stored(chosen)
    if known is None:
        return _unanswered(study)
    return chosen.result(f"learn/{kind}", lambda: work(known.dense, known.pruned, chosen.cohort, percent))


def _magnitude(study: str, paths: dict[str, Path]) -> Finding | Missing:
    import numpy as np

    from core.errors import PruneScopeError
    from core.models import prunable

    dense = paths[PRUNE_ONLY].dense

    def work() -> Finding:
        weights = prunable(loaders.subject(dense).model).values()
        return learn.strength_of_smallest(np.concatenate([w.detach().abs().numpy().ravel() for w in weights]), HALF)

    try:
        return loaders.results().make(("learn/magnitude", dense.card.digest), work)
    except PruneScopeError as error:
        return Missing(f"The weights cannot be read ({error.problem})", f"python -m core reproduce {dense.id}")


def _methods(study: str, paths: dict[str, Path]) -> Finding | Missing:
    from pages.components import methods_data

    known = trained(paths)
    if known is None or len(known[1]) < 2:
        return Missing("Fewer than two methods have pruned this network", methods_data.command(study))
    sparsity, methods = known
    percent = round(100 * sparsity)
    entries = {method: path.start(sparsity) for method, path in methods.items()}
    found = {method: answers(entry, percent) for method, entry in entries.items()}
    if any(values is None for values in found.values()):
        return _unanswered(study)
    key = ("learn/methods", *(entry.card.digest for entry in entries.values()))
    cohort = loaders.cohort(paths[PRUNE_ONLY].dense)
    return loaders.results().make(key, lambda: learn.best_method(found, epochs(paths), cohort, percent))


def _similarity(study: str, paths: dict[str, Path]) -> Finding | Missing:
    entry, dense = pruned(paths), paths[PRUNE_ONLY].dense
    compared = matrix(study, paths)
    if entry is None or compared is None:
        return Missing("No pruned network of this study was compared by CKA yet", f"python -m core similarity {study}")
    now, was = answers(entry, round(100 * entry.card.sparsity)), answers(dense, 0)
    if now is None or was is None:
        return _unanswered(study)

    def work() -> Finding:
        return learn.changed_answers(was, now, loaders.cohort(dense), compared.mean_twins(), _layers(compared))

    return loaders.results().make(("learn/similarity", dense.card.digest, entry.card.digest, compared.digest), work)


def _layers(compared) -> tuple[int, int]:
    """How many pairs of matching layers a mean is over, and how many there are."""
    return compared.twins_mean.cells, len(compared.rows)


def _speed(study: str, paths: dict[str, Path]) -> Finding | Missing:
    from pages.components import cost_data

    entry = pruned(paths)
    if entry is None:
        return Missing("No pruned network of this study is here", f"python -m core prune {study} one_shot 0.8")
    return learn.operations_left(cost_data.counted(entry), round(100 * entry.card.actual_sparsity))


def _misled(study: str, paths: dict[str, Path]) -> Finding | Missing:
    """Of the paper's data set, whichever study was picked: it is the paper that is the worked example."""
    from core import responses

    dense = next((own for own in _denses(study) if own.card.data.name == "ham10000"), None)
    if dense is None or not responses.cohort_path(dense).exists():
        known = "ham10000-64/vgg16" if dense is None else dense.card.study
        return Missing("The test images of no network on HAM10000 are listed here", f"python -m core respond {known}")
    cohort = loaders.cohort(dense)
    return loaders.results().make(("learn/leak", cohort.digest), lambda: learn.leaked(cohort))


def _denses(study: str):
    """The dense networks of all studies, that of ``study`` first."""
    known = loaders.studies()
    return [known[name][PRUNE_ONLY].dense for name in sorted(known, key=lambda name: (name != study, name))]


def _unanswered(study: str) -> Missing:
    return Missing("The answers of this study's networks are not stored", f"python -m core respond {study}")


_OF: dict[str, Callable[[str, dict[str, Path]], Finding | Missing]] = {
    "pruning": _pruning,
    "magnitude": _magnitude,
    "methods": _methods,
    "harm": _harm,
    "similarity": _similarity,
    "speed": _speed,
    "misled": _misled,
}
