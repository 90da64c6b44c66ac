"""What networks answer to a drawn lesion, and to the same lesion as one parameter changes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.data.phantom import RANGES, Parameters, render
from core.errors import InvalidValue, check_choice
from core.evaluation import Predictor, predict

POINTS = 17  # along a parameter: a sixteenth of its range apart
_WHOLE = ("seed", "view")  # name a lesion or a photograph; there is nothing between two of them


@dataclass(frozen=True)
class Answers:
    """Answers of several networks to the same drawings.

    Attributes:
        parameter: the one that changes.
        values: float64 [K], rising, those that were drawn.
        own: network -> float32 [classes], probabilities for the lesion itself.
        along: network -> float32 [K, classes], for the lesion with each of the values.
    """

    parameter: str
    values: np.ndarray
    own: dict[str, np.ndarray]
    along: dict[str, np.ndarray]


def grid(parameter: str, points: int = POINTS) -> np.ndarray:
    """Values from one end of a parameter's range to the other, evenly spaced: float64 [points].

    Raises:
        UnknownName: no such parameter, or one that has nothing in between.
        InvalidValue: fewer than two points.
    """
    check_choice("parameter to change", parameter, [name for name in RANGES if name not in _WHOLE])
    if points < 2:
        raise InvalidValue("A chart needs more points", given=points, expected="two or more")
    return np.linspace(*RANGES[parameter], points)


def sweep(lesion: Parameters, parameter: str, size: int, points: int = POINTS) -> np.ndarray:
    """The lesion drawn with each value of :func:`grid`: uint8 [points, size, size, 3]. Errors as there and of ``render``."""
    return render([lesion.but(**{parameter: float(value)}) for value in grid(parameter, points)], size).images


def ask(
    networks: Mapping[str, Predictor],
    lesion: Parameters,
    along: str,
    size: int,
    *,
    drawings: np.ndarray | None = None,
) -> Answers:
    """Ask each network once, about the lesion and its changes together.

    Args:
        networks: name -> network made ready.
        lesion: as drawn.
        along: the parameter that changes.
        size: of the images, in pixels, as the networks were trained on.
        drawings: those of :func:`sweep`, if they are at hand.

    Raises:
        UnknownName: no such parameter.
        InvalidValue: a size that phantoms are not drawn at.
    """
    values = grid(along)
    if drawings is None:
        drawings = sweep(lesion, along, size)
    batch = np.concatenate([render(lesion, size).images, drawings])
    answers = {name: predict(network, batch) for name, network in networks.items()}
    own = {name: given[0] for name, given in answers.items()}
    return Answers(along, values, own, {name: given[1:] for name, given in answers.items()})


def spans(values: np.ndarray, probabilities: np.ndarray, label: int) -> list[tuple[float, float]]:
    """Where along the values a network's call is one class: the likeliest of all.

    Between two values of which only one gets that call, the change is put where the straight lines between their margins
    (the class's probability less the largest other) cross zero.

    Args:
        values: float [K], rising.
        probabilities: float [K, classes] for each.
        label: index of the class.

    Returns:
        (from, to) of each stretch, in order; none where it is never called that, one from end to end where always.
    """
    others = np.delete(probabilities, label, axis=1).max(axis=1)
    margin = probabilities[:, label].astype(float) - others
    called = probabilities.argmax(axis=1) == label
    found: list[tuple[float, float]] = []
    start = float(values[0]) if called[0] else None
    for left in range(len(values) - 1):
        if called[left] == called[left + 1]:
            continue
        # A tie goes to the class that comes first, so that a margin of 0 can be on either side.
        fall = margin[left] - margin[left + 1]
        share = margin[left] / fall if fall else 0.5
        place = float(values[left] + share * (values[left + 1] - values[left]))
        if start is None:
            start = place
        else:
            found.append((start, place))
            start = None
    if start is not None:
        found.append((start, float(values[-1])))
    return found
