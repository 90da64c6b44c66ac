"""Maps, answers and checks of one picture, kept so that going back costs nothing. A user's own picture is kept for him alone."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from core import attribution, evaluation
from core.attribution import Explainer, Trust
from core.progress import Report
from pages.components import attribution_networks, loaders
from pages.components.attribution_controls import Question
from pages.components.attribution_networks import Network
from pages.components.attribution_sources import Picture
from pages.components.memory import Memory

_OWN = "attribution-own"


def answer(network: Network, picture: Picture, report: Report) -> np.ndarray:
    """The network's probabilities float32 [classes] for the picture."""
    return _kept(
        picture,
        ("answer", network.key),
        lambda: evaluation.predict(attribution_networks.ready(network, report)[1], picture.image[None])[0],
    )


def of(network: Network, picture: Picture, question: Question, report: Report) -> np.ndarray:
    """The network's map float32 [H, W]."""
    return _kept(
        picture,
        ("map", network.key, _asked(question)),
        lambda: attribution.attribute(
            attribution_networks.ready(network, report)[0],
            picture.image,
            method=question.method,
            target=question.target,
            report=report,
            **dict(question.options),
        ),
    )


def trust(network: Network, picture: Picture, question: Question, values: np.ndarray, report: Report) -> Trust:
    """What the checks say of the map ``values``."""
    return _kept(
        picture,
        ("trust", network.key, _asked(question)),
        lambda: attribution.examine(
            attribution_networks.ready(network, report)[0],
            picture.image,
            values,
            method=question.method,
            target=question.target,
            report=report,
            **dict(question.options),
        ),
    )


def faithfulness(
    network: Network, picture: Picture, question: Question, values: np.ndarray, report: Report
) -> tuple[float, float]:
    """Infidelity and sensitivity of the map."""

    def work() -> tuple[float, float]:
        explainer = Explainer(attribution_networks.ready(network, report)[0])
        given = {"target": question.target, "report": report}
        return (
            attribution.infidelity(explainer, picture.image, values, **given),
            attribution.sensitivity(
                explainer, picture.image, method=question.method, **given, **dict(question.options)
            ),
        )

    return _kept(picture, ("faithfulness", network.key, _asked(question)), work)


def cascade(network: Network, picture: Picture, question: Question, report: Report) -> list:
    """The parameter-randomisation check, stage by stage."""
    return _kept(
        picture,
        ("cascade", network.key, _asked(question)),
        lambda: attribution.check(
            attribution_networks.ready(network, report)[0],
            picture.image,
            method=question.method,
            target=question.target,
            report=report,
            **dict(question.options),
        ),
    )


def _asked(question: Question) -> tuple:
    return question.method, question.options, question.target


def _kept(picture: Picture, key: tuple, work: Callable[[], object]):
    memory = st.session_state.setdefault(_OWN, Memory(megabytes=32)) if picture.kind == "upload" else loaders.results()
    return memory.make(("attribution", picture.key, *key), work)
