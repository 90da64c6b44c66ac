"""The form: what to make, what it will cost, and the button that submits it."""

import streamlit as st

from core import files, jobs
from core.errors import DataNotFound, PruneScopeError
from core.progress import clock
from pages.components import generate_fields as fields
from pages.components import generate_parents, generate_state, layout, loaders, look

_SAID = "generate-said"


def draw() -> None:
    """The form with its estimate. What cannot be made is said beside it, and nothing that was filled in is lost."""
    with st.container(border=True):
        recipe = _recipe()
        if recipe is not None:
            _cost(recipe)
    for kind, text in st.session_state.pop(_SAID, ()):
        getattr(st, kind)(text)


def _recipe():
    """The recipe that the form says, or None with the reasons shown."""
    from core import recipes
    from core.models import ARCHITECTURES
    from core.studies import TITLES

    known = generate_parents.wanted() | generate_parents.data_sets(str(files.data_root()))
    first, second, third = st.columns(3)
    with first:
        names = {name: title if here else f"{title} (not here yet)" for name, (title, _, here) in known.items()}
        data = fields.choice("data", "Images", names, "phantom")
    with second:
        sizes = {size: f"{size} × {size} pixels" for size in fields.SIZES}
        size = fields.choice("size", "Size", sizes, known[data][1])
    with third:
        networks = {name: TITLES.get(name, name) for name in ARCHITECTURES}
        network = fields.choice("network", "Network", networks, "vgg16")
    study = f"{data}-{size}/{network}"
    make = fields.choice("make", "What to make", fields.MAKES, "dense")
    problems, base, method = [], recipes.dense(study), "dense"
    changes = {}
    if make != "dense":
        method = "dense" if make == "dense_trained_on" else make
        parent = _parent(study, recipes.dense(study))
        if parent.brought:
            usual = recipes.pruned(parent, "dense", 0.0).training
            st.caption(_BROUGHT.format(name=look.literal(parent.study), rate=usual.rate, batch=usual.batch))
        sparsity = 0.0
        if method != "dense":
            sparsity = fields.percent()
        base = recipes.pruned(parent, method, sparsity)
        if method != "dense":
            changes |= _pruning(method, problems)
    left, right = st.columns(2)
    with left:
        _number("epochs", "Epochs", base, changes, problems, help=_EPOCHS[make == "dense"])
    with right:
        _number("seed", "Seed", base, changes, problems, help="Another seed makes another network of the same recipe.")
    st.caption("Where you write nothing, the value in grey is used.")
    _advanced(make, network, base, changes, problems)
    if not problems:
        try:
            return _changed(recipes, study, make, base, changes)
        except PruneScopeError as error:
            problems.append(error)
    _show(problems)
    return None


def _changed(recipes, study: str, make: str, base, changes: dict):
    if make == "dense":
        return recipes.dense(study, **changes)
    return recipes.pruned(base.parent, base.method, base.sparsity, **changes)


def _parent(study: str, fresh):
    """The dense network to start from."""
    here = generate_parents.known(study)
    words = fields.networks(study)
    chosen = fields.choice("parent", "Start from", words, next(iter(words)))
    return here[chosen][1] if chosen in here else fresh


def _pruning(method: str, problems: list) -> dict:
    from core.pruning import CRITERIA

    left, right = st.columns(2)
    with left:
        titles = {name: one.title for name, one in CRITERIA.items()}
        criterion = fields.choice("criterion", "Which weights go first", titles, "magnitude")
    changes = {"criterion": criterion}
    if method == "iterative":
        with right:
            given = fields.text(
                "steps", "Steps", "one for every 10%", help="Pruning and training in turn, so many times."
            )
        if given:
            _parse("Steps", given, problems, changes, "steps", whole=True)
    return changes


def _advanced(make: str, network: str, base, changes: dict, problems: list) -> None:
    from core.models import HEADS, STEMS
    from core.training import AUGMENTATIONS

    # Open where a link brought something into it, which may also be wrong.
    filled = any(st.session_state.get(f"new-{name}") or st.query_params.get(f"new-{name}") for name in fields.SETTINGS)
    with st.expander("Advanced settings", expanded=filled):
        columns = st.columns(2)
        for number, (name, (label, help)) in enumerate(fields.SETTINGS.items()):
            with columns[number % 2]:
                _number(name, label, base, changes, problems, help=help)
        with columns[0]:
            known = {name: name.capitalize() for name in AUGMENTATIONS}
            augment = fields.choice("augment", "Augmentation", known, base.training.augment)
            if augment != base.training.augment:
                changes["augment"] = augment
        if make != "dense":
            return
        with columns[1]:
            heads = {"compact": "One linear layer", "stock": "As published"}
            changes["head"] = fields.choice("head", "Head", {name: heads[name] for name in HEADS}, "compact")
            if network == "densenet169":
                stems = {"stock": "As published", "small": "For small images"}
                changes["stem"] = fields.choice("stem", "Stem", {name: stems[name] for name in STEMS}, "stock")


