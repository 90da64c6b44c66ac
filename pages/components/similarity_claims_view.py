"""The paper's claims about features, each with its verdict and the paired test behind it."""

import pandas as pd
import streamlit as st

from core import similarity_claims
from core.claims import CANNOT_TELL, FAILS, HOLDS
from core.similarity_claims import NOT_TESTED, Evidence, Finding
from pages.components import (
    charts,
    look,
    panels,
    similarity_choices,
    similarity_claims_charts,
    similarity_data,
    similarity_outliers,
    similarity_words,
)

_APART = 0.006  # between points of one sparsity
_LONG = 36  # characters of a name that leave a phone no room for the difference on the same line
_ICONS = {
    HOLDS: ":green[:material/check_circle:]",
    FAILS: ":red[:material/cancel:]",
    CANNOT_TELL: ":material/help:",
    NOT_TESTED: ":material/pending:",
}
_WHY = {CANNOT_TELL: "It cannot be told", NOT_TESTED: "It cannot be tested"}
_RULE = """
Each line is a **difference of two mean CKA** on the same test images. Its 95% interval leaves out one lesion at a time. The claim
**holds** if every interval lies to the right of the dashed line, **does not hold** if one lies to its left, and otherwise
**cannot be told**; where nothing that it compares is stored, it is **not tested**. {tested}

"Similar" means nothing without something to compare with. Here that is the **floor**: two dense networks of different seeds, which
share nothing but data, design and training. Pruned networks start from one and the same dense network, so they have more in
common than that before pruning begins.

An interval speaks of **other images**, not of other trainings: with one seed a verdict is about these very networks.
"""


def draw(study: str) -> None:
    """The part about claims."""
    every = similarity_data.sparsities(study)
    sparsity = similarity_choices.sparsity(every)
    known = {value: similarity_data.findings(study, value) for value in every or [None]}
    found = known[sparsity]
    if not any(item.difference for finding in found for item in finding.evidence):
        where = "" if sparsity is None else f" of networks pruned to {look.sparsity(sparsity)}"
        st.info(f"Nothing is stored{where} to test the claims on.", icon=":material/help:")
        st.code(similarity_words.make_it(study), language="bash", wrap_lines=True)
        return
    st.markdown(f"## {similarity_claims.summary(found)}")
    with st.expander("How a verdict is reached"):
        st.markdown(_RULE.format(tested=_tested(sum(finding.tests for finding in found))))
    stored = similarity_data.stored(study)
    similarity_outliers.draw(similarity_data.lines(study)[0].dense, stored, stored.usual)
    for number, finding in enumerate(found):
        _claim(finding)
        _by_sparsity({value: findings[number] for value, findings in known.items()}, sparsity)
    tables = [similarity_claims.as_table(findings).assign(sparsity=value) for value, findings in known.items()]
    frame = pd.concat(tables)
    name = f"cka-claims-{study}"
    panels.table(frame, name=name, title="Every test behind the verdicts", key="claims")


def _tested(number: int) -> str:
    """How many differences have a test at this sparsity, and what follows."""
    if number == 1:
        return "Here one difference is tested, so there is nothing to correct for."
    return (
        f"Here {number} differences are tested, so each verdict also has to stand **Holm's correction**; the intervals drawn are "
        "not corrected."
    )


def _claim(finding: Finding) -> None:
    claim = finding.claim
    st.header(claim.sentence)
    st.markdown(f"{_ICONS[finding.outcome]} **{finding.outcome.capitalize()}**. {claim.test}")
    if finding.reasons:
        part = "is not tested" if finding.tests < len(finding.evidence) else "cannot be told"
        what = _WHY.get(finding.outcome, f"A part of it {part}")
        st.caption(" ".join([f"{what}.", *(f"{reason[0].upper()}{reason[1:]}." for reason in finding.reasons)]))
    first = finding.evidence[0]
    if first.values[0]:
        st.markdown(f"{first.first.words.capitalize()}: **{similarity_words.number(first.values[0])}**")
    rows = similarity_claims.as_table([finding])
    rows = rows[rows["difference"].notna()]
    if len(rows):
        labels = [_label(item) for item in finding.evidence if item.difference]
        reach = max(0.05, 1.1 * float(rows[["low", "high"]].abs().max().max()))
        charts.show(
            similarity_claims_charts.forest(tuple(labels), round(reach, 3), look.ink()),
            rows.assign(label=labels, plain=[label.replace("\n", " ") for label in labels]),
            alt="Differences of mean CKA with 95% intervals: " + "; ".join(labels).replace("\n", " "),
        )
    n = next((item.difference.n for item in finding.evidence if item.difference), None)
    if n:
        seeds = max(len(item.by_seed) for item in finding.evidence)
        st.caption(f"n = {n:,} test images, {'one seed' if seeds == 1 else f'{seeds} seeds'}.")


def _by_sparsity(known: dict[float | None, Finding], chosen: float | None) -> None:
    """The differences behind a claim at every sparsity; nothing where there is only one."""
    rows = []
    for sparsity, finding in known.items():
        items = [item for item in finding.evidence if item.difference and item.difference.low is not None]
        for item in items:
            order = finding.evidence.index(item) - (len(finding.evidence) - 1) / 2
            rows.append(
                {
                    "sparsity": sparsity,
                    "at": (sparsity or 0) + _APART * order,
                    "series": f"minus {item.second.words}",
                    "colour": look.COLOURS[item.second.first],
                    "shape": look.shape(item.second.first),
                    "difference": item.difference.estimate,
                    "low": item.difference.low,
                    "high": item.difference.high,
                    "n": item.difference.n,
                }
            )
    frame = pd.DataFrame(rows)
    if frame.empty or frame["sparsity"].nunique() < 2:
        return
    first = next(iter(known.values())).evidence[0].first.words
    series = tuple(frame.drop_duplicates("series")[["series", "colour", "shape"]].itertuples(index=False, name=None))
    st.markdown(f"**{first.capitalize()}, at every sparsity**")
    charts.show(
        similarity_claims_charts.by_sparsity(series, tuple(sorted(frame["sparsity"].unique())), look.ink()),
        frame,
        alt=f"Differences of mean CKA of {first} by sparsity: "
        + "; ".join(
            f"{row.series} at {look.sparsity(row.sparsity)}: {row.difference:+.3f}" for row in frame.itertuples()
        ),
    )
    st.caption(
        f"95% intervals, not corrected; the verdict above is about {look.sparsity(chosen)}. Above the dashed line the claim holds."
    )


def _label(item: Evidence) -> str:
    difference = similarity_words.number(item.difference, signed=True)
    value = f" {item.values[1].estimate:.3f}" if item.values[1] else ""
    name = f"minus {item.second.words}{value}:"
    separator = "\n" if len(name) > _LONG else " "
    return f"{name}{separator}{difference}"
