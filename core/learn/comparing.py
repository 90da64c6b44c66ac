"""The sentence that sets a guess against the answer."""

from core.learn.findings import Finding

CLOSE = 3.0
"""Percentage points within which a guess at a counted number is called close."""


def compare(finding: Finding, guess: float | str) -> str:
    """What a guess was worth.

    Args:
        finding: the question and its answer.
        guess: of the kind that the question asks for.
    """
    if finding.options:
        said = finding.options[guess]
        if guess == finding.truth:
            return f"You said “{said}”, and so do the data."
        return f"You said “{said}”. The data say: **{finding.options[finding.truth]}**."
    unit = "%" if finding.unit == "%" else ""
    said = f"You said {guess:g}{unit}"
    if finding.low is None:
        points = abs(guess - finding.truth)
        if points <= CLOSE:
            return f"{said}: close, {points:.1f} points off."
        return f"{said}: {points:.0f} points too {_way(guess, finding.truth)}."
    low, high = finding.low, finding.high
    if not unit:
        # Nobody misses half a lesson: the ends of a count are whole, as shown so compared.
        low, high = round(low), round(high)
    span = f"[{low:.1f}, {high:.1f}]" if unit else f"of {low} to {high} of {finding.most}"
    if low <= guess <= high:
        return f"{said}, within the interval {span}: as near as these images can tell."
    off = abs(guess - finding.truth)
    far = f"{off:.0f} points too {_way(guess, finding.truth)}"
    if not unit:
        far = f"{off:.0f} {'more' if guess > finding.truth else 'fewer'} than the {finding.truth:.0f} counted"
    return f"{said}, outside the interval {span}: {far}."


def _way(guess: float, truth: float) -> str:
    return "high" if guess > truth else "low"