def _number(name: str, label: str, base, changes: dict, problems: list, **options) -> None:
    given = fields.text(name, label, getattr(base.training, name), **options)
    if given:
        _parse(label, given, problems, changes, name)


def _parse(label: str, given: str, problems: list, changes: dict, name: str, whole: bool = False) -> None:
    try:
        value = fields.number(label, given)
    except PruneScopeError as error:
        problems.append(error)
        return
    # A number with a fraction goes on as it is: the recipe says what is wrong with it.
    changes[name] = int(value) if whole and value == value // 1 else value


def _show(problems: list) -> None:
    for error in problems:
        parts = [f"**{look.literal(error.problem)}.**" if getattr(error, "problem", None) else look.literal(error)]
        for label, value in (("Given", getattr(error, "given", None)), ("Expected", getattr(error, "expected", None))):
            if value is not None:
                parts.append(f"{label}: {look.literal(value)}.")
        st.error(" ".join(parts), icon=":material/error:")


def _cost(recipe) -> None:
    from core import brought
    from core.finished import Finished
    from core.jobs import estimating

    try:
        found = estimating.estimate(recipe)
    except DataNotFound as error:
        brought_for = recipe.parent is not None and recipe.parent.brought is not None
        instead = f"{_NO_IMAGES} {brought.WITHOUT_IMAGES}." if brought_for else "Phantoms need no download."
        st.warning(f"**{look.literal(error.problem)}.** {instead}", icon=":material/image_not_supported:")
        with st.expander("How to get the images"):
            st.markdown(look.literal(error))
        return
    except PruneScopeError as error:
        _show([error])
        return
    if not found.networks:
        st.success("**This network was made before** and is on every page.", icon=":material/check:")
        made = Finished(loaders.cards()).of(recipe)
        st.page_link(**fields.shown(made.id if made else None, recipe.as_dict()) | {"label": "Look at it"})
        return
    if (job := jobs.board().find(recipe.hash)) and job.state in jobs.ACTIVE:
        st.info("**This network is being made:** see the jobs below.", icon=":material/autorenew:")
        return
    _estimate(recipe, found)
    if st.button("Make it", type="primary", icon=":material/play_arrow:"):
        _submit(recipe)


def _estimate(recipe, found) -> None:
    from core.jobs import estimating

    # A row of its own, for it may be long and beside it one of four would be left alone; what is not known is no number in large type.
    if found.seconds:
        st.metric("Time, about", _span(found.seconds))
    else:
        st.markdown("How long it takes is not known yet.")
    epochs, size, room = layout.columns(3, least=180, key="estimate", gap="small")
    epochs.metric("Epochs to train", f"{found.epochs:g}")
    size.metric("Finished file, about", _bytes(found.file_bytes))
    room.metric("On disk meanwhile", _bytes(found.working_bytes))
    also = " Its dense network is made first, and counted here." if found.networks > 1 else ""
    basis = f" The time rests on {found.basis}; other work on the machine makes it longer." if found.seconds else ""
    st.caption(f"{found.images:,} training images.{also}{basis} Waiting for other jobs is not counted.")
    if found.seconds:
        return
    busy = estimating.busy()
    if st.button(
        "Measure the time",
        disabled=busy,
        icon=":material/timer:",
        help="Trains a few steps on noise, once for each network and size on this machine.",
    ):
        with st.spinner("Timing a few steps of training…"):
            estimating.measure(recipe)
        st.rerun()
    if busy:
        st.caption("While a job runs, speed cannot be measured well. You can submit without an estimate.")


def _submit(recipe) -> None:
    try:
        job = jobs.submit(recipe, generate_state.owner())
    except PruneScopeError as error:
        _show([error])
        return
    generate_state.keep_key(True)
    place = jobs.board().places.get(job.id)
    said = (
        "It is next in the queue."
        if place == 1
        else f"It is number {place} in the queue."
        if place
        else "It has begun."
    )
    st.session_state[_SAID] = [("success", f"**Submitted.** {said}")]
    st.rerun()


def _span(seconds: tuple[float, float]) -> str:
    """A range in one unit, to two digits: what is measured is not known better."""
    low, high = seconds
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if high >= unit or unit == 1:
            one, two = (f"{float(f'{value / unit:.2g}'):g}" for value in (low, high))
            return f"{one} {name}" if one == two else f"{one} to {two} {name}"
    return clock(high)


def _bytes(count: int) -> str:
    return f"{float(f'{count / 1e6:.2g}'):g} MB"


_BROUGHT = (
    "How the weights of {name} were trained is not known here. They are fine-tuned as other networks of these images are, at a "
    "learning rate from {rate:g} and {batch} images a step; *Advanced settings* say otherwise. What is made stands beside them on "
    "every page."
)
_NO_IMAGES = "Fine-tuning needs the training images that these weights were brought for. Without them"
_EPOCHS = {
    True: "Passes over the training images; fractions are allowed.",
    False: "Of fine-tuning, all steps of the method together.",
}
