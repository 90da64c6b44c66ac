"""What callers give: numbers in range and arrays that fit, or an error that says what was given."""

from numbers import Real

import numpy as np

from core.errors import InvalidValue, check_whole

SEEDS = 2**32 - 1
NUMBERS = "buif"  # NumPy's kinds of arrays that a map or a mask may be


def whole(what: str, value, low: int, high: int) -> int:
    """``value`` as an int, NumPy's whole numbers included and bools not.

    Args:
        what: for the message, such as "The option steps".

    Raises:
        InvalidValue: no whole number, or not from ``low`` to ``high``.
    """
    return check_whole(value, f"{what} is out of range", low, high)


def seed(value, what: str = "The seed") -> int:
    """``value`` as a seed that torch and NumPy both take.

    Raises:
        InvalidValue: no whole number from 0 to :data:`SEEDS`.
    """
    return whole(what, value, 0, SEEDS)


def part(what: str, value) -> float:
    """``value`` as a float above 0 and at most 1, NumPy's numbers included and bools not.

    Raises:
        InvalidValue: no number, or outside (0, 1].
    """
    found = number(value)
    if not 0 < found <= 1:
        raise InvalidValue(f"{what} is out of range", given=repr(value), expected="a number above 0, at most 1")
    return found


def number(value) -> float:
    """``value`` as a float; NaN, which is in no range, for what is no number. A bool is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def array(problem: str, value, expected: str) -> np.ndarray:
    """``value`` as an array of NumPy.

    Args:
        problem, expected: for the message.

    Raises:
        InvalidValue: NumPy makes no array of it: a ragged list, a tensor on a GPU or one that wants a gradient.
    """
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        why = "parts of unequal shapes" if isinstance(error, ValueError) else str(error).partition(". ")[0][:200]
        raise InvalidValue(problem, given=f"{type(value).__name__} ({why})", expected=expected) from error


def one_image(image) -> np.ndarray:
    """One image as a stack of one, [1, H, W, …]; the rest of it :meth:`Explainer.prepare` looks at.

    Raises:
        InvalidValue: not an array of three dimensions.
    """
    problem, expected = "This is not an image", "uint8 [H, W, 3]"
    found = array(problem, image, expected)
    if found.ndim != 3:
        raise InvalidValue(problem, given=f"{found.dtype} {list(found.shape)}", expected=expected)
    return found[None]


def one_map(map_, shape) -> np.ndarray:
    """One map of an image of ``shape`` (height and width), in its own dtype.

    Raises:
        InvalidValue: not numbers, NaN or infinity among them, or of another shape.
    """
    shape = tuple(shape)
    problem, expected = "This is not a map of the image", f"float {list(shape)}"
    found = array(problem, map_, expected)
    if found.shape != shape or found.dtype.kind not in NUMBERS:
        raise InvalidValue(problem, given=f"{found.dtype} {list(found.shape)}", expected=expected)
    if not np.isfinite(found).all():
        raise InvalidValue(problem, given="NaN or infinity in it", expected="finite numbers")
    return found


def sound(*stacks: np.ndarray) -> np.ndarray:
    """Of which images every value in all of ``stacks``, float [N, pixels], is a finite number: bool [N]."""
    return np.logical_and.reduce([np.isfinite(values).all(axis=1) for values in stacks])


def two_stacks(
    a, b, problem: str = "These maps cannot be compared", expected: str = "two of [N, H, W], not empty"
) -> tuple[np.ndarray, np.ndarray]:
    """Two stacks [N, H, W] of one shape as float64 [N, H·W].

    Raises:
        InvalidValue: not numbers, other dimensions, two shapes, or no pixel.
    """
    a, b = array(problem, a, expected), array(problem, b, expected)
    if a.ndim != 3 or a.shape != b.shape or not a.size or {a.dtype.kind, b.dtype.kind} - {*NUMBERS}:
        raise InvalidValue(problem, given=f"{a.dtype} {list(a.shape)} and {b.dtype} {list(b.shape)}", expected=expected)
    return a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)


def maps_and_masks(maps, masks) -> tuple[np.ndarray, np.ndarray]:
    """Maps [N, H, W] as float64 [N, H·W] and their masks, bools or numbers 0 and 1, as bool [N, H·W].

    Raises:
        InvalidValue: not two stacks of one shape, or masks that hold something else.
    """
    values, inside = two_stacks(
        maps,
        masks,
        "These maps and masks do not fit together",
        "maps [N, H, W] and masks bool [N, H, W], not empty",
    )
    if not ((inside == 0) | (inside == 1)).all():
        raise InvalidValue(
            "These are not masks",
            given=f"values from {inside.min():g} to {inside.max():g}",
            expected="bool [N, H, W], or 0 and 1 only",
            remedy="say from which value on a pixel is inside, such as masks > 127",
        )
    return values, inside.astype(bool)
