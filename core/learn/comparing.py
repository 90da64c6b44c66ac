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
    span = f"[{finding.low:.1f}, {finding.high:.1f}]{unit}"
    if finding.low <= guess <= finding.high:
        return f"{said}, within the interval {span}: as near as these images can tell."
    off = abs(guess - finding.truth)
    far = f"{off:.0f} points" if unit else f"{off:.0f}"
    return f"{said}, outside the interval {span}: {far} too {_way(guess, finding.truth)}."


def _way(guess: float, truth: float) -> str:
    return "high" if guess > truth else "low"
