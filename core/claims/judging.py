"""From claims to verdicts: find the networks, take the paired differences, correct for how many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from core.checkpoints import Entry
from core.claims.catalogue import Claim, Part
from core.claims.verdicts import CANNOT_TELL, FAILS, HOLDS, LEVEL, Region, holm, p_value, verdict
from core.claims.wording import MISSING_CONTROL, network, percent, sentence
from core.evaluation import Interval
from core.paths import first_percent, is_trained
from core.replication import Line, Stored
from core.replication.lines import TRAINED_ON


@dataclass(frozen=True)
class Evidence:
    """One part of a claim with the test behind it.

    Attributes:
        part: what is claimed.
        by_seed: seed (the dense network's id where a seed was trained twice) -> paired difference, of the study's own line first.
        difference: over all seeds; None where there is nothing to test on.
        p, corrected: p-value alone, and over all tests of the study and measure (Holm).
        verdict: one of :data:`core.claims.VERDICTS`.
        reason: why it cannot be told; empty where it can.
        epochs: of fine-tuning of the first network and of the second; of the second None where it is the dense one.
    """

    part: Part
    by_seed: dict[int | str | None, Interval]
    difference: Interval | None
    p: float | None
    corrected: float | None
    verdict: str
    reason: str
    epochs: tuple[float | None, float | None] = (None, None)

    @property
    def equal(self) -> bool:
        """Whether both were fine-tuned equally long; the dense network was not fine-tuned and does not count."""
        return None in self.epochs or self.epochs[0] == self.epochs[1]


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict.

    Attributes:
        claim: what is claimed.
        measure: on what, a name in :data:`core.evaluation.METRICS`.
        evidence: one for each part.
        verdict: holds if all parts do, does not hold if one does not, otherwise cannot be told.
        lesions: how many lesions the test images show, or None.
    """

    claim: Claim
    measure: str
    evidence: tuple[Evidence, ...]
    verdict: str
    lesions: int | None

    @property
    def tested(self) -> bool:
        """Whether there are answers to test all of it on."""
        return all(item.difference for item in self.evidence)

    @property
    def missing(self) -> list[str]:
        """What is missing for that, in words."""
        return list(dict.fromkeys(item.reason for item in self.evidence if item.difference is None))


def judge(claims: Iterable[Claim], lines: Sequence[Line], stored: Stored, measure: str) -> list[Finding]:
    """The verdict on each claim.

    Args:
        claims: about one study, of :func:`core.claims.claims`.
        lines: of that study, of :func:`core.replication.lines`.
        stored: answers of their networks.
        measure: ``"accuracy"`` as the paper, or ``"balanced_accuracy"``.

    Returns:
        One finding a claim, in their order. A claim whose networks or answers are not there cannot be told, and says
        what is missing.
    """
    claims = list(claims)
    tested: dict[tuple, Evidence] = {}
    for claim in claims:
        for part in claim.parts:
            tested[claim.sparsity, part] = _test(part, claim.sparsity, lines, stored, measure)
    corrected = _corrected(tested)
    findings = []
    for claim in claims:
        evidence = tuple(corrected[claim.sparsity, part] for part in claim.parts)
        findings.append(Finding(claim, measure, evidence, _together(evidence), stored.lesions))
    return findings


def as_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Every test as a row, for a table, a chart and a CSV.

    Returns:
        group, sparsity, subject, claim (the sentence without its verdict), first, second (words), measure, difference,
        low, high (95%, uncorrected), edge (of the region), seeds, seeds_low, seeds_high, n, lesions, method, p,
        p_holm, epochs_first, epochs_second (of fine-tuning), verdict, reason, claim_verdict. Tests that lack networks
        have no numbers.
    """
    return pd.DataFrame([_row(finding, item) for finding in findings for item in finding.evidence], columns=_COLUMNS)


_COLUMNS = ["group", "sparsity", "subject", "claim", "first", "second", "measure", "difference", "low", "high", "edge"]
_COLUMNS += ["seeds", "seeds_low", "seeds_high", "n", "lesions", "method", "p", "p_holm"]
_COLUMNS += ["epochs_first", "epochs_second"]
_COLUMNS += ["verdict", "reason", "claim_verdict"]


def _row(finding: Finding, item: Evidence) -> dict:
    claim, part, value = finding.claim, item.part, item.difference
    seeds = [interval.estimate for interval in item.by_seed.values()]
    return {
        "group": claim.group,
        "sparsity": claim.sparsity,
        "subject": claim.subject,
        "claim": sentence(claim, part),
        "first": network(part.first),
        "second": network(part.second),
        "measure": finding.measure,
        "difference": value.estimate if value else None,
        "low": value.low if value else None,
        "high": value.high if value else None,
        "edge": part.region.edges[0],
        "seeds": len(seeds),
        "seeds_low": min(seeds, default=None),
        "seeds_high": max(seeds, default=None),
        "n": value.n if value else None,
        "lesions": finding.lesions if value else None,
        "method": value.method if value else None,
        "p": item.p,
        "p_holm": item.corrected,
        "epochs_first": item.epochs[0],
        "epochs_second": item.epochs[1],
        "verdict": item.verdict,
        "reason": item.reason,
        "claim_verdict": finding.verdict,
    }


def _test(part: Part, sparsity: float, lines: Sequence[Line], stored: Stored, measure: str) -> Evidence:
    by_seed, pairs, reason, epochs = {}, [], "", (None, None)
    for number, line in enumerate(lines):
        first, second, missing = _networks(part, sparsity, line)
        value = stored.difference(first, second, measure) if first and second else None
        if value is not None and value.low is not None:
            if not by_seed:
                epochs = (first.card.epochs, second.card.epochs if second is not line.dense else None)
            # One seed trained on two kinds of processor is two trainings.
            by_seed[line.dense.id if line.seed in by_seed else line.seed] = value
            pairs.append((first, second))
        elif number == 0:
            reason = missing or _unanswered(first, second, stored)
    if not by_seed:
        return Evidence(part, {}, None, None, None, CANNOT_TELL, reason or "nothing was trained")
    pooled = next(iter(by_seed.values())) if len(pairs) == 1 else stored.mean_difference(pairs, measure)
    p = p_value(pooled, part.region) if _agree(by_seed.values(), part.region) else 1.0
    return Evidence(part, by_seed, pooled, p, None, CANNOT_TELL, "", epochs)


def _networks(part: Part, sparsity: float, line: Line) -> tuple[Entry | None, Entry | None, str]:
    """The two networks of a part in a line, and what is missing, in words."""
    first = line.at(part.first, sparsity)
    if first is None:
        return None, None, f"{network(part.first)} at {percent(sparsity)} is not trained"
    missing = f"{network(part.second)} at {percent(sparsity)} is not trained"
    if part.second == "dense":
        second = line.dense
    elif part.second == TRAINED_ON:
        second, missing = line.control(first), MISSING_CONTROL.format(epochs=first.card.epochs)
    else:
        second = line.at(part.second, sparsity)
    if second and line.origin(first) != line.origin(second):
        # On another processor sums come in another order, and many epochs later it is another network, by points.
        return None, None, "the two come from different trainings of the same dense network"
    return first, second, "" if second else missing


def _unanswered(first: Entry, second: Entry, stored: Stored) -> str:
    """Why there is nothing to test two networks on that are both here, in words."""
    lacking = [entry for entry in (first, second) if stored.own(entry) is None]
    if not lacking:
        return "there are too few lesions for an interval"
    # Answers are kept at whole percents, so that those of a network between two of them begin where it is pruned on.
    between = [entry for entry in lacking if stored.response(entry) and not is_trained(entry, _begin(entry))]
    if between != lacking:
        return f"the answers of {_ids(entry for entry in lacking if entry not in between)} are not stored"
    return (
        f"the answers of {_ids(between)} are stored from {percent(_begin(between[0]))} on, pruned further, and not at "
        f"{percent(between[0].card.sparsity)} itself"
    )


def _begin(entry: Entry) -> float:
    """The first sparsity at which answers of ``entry`` can be stored."""
    return first_percent(entry.card.sparsity) / 100


def _ids(entries: Iterable[Entry]) -> str:
    return " and ".join(entry.id for entry in entries)


def _agree(intervals: Iterable[Interval], region: Region) -> bool:
    return len({interval.estimate in region for interval in intervals}) == 1


def _corrected(tested: dict[tuple, Evidence]) -> dict[tuple, Evidence]:
    known = {key: item for key, item in tested.items() if item.p is not None}
    result = dict(tested)
    for (key, item), p in zip(known.items(), holm([item.p for item in known.values()]), strict=True):
        outcome = verdict(item.difference, item.part.region, p)
        result[key] = replace(item, corrected=p, verdict=outcome, reason=_reason(item, outcome, len(known)))
    return result


def _reason(item: Evidence, outcome: str, tests: int) -> str:
    if outcome != CANNOT_TELL:
        return ""
    if not _agree(item.by_seed.values(), item.part.region):
        return "the seeds disagree"
    if item.p < LEVEL:
        return f"by itself it would be told, but among {tests} tests one like it may be chance"
    if item.difference.low == item.difference.high:
        return "the two do not differ in a single image"
    return "the interval reaches to both sides"


def _together(evidence: Sequence[Evidence]) -> str:
    verdicts = {item.verdict for item in evidence}
    if verdicts == {HOLDS}:
        return HOLDS
    return FAILS if FAILS in verdicts else CANNOT_TELL
