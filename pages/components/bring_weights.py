"""Weights of one's own: what they are, whether they fit, what does not, and the button that keeps them."""

import pandas as pd
import streamlit as st

from core import files
from core.errors import DataNotFound, InvalidValue
from core.own.images import name_for
from pages.components import bring_file, generate_fields, generate_parents, generate_state

NOTED = "file"
NORMALISATIONS = {
    "imagenet": "ImageNet's, as torchvision",
    "none": "None: numbers from 0 to 1",
    "own": "Other numbers",
}
_SHOWN = 8


def draw() -> None:
    """The upload, what is said about it, and what is found in it."""
    from core.own.weights import UPLOAD_BYTES

    st.header("A trained VGG16 or DenseNet169")
    file = bring_file.uploader(
        "weights",
        "Weights: safetensors, or .pt or .pth of PyTorch",
        ["safetensors", "pt", "pth"],
        UPLOAD_BYTES // 10**6,
    )
    st.caption(
        "A state_dict under torchvision's names. Nothing in the file is run. Larger files, such as VGG16 with its three linear "
        "layers, come in on the machine itself: `python -m core bring weights FILE`."
    )
    data, size, network, names = _study()
    if file is None:
        return
    if names is None:
        raise DataNotFound(
            "These images are not on this machine, so the classes are not known",
            given=data,
            remedy="choose other images",
        )
    found, noted = bring_file.look(file, "weights", (network, len(names)), _looking(network, len(names), UPLOAD_BYTES))
    if not found.fits:
        _explain(found, names)
        return
    st.success(f"**They fit:** {found.variant}, {found.tensors} tensors.", icon=":material/check:")
    mean, std, order = _meaning(names, noted)
    name = bring_file.name_field("weights", name_for(file.name), "The study will be called name-size/network.")
    if st.button("Keep as a study", type="primary", icon=":material/save:"):
        _keep(file, name, UPLOAD_BYTES, data, size, network, order, mean, std)


def _study():
    """What the weights are of: data set, size, network, and its classes."""
    from core.models import ARCHITECTURES
    from core.own.weights import class_names
    from core.studies import TITLES

    known = generate_parents.data_sets(str(files.data_root()))
    first, second, third = st.columns(3)
    with first:
        here = {name: title for name, (title, _, present) in known.items() if present}
        data = generate_fields.choice("data", "Trained on images of the classes of", here, "phantom")
    with second:
        sizes = {size: f"{size} × {size} pixels" for size in generate_fields.SIZES}
        size = generate_fields.choice("size", "Size", sizes, known[data][1])
    with third:
        networks = {name: TITLES.get(name, name) for name in ARCHITECTURES}
        network = generate_fields.choice("network", "Network", networks, "vgg16")
    return data, size, network, class_names(data)


def _looking(network: str, classes: int, limit: int):
    from core import own

    def look(path):
        fit = own.look_at_weights(path, network, classes, max_bytes=limit)
        return fit, own.noted_normalisation(path, network, classes, max_bytes=limit) if fit.fits else None

    return look


def _explain(found, names) -> None:
    """Why the weights do not fit, with the names of what is wrong."""
    from core.models import ARCHITECTURES
    from core.studies import TITLES

    st.error("**These weights do not fit, so they cannot be kept.**", icon=":material/error:")
    if found.near and found.classes is not None and found.classes != found.expected_classes:
        st.markdown(
            f"The last layer has **{found.classes}** outputs, and these images have **{found.expected_classes}** classes "
            f"({', '.join(names[:8])}{', …' if len(names) > 8 else ''}). Choose the images that the network was trained on."
        )
    if found.other:
        st.markdown(
            f"The file holds the tensors of a **{TITLES.get(found.other, found.other)}**: choose that network above."
        )
        return  # what all differs from the other network helps nobody
    kinds = {
        "is missing": found.missing,
        "is not known": found.unexpected,
        "has another shape": found.shapes,
        "has numbers of another kind": found.types,
        "holds NaN or infinity: its training diverged": found.not_finite,
    }
    if not found.near:
        known = " nor a ".join(TITLES.get(name, name) for name in ARCHITECTURES)
        st.markdown(f"This is neither a {known}. Other networks are not supported.")
    elif found.unexpected and not any(kinds[kind] for kind in kinds if kind != "is not known"):
        st.markdown(
            "All else fits. If the network computes the same without these tensors, save it without them and bring that."
        )
    rows = [{"Tensor": name[:120], "What is wrong": what} for what, names in kinds.items() for name in names[:_SHOWN]]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Tensors of the file that do not fit, and why")
    total = sum(map(len, kinds.values()))
    more = f", {len(rows)} of them shown" if total > len(rows) else ""
    st.caption(
        f"Compared with {found.variant}: {total:,} of the tensors do not fit{more}. torchvision's names are expected, such as "
        "features.0.weight; a prefix such as module. or model. does no harm."
    )


def _meaning(names: tuple[str, ...], noted):
    """Normalisation, which only files that PruneScope exported tell, and order of classes, which none does."""
    from core.own.weights import listed

    left, right = st.columns(2)
    with left:
        known, key = NORMALISATIONS, "normalisation"
        if noted is not None:
            # Under a name of its own: what was chosen for a file that says nothing must not speak over this one.
            known, key = {NOTED: "What the file says", **NORMALISATIONS}, "noted"
        kind = generate_fields.choice(key, "Images were normalised with", known, next(iter(known)))
        mean, std = noted if kind == NOTED else _normalisation(kind)
        if kind == NOTED:
            st.caption(f"The file says mean {_listed(mean)} and deviation {_listed(std)} of red, green and blue.")
    with right:
        given = st.text_area(
            "Classes in the order of the outputs",
            placeholder=", ".join(names),
            key="bring-order",
            max_chars=20_000,
            persist_state="session",
            help="Separated by commas. Leave it empty if the order is the one in grey: the names sorted, or the data set's own.",
        )
    return mean, std, listed(given, names) or None


def _normalisation(kind: str):
    from core.models.normalisation import IMAGENET_MEAN, IMAGENET_STD

    if kind == "imagenet":
        return IMAGENET_MEAN, IMAGENET_STD
    if kind == "none":
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    mean, std = (
        st.text_input(label, key=f"bring-{key}", placeholder=example, max_chars=60, persist_state="session") or example
        for key, label, example in (
            ("mean", "Mean of red, green, blue", "0.5, 0.5, 0.5"),
            ("std", "Deviation of red, green, blue", "0.25, 0.25, 0.25"),
        )
    )
    return _three("Mean", mean), _three("Deviation", std)


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _three(label: str, text: str) -> tuple[float, float, float]:
    try:
        values = tuple(float(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise InvalidValue(f"{label} is three numbers", given=repr(text), expected="such as 0.5, 0.5, 0.5")
    return values


def _keep(file, name: str, limit: int, data: str, size: int, network: str, order, mean, std) -> None:
    from core import own
    from core.own.pruned import already, sentence

    with bring_file.on_disk(file) as path:
        made = own.add_weights(
            path,
            name,
            generate_state.owner(),
            trained_on=data,
            size=size,
            architecture=network,
            order=order,
            mean=mean,
            std=std,
            origin=file.name,
            max_bytes=limit,
        )
    generate_state.keep_key(True)
    said = f"**{made.card.study} is kept.** Measure it below; it can be chosen as a study on every page."
    bring_file.kept("weights", " ".join(filter(None, (said, sentence(already(made.card))))))
