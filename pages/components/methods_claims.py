"""Each claim of the paper with its verdict and the paired test behind it."""

import pandas as pd
import streamlit as st

from core import claims
from core.claims import CANNOT_TELL, FAILS, GROUPS, HOLDS, Finding
from pages.components import look, methods_charts, methods_controls, methods_data, panels

_UNTESTED = "not tested"
_ICONS = {
    HOLDS: ":green[:material/check_circle:]",
    FAILS: ":red[:material/cancel:]",
    CANNOT_TELL: ":material/help:",
    _UNTESTED: ":material/pending:",
}
_RULE = """
A claim speaks of a **difference** between two networks that answered the same test images, such as "iterative less
one-shot". Its 95% interval counts lesions, not images, and pairs the two answers to each. The claim

- **holds** if the whole interval lies on its side of the dashed line,
- **does not hold** if the whole interval lies on the other side,
- **cannot be told** if the interval reaches to both,
- is **not tested** where networks or answers that it takes are not here.

A claim of several parts holds only if all of them do. Testing many claims, one is sooner or later told by chance: a
verdict here also has to stand **Holm's correction** over all tests of this study and measure. The intervals drawn are
not corrected, so one that just clears the line may still be called "cannot be told".

An interval speaks of **other lesions**, not of other trainings. With one seed the verdict is about these very
networks. With several, it is about their mean: each image counts with its mean change over the seeds. Their spread is in
the table, and seeds that disagree tell nothing.
"""


def draw(study: str) -> None:
    """The section about claims."""
    measure = methods_controls.measure()
    found = methods_data.findings(study, measure)
    st.markdown(f"## {claims.summary(found)}")
    _precision(found, methods_controls.MEASURES[measure].lower())
    with st.expander("How a verdict is reached"):
        st.markdown(_RULE)
    if found:
        _groups(found)
    frame = claims.as_table(found)
    name = f"claims-{study}-{measure}"
    panels.table(frame, name=name, title="Every test behind the verdicts, at all sparsities", key="claims")
    if not found or any(not finding.tested for finding in found):
        st.caption("What is missing is made by:")
        st.code(methods_data.command(study), language="bash")


def _groups(found: list[Finding]) -> None:
    """The claims at one sparsity, by what they ask."""
    sparsity = methods_controls.trained(sorted({finding.claim.sparsity for finding in found}), "claims-at")
    for name, group in GROUPS.items():
        st.header(group.question)
        st.markdown(group.claim())
        _group([finding for finding in found if (finding.claim.group, finding.claim.sparsity) == (name, sparsity)])


def _precision(found: list[Finding], measure: str) -> None:
    tested = next((finding for finding in found if finding.tested), None)
    if tested is None:
        return
    difference = tested.evidence[0].difference
    lesions = f" of {tested.lesions:,} lesions" if tested.lesions else ""
    seeds = max(len(item.by_seed) for finding in found for item in finding.evidence)
    reach, told = claims.resolution(found)
    st.markdown(
        f"Tested on {difference.n:,} test images{lesions}, the same for all networks, "
        f"{'one seed' if seeds == 1 else f'up to {seeds} seeds'}. On so many images the middle one of all intervals of a difference in "
        f"{measure} reaches ±\u00a0{100 * reach:.1f} points{'' if seeds == 1 else ' (those of several seeds together are narrower)'}, and among so many tests a true difference must lie about {100 * told:.1f} points from the "
        "edge of a claim to be told four times in five."
    )


def _group(found: list[Finding]) -> None:
    for finding in found:
        st.markdown(_line(finding))
    rows = _rows(found)
    if len(rows):
        st.altair_chart(
            methods_charts.forest(rows, look.ink()),
            alt="Paired differences with 95% intervals, and the line beyond which the claim holds: "
            + "; ".join(rows["label"]),
        )


def _line(finding: Finding) -> str:
    """A claim with its verdict, what the paper's own numbers say, and what is missing."""
    claim = finding.claim
    said = claims.headline(claim)
    # A verdict is of a test: without any there is none, whatever the data call it.
    verdict = finding.verdict if any(item.difference for item in finding.evidence) else _UNTESTED
    text = f"{_ICONS[verdict]} {said[0].upper()}{said[1:]}: **{verdict}**."
    if claim.published:
        cells = ", ".join(f"{claims.network(name)} {100 * value:.2f}%" for name, value in claim.published.items())
        text += f" In the paper, which tells accuracy and no intervals, it {'is' if claim.supported else 'is not'}: {cells}."
    if reason := _reason(finding):
        text += f" {reason[0].upper()}{reason[1:]}."
    if any(not item.equal for item in finding.evidence):
        text += " The two were not trained equally long, so the comparison is not a fair one."
    return text


def _reason(finding: Finding) -> str:
    """Why a claim cannot be told; where its parts differ in that, each says for itself."""
    reasons = {item.reason for item in finding.evidence}
    if len(reasons) == 1:
        return reasons.pop()
    told = []
    for item in finding.evidence:
        both = f"{claims.network(item.part.first)} minus {claims.network(item.part.second)}: "
        if item.reason:
            told.append((both if item.difference else "") + item.reason)
    return "; ".join(told)


def _rows(found: list[Finding]) -> pd.DataFrame:
    frame = claims.as_table(found)
    frame = frame[frame["difference"].notna()]
    points = {f"points{end}": 100 * frame[column] for end, column in _ENDS.items()}
    frame = frame.assign(**points, edge_points=100 * frame["edge"])
    return frame.assign(label=[_label(row) for row in frame.to_dict("records")])


_ENDS = {"": "difference", "_low": "low", "_high": "high"}


def _label(row: dict) -> str:
    value, _, span = look.points(row["difference"], row["low"], row["high"]).partition(" ")
    seeds = f", {row['seeds']} seeds" if row["seeds"] > 1 else ""
    return f"{row['first']} minus {row['second']}: {value} points {span}{seeds}"
