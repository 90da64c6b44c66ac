"""Each claim of the paper with its verdict and the paired test behind it."""

import pandas as pd
import streamlit as st

from core import claims
from core.claims import CANNOT_TELL, FAILS, GROUPS, HOLDS, Finding
from pages.components import look, methods_controls, methods_data, methods_forest, panels

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

- **holds** if the whole interval lies on its side of the upright line,
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
    answer, summary = claims.best(found), claims.summary(found)
    st.markdown(f"## {answer or summary}")
    if answer:
        st.markdown(summary)
    _precision(found, methods_controls.MEASURES[measure].lower())
    if found:
        _told(found)
        _groups(found)
    frame = claims.as_table(found)
    name = f"claims-{study}-{measure}"
    panels.table(frame, name=name, title="Every test behind the verdicts, at all sparsities", key="claims")
    if not found or any(not finding.tested for finding in found):
        st.caption("What is missing is made by:")
        st.code(methods_data.command(study), language="bash", wrap_lines=True)


def _told(found: list[Finding]) -> None:
    """Which claims hold or do not, at which sparsities: below stands one sparsity alone."""
    marks = {HOLDS: ":green[✓]", FAILS: ":red[✗]", CANNOT_TELL: "–"}
    rows: dict[str, dict[str, str]] = {}
    for finding in found:
        text = claims.short(finding.claim)
        row = rows.setdefault(f"{text[0].upper()}{text[1:]}", {})
        row[look.sparsity(finding.claim.sparsity)] = marks[finding.verdict] if _asked(finding) else ""
    told = {name: row for name, row in rows.items() if {marks[HOLDS], marks[FAILS]} & set(row.values())}
    if not told:
        return
    st.markdown("**What could be told, by the share of weights removed**")
    places = [look.sparsity(value) for value in sorted({finding.claim.sparsity for finding in found})]
    st.table(pd.DataFrame.from_dict(told, orient="index", columns=None).reindex(columns=places).fillna(""))
    st.caption("✓ holds · ✗ does not hold · – cannot be told. Choose below which of them to see.")


def _asked(finding: Finding) -> bool:
    """Whether there was a test. A verdict is of one: without any there is none, whatever the data call it."""
    return any(item.difference for item in finding.evidence)


def _groups(found: list[Finding]) -> None:
    """The claims at one sparsity, by what they ask; all on one axis, with one legend."""
    sparsity = methods_controls.trained(sorted({finding.claim.sparsity for finding in found}), "claims-at")
    by_group = {
        name: [finding for finding in found if (finding.claim.group, finding.claim.sparsity) == (name, sparsity)]
        for name in GROUPS
    }
    rows = {name: _rows(own) for name, own in by_group.items()}
    drawn = [name for name in GROUPS if len(rows[name])]
    axes = _axes({name: rows[name] for name in drawn})
    for name, group in GROUPS.items():
        st.header(group.question)
        st.markdown(group.claim())
        for finding in by_group[name]:
            st.markdown(_line(finding))
        if name in drawn:
            states = {verdict for own in rows.values() for verdict in own["verdict"]} if name == drawn[0] else ()
            st.altair_chart(
                methods_forest.forest(rows[name], axes[name], states, look.ink()),
                alt="Paired differences with 95% intervals, and the line beyond which the claim holds: "
                + "; ".join(rows[name]["label"]),
            )
        if name in drawn[:1]:
            st.caption("The upright line is the edge beyond which a claim holds.")


def _axes(rows: dict[str, pd.DataFrame]) -> dict[str, tuple[float, float]]:
    """One axis for all charts, so that they can be compared; one that reaches twice as far as all others together has its own.

    Networks pruned at random may lie tens of points behind, and nothing would be seen of differences of one point beside them.
    """
    axes = {}
    for name, own in rows.items():
        others = [other for one, other in rows.items() if one != name]
        rest = methods_forest.domain(pd.concat(others)) if others else None
        alone = methods_forest.domain(own)
        axes[name] = alone if rest is None or alone[1] - alone[0] > 2 * (rest[1] - rest[0]) else None
    shared = [rows[name] for name in rows if axes[name] is None]
    return {name: ends or methods_forest.domain(pd.concat(shared)) for name, ends in axes.items()}


def _precision(found: list[Finding], measure: str) -> None:
    """On what the claims were tested, and how small a difference that can tell; why, and the rule, in a fold."""
    tested = next((finding for finding in found if finding.tested), None)
    reach = told = None
    if tested is not None:
        difference = tested.evidence[0].difference
        lesions = f" of {tested.lesions:,} lesions" if tested.lesions else ""
        seeds = max(len(item.by_seed) for finding in found for item in finding.evidence)
        reach, told = claims.resolution(found)
        st.markdown(
            f"Tested on {difference.n:,} test images{lesions}, the same for all networks, "
            f"{'one seed' if seeds == 1 else f'up to {seeds} seeds'}. Differences in {measure} under about {100 * told:.1f} points cannot be told here."
        )
    with st.expander("How a verdict is reached"):
        st.markdown(_RULE)
        if reach is not None:
            st.markdown(
                f"On so many images half of all intervals of a difference in {measure} reach further than ±\u00a0{100 * reach:.1f} points. "
                f"Among so many tests a true difference must lie about {100 * told:.1f} points from the edge of a claim to be told four "
                "times in five."
            )


def _line(finding: Finding) -> str:
    """A claim with its verdict, what the paper's own numbers say, and what is missing."""
    claim = finding.claim
    said = claims.headline(claim)
    verdict = finding.verdict if _asked(finding) else _UNTESTED
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
    return f"{row['first']} minus {row['second']}: {value} points {span}"
