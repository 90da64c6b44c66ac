"""Claims and verdicts in words."""

from collections.abc import Sequence
from statistics import NormalDist, median
from typing import TYPE_CHECKING

from core.claims.catalogue import MARGIN, Claim, Part
from core.claims.verdicts import FAILS, HOLDS
from core.evaluation.intervals import CONFIDENCE, z_value
from core.pruning import labels
from core.replication.lines import TRAINED_ON
from core.studies import TITLES, Study
from core.words import METHOD_TITLES

if TYPE_CHECKING:
    from core.claims.judging import Finding

POWER = 0.8
"""How often a difference is to be told, for :func:`resolution`."""
MISSING_CONTROL = "the dense network trained on for {epochs:g} epochs is missing"
_NETWORKS = {"dense": "dense", TRAINED_ON: "dense (trained on)"}


def network(method: str) -> str:
    """A method as it stands within a sentence: ``"one-shot"``, ``"one-shot at random"``, ``"dense (trained on)"``."""
    name = labels.parted(method).method
    return (_NETWORKS.get(name) or METHOD_TITLES.get(name, name.replace("_", " ")).lower()) + labels.variant(method)


def percent(sparsity: float) -> str:
    """A sparsity within a sentence: ``"80%"``, ``"12.5%"``."""
    return f"{100 * sparsity:g}%"


def place(study: str) -> str:
    """A study within a sentence: ``"VGG16/HAM10000 (64 px)"``."""
    named = Study.parse(study)
    return f"{TITLES[named.architecture]}/{TITLES.get(named.data, named.data)} ({named.size} px)"


def headline(claim: Claim) -> str:
    """What a claim says as a whole: ``"iterative is the best of the three at 80%"``."""
    return f"{short(claim)} at {percent(claim.sparsity)}"


def short(claim: Claim) -> str:
    """The same without its sparsity: ``"iterative is the best of the three"``."""
    if claim.group in ("best", "worst"):
        return f"{network(claim.subject)} is the {claim.group} of the three"
    return _says(claim.parts[0])


def sentence(claim: Claim, part: Part) -> str:
    """What one part of a claim says: ``"iterative beats one-shot at 80% on VGG16/HAM10000 (64 px)"``."""
    return f"{_says(part)} at {percent(claim.sparsity)} on {place(claim.study)}"


def _says(part: Part) -> str:
    if part.region.low == 0:
        return f"{network(part.first)} beats {network(part.second)}"
    return f"{network(part.first)} is no more than {100 * MARGIN:g} point behind {network(part.second)}"


def best(findings: Sequence["Finding"]) -> str:
    """Which way of pruning is the best of the three, as far as the tests tell it; empty where none was tested.

    A way is the best at a sparsity where the tests of the claims tell that it beats both others, whichever way the paper has there.
    """
    asked = [finding for finding in findings if finding.claim.group in ("best", "worst") and _counts(finding)]
    places = sorted({finding.claim.sparsity for finding in asked})
    winners: dict[str, list[float]] = {}
    beaten: dict[str, list[float]] = {}
    for sparsity in places:
        beats = {pair for finding in asked if finding.claim.sparsity == sparsity for pair in _beats(finding)}
        won = [name for name in METHOD_TITLES if {(name, other) for other in METHOD_TITLES if other != name} <= beats]
        lost = [] if won else [name for name in METHOD_TITLES if any(second == name for _, second in beats)]
        for name in won:
            winners.setdefault(name, []).append(sparsity)
        for name in lost:
            beaten.setdefault(name, []).append(sparsity)
    told = [f"{network(name)} is the best of the three ways at {percents(at)}" for name, at in winners.items()]
    if untold := [sparsity for sparsity in places if not any(sparsity in at for at in winners.values())]:
        at = percents(untold)
        none = f"at {at} none is shown to be" if told else f"none of the three ways is shown to be the best at {at}"
        told.append(none)
    told += [f"at {percents(at)} it is not {network(name)}" for name, at in beaten.items()]
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _beats(finding: "Finding") -> list[tuple[str, str]]:
    """Pairs of methods of which the first is told to beat the second."""
    pairs = {HOLDS: lambda part: (part.first, part.second), FAILS: lambda part: (part.second, part.first)}
    return [pairs[item.verdict](item.part) for item in finding.evidence if item.verdict in pairs]


def percents(sparsities: Sequence[float]) -> str:
    """Several within a sentence: ``"80%"``, ``"50, 80 and 87.5%"``."""
    texts = [percent(sparsity).removesuffix("%") for sparsity in sparsities]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts) + "%"


def _counts(finding: "Finding") -> bool:
    """Whether a claim was put to the test: all of it, or it fell before."""
    return finding.tested or finding.verdict == FAILS


def summary(findings: Sequence["Finding"]) -> str:
    """How many claims hold, and at which sparsities, in a sentence; it counts those that could be tested, or fell before all of it was."""
    tested = [finding for finding in findings if _counts(finding)]
    if not tested:
        return "No claim can be tested on what is trained so far."
    hold, fail = (sum(finding.verdict == verdict for finding in tested) for verdict in (HOLDS, FAILS))
    rest = len(tested) - hold - fail
    places = percents(sorted({finding.claim.sparsity for finding in tested}))
    return f"Of {len(tested)} claims that can be tested on these networks, at {places} of their weights removed, {counted(hold, fail, rest)}."


def counted(hold: int, fail: int, rest: int) -> str:
    """How many verdicts there are of each kind, those that there are: ``"3 hold, 1 does not hold and 12 cannot be told"``."""
    told = [
        f"{hold} hold{'s' if hold == 1 else ''}" if hold else "",
        f"{fail} do{'es' if fail == 1 else ''} not hold" if fail else "",
        f"{rest} cannot be told" if rest else "",
    ]
    told = [text for text in told if text]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def resolution(findings: Sequence["Finding"]) -> tuple[float, float] | None:
    """How finely these images tell; None without any test.

    Returns:
        Half of the median 95% interval of a difference; and how far from a claim's edge a true difference must lie to be told in
        four of five cases, at the strictest of Holm's steps over as many tests. Both in the unit of the measure, in [0, 1].
    """
    tests = {(finding.claim.sparsity, item.part): item.difference for finding in findings for item in finding.evidence}
    values = [value for value in tests.values() if value and value.low is not None]
    if not values:
        return None
    half = median((value.high - value.low) / 2 for value in values)
    strictest = z_value(1 - (1 - CONFIDENCE) / len(values))
    return half, (strictest + NormalDist().inv_cdf(POWER)) * half / z_value(CONFIDENCE)
