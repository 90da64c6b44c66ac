"""Each claim about features put to the test on stored comparisons."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from core.claims.verdicts import CANNOT_TELL, FAILS, HOLDS, LEVEL, Region, holm, p_value, verdict
from core.claims.wording import counted
from core.evaluation import Interval
from core.matrices import Stored, chosen, position
from core.replication import Line
from core.similarity import CKAMatrix, mean_difference, pooled
from core.similarity_claims.catalogue import CLAIMS, FLOOR, Claim, Term
from core.words import METHOD_TITLES

MORE = Region(low=0.0)
NOT_TESTED = "not tested"
"""What a claim is of which no part has a test, for what it compares is not here."""


@dataclass(frozen=True)
class Evidence:
    """One part of a claim with the test behind it.

    Attributes:
        first, second: the terms.
        values: their means with intervals, on the study's own line; None where a network is missing.
        by_seed: seed (the dense network's id where a seed was trained twice) -> paired difference, of the study's own line first.
        difference: over all seeds; None where there is nothing to test on.
        p: p-value after Holm's correction over all tests at this sparsity; None without a test.
        verdict: one of :data:`core.claims.VERDICTS`.
        reason: why it cannot be told; empty where it can.
    """

    first: Term
    second: Term
    values: tuple[Interval | None, Interval | None]
    by_seed: dict[int | str | None, Interval]
    difference: Interval | None
    p: float | None
    verdict: str
    reason: str


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict: holds if all parts do, does not hold if one does not, otherwise cannot be told."""

    claim: Claim
    evidence: tuple[Evidence, ...]

    @property
    def verdict(self) -> str:
        """One of :data:`core.claims.VERDICTS`."""
        found = {item.verdict for item in self.evidence}
        return HOLDS if found == {HOLDS} else FAILS if FAILS in found else CANNOT_TELL

    @property
    def tests(self) -> int:
        """How many of its parts have a test."""
        return sum(item.p is not None for item in self.evidence)

    @property
    def outcome(self) -> str:
        """Its verdict, or :data:`NOT_TESTED`."""
        return self.verdict if self.tests else NOT_TESTED

    @property
    def reasons(self) -> list[str]:
        """Why it cannot be told, each reason once."""
        return list(dict.fromkeys(item.reason for item in self.evidence if item.reason))


def judge(stored: Stored | None, lines: Sequence[Line], sparsity: float | None = None) -> list[Finding]:
    """The verdict on each of :data:`CLAIMS`.

    Args:
        stored: comparisons of the study; None if there are none.
        lines: of the study, from :func:`core.replication.lines`, its own first.
        sparsity: of the pruned networks; by default the one of :func:`core.matrices.chosen`.
    """
    parts = [(claim, *terms) for claim in CLAIMS for terms in claim.parts]
    tested = [_test(stored, lines, sparsity, first, second) for _, first, second in parts]
    known = [item for item in tested if item.p is not None]
    corrected = iter(holm([item.p for item in known]))
    judged = [_judged(item, next(corrected), len(known)) if item.p is not None else item for item in tested]
    return [
        Finding(claim, tuple(item for item, (own, *_) in zip(judged, parts, strict=True) if own is claim))
        for claim in CLAIMS
    ]


def summary(findings: Sequence[Finding]) -> str:
    """How many claims hold, in a sentence, and how many of them nothing was tested."""
    counts = Counter(finding.outcome for finding in findings)
    told = counted(counts[HOLDS], counts[FAILS], counts[CANNOT_TELL])
    if untested := [finding for finding in findings if not finding.tests]:
        reasons = {reason for finding in untested for reason in finding.reasons}
        why = f": {reasons.pop()}" if len(reasons) == 1 else ""
        told += f"{'; ' if told else ''}{len(untested)} {'is' if len(untested) == 1 else 'are'} {NOT_TESTED}{why}"
    return f"Of {len(findings)} claims of the paper, for these networks {told}."


def floor(stored: Stored | None, lines: Sequence[Line], sample: str | None = None) -> tuple[Line, CKAMatrix] | None:
    """The first line of another seed whose dense network was compared with the study's own, and that comparison; None if none was.

    Args:
        stored, lines: as for :func:`judge`.
        sample: of the test images; by default the usual one.
    """
    if stored is None:
        return None
    for line in lines[1:]:
        found = stored.matrix(position(lines[0].dense), position(line.dense), sample or stored.usual)
        if found is not None:
            return line, found
    return None


def over_same(floor: CKAMatrix, matrix: CKAMatrix) -> tuple[float, int]:
    """A mean to hold against a floor over some of the layers: matching layers of ``matrix``, over no others than the floor's.

    Returns:
        The mean, NaN where they share no layer, and over how many layers it is.
    """
    known = set(floor.twins().query("reason == ''")["row"])
    twins = matrix.twins()
    same = twins[(twins["reason"] == "") & twins["row"].isin(known)]
    return float(same["cka"].mean()), len(same)


def as_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Every test as a row: claim, first, second, their means, the difference with its interval, n, seeds, p, verdict, reason."""
    return pd.DataFrame([_row(finding, item) for finding in findings for item in finding.evidence])


def _row(finding: Finding, item: Evidence) -> dict:
    row = {"claim": finding.claim.sentence, "first": item.first.words, "second": item.second.words}
    for name, value in zip(("first", "second"), item.values, strict=True):
        row |= {f"{name}_cka": value and value.estimate, f"{name}_low": value and value.low}
        row |= {f"{name}_high": value and value.high}
    value = item.difference
    row |= {name: value and getattr(value, name) for name in ("estimate", "low", "high", "n", "method")}
    row |= {"seeds": len(item.by_seed), "p_holm": item.p, "verdict": item.verdict, "reason": item.reason}
    return {("difference" if name == "estimate" else name): value for name, value in row.items()} | {
        "claim_verdict": finding.verdict
    }


def _test(stored: Stored | None, lines: Sequence[Line], sparsity: float | None, first: Term, second: Term) -> Evidence:
    by_seed, pairs, values, reason = {}, [], (None, None), ""
    for number, line in enumerate(lines):
        found = [_matrix(stored, lines, line, sparsity, term) for term in (first, second)]
        lacking = [why for matrix, why in found if matrix is None]
        if number == 0:
            values = tuple(
                matrix and _mean(matrix, term).interval()
                for (matrix, _), term in zip(found, (first, second), strict=True)
            )
            reason = lacking[0] if lacking else ""
        if lacking:
            continue
        (a, _), (b, _) = found
        pair = (_mean(a, first), _mean(b, second))
        difference = mean_difference([pair])
        if difference.low is not None:
            by_seed[line.dense.id if line.seed in by_seed else line.seed] = difference
            pairs.append(pair)
    if not by_seed:
        return Evidence(first, second, values, {}, None, None, CANNOT_TELL, reason or "its interval is not stored")
    values = tuple(pooled(means).interval() for means in zip(*pairs, strict=True))
    difference = mean_difference(pairs)
    p = p_value(difference, MORE) if _agree(by_seed) else 1.0
    return Evidence(first, second, values, by_seed, difference, p, CANNOT_TELL, "")


def _matrix(
    stored: Stored | None, lines: Sequence[Line], line: Line, sparsity: float | None, term: Term
) -> tuple[CKAMatrix | None, str]:
    """The comparison behind a term in a line, or None and what is missing, in words."""
    if stored is None:
        return None, "nothing is stored"
    if term == FLOOR:
        found = floor(stored, lines)
        if found is None:
            return (
                None,
                f"{'its comparison with' if len(lines) > 1 else ''} a second dense network with another seed is missing".strip(),
            )
        return _whole(found[1], term)
    networks = chosen(line, sparsity)
    for name in (term.first, term.second):
        if name not in networks:
            return None, f"{METHOD_TITLES.get(name, name).lower()} pruning is not trained at the sparsity of the others"
    matrix = stored.matrix(position(networks[term.first]), position(networks[term.second]), stored.usual)
    if matrix is None:
        return None, "the comparison is not stored"
    return _whole(matrix, term)


def _whole(matrix: CKAMatrix, term: Term) -> tuple[CKAMatrix | None, str]:
    """A mean over some layers must not be held against one over all."""
    dead = [*matrix.row_reasons, *matrix.column_reasons]
    if any(dead):
        return None, f"in {term.words} a layer cannot be compared, as {next(filter(None, dead))}"
    return matrix, ""


def _mean(matrix: CKAMatrix, term: Term):
    return matrix.off_diagonal if term.first == term.second else matrix.twins_mean


def _agree(by_seed: dict[int | str | None, Interval]) -> bool:
    return len({interval.estimate in MORE for interval in by_seed.values()}) == 1


def _judged(item: Evidence, p: float, tests: int) -> Evidence:
    outcome = verdict(item.difference, MORE, p)
    reason = ""
    if outcome == CANNOT_TELL:
        reason = "the interval reaches to both sides of 0"
        if not _agree(item.by_seed):
            reason = "the seeds disagree"
        elif item.p < LEVEL:
            reason = f"by itself it would be told, but among {tests} tests one like it may be chance"
    return replace(item, p=p, verdict=outcome, reason=reason)
