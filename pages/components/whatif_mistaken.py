"""What the missed lesions were taken for: which classes both networks take for each other."""

import numpy as np
import pandas as pd
import streamlit as st

from core import evaluation
from core.evaluation.checks import checked
from core.evaluation.report import confusion
from core.whatif import Estimate
from pages.components import charts, layout, look, panels, whatif_confusion, whatif_controls, whatif_top, whatif_words
from pages.components.whatif_selection import Selection

MOST = 4  # answers that a sentence names


def draw(selection: Selection, estimate: Estimate) -> None:
    """What became of the class that the page tells of, in a sentence; then the tables of all classes and their difference."""
    st.markdown(_sentence(selection, estimate))
    _answers(selection, estimate)


def _sentence(selection: Selection, estimate: Estimate) -> str:
    """What the lesions newly missed are called, and what all that are missed are."""
    test, table = selection.cohort, whatif_top.ledger(selection, estimate)
    row = whatif_words.told_of(table, selection)
    name, thing = row["group"], "images" if test.groups is None else "lesions"
    if not row["lesions"]:
        return f"There is no test image of {look.diagnosis(name).lower()}."
    taken = selection.result(
        "taken for",
        lambda: evaluation.taken_for(estimate.dense, estimate.pruned, test.labels, name, test.class_names, test.groups),
        name,
    )

    def listed(column: str) -> str:
        return answers(dict(zip(taken["answer"].map(look.diagnosis), taken[column], strict=True)))

    of = whatif_words.of_class(name, 2, selection, thing)
    new, was, now = (int(taken[column].sum()) for column in ("newly_missed", "dense", "pruned"))
    text = f"Of the {row['lesions']:,} {of}, {new:,} {'is' if new == 1 else 'are'} newly missed"
    text += f": the pruned network calls {'it' if new == 1 else 'them'} {listed('newly_missed')}. " if new else ". "
    if now:
        text += f"All {now:,} that it misses it calls {listed('pruned')}. " if now > new else ""
    if was:
        text += f"The {was:,} that the dense network misses it calls {listed('dense')}."
    return text.strip()


def answers(counts: dict[str, int]) -> str:
    """Wrong answers in a sentence, the most frequent first: ``"**Naevus** (5) and **Basal cell carcinoma** (1)"``."""
    ordered = sorted(((name, count) for name, count in counts.items() if count), key=lambda item: -item[1])
    named = [f"**{name}** ({count:,})" for name, count in ordered[:MOST]]
    rest = sum(count for _, count in ordered[MOST:])
    return look.listed([*named, *([f"others ({rest:,})"] if rest else [])])


def _answers(selection: Selection, estimate: Estimate) -> None:
    test = selection.cohort
    one, many = selection.words
    st.markdown(f"**Which {many} are taken for which**")
    st.caption(
        f"Images; the shade is their share of the row's {one}. Counts of this sample, without intervals. Click a cell to bring "
        f"its row's {one} out."
    )

    def count() -> tuple[np.ndarray, np.ndarray]:
        return tuple(confusion(checked(p, test.labels)) for p in (estimate.dense, estimate.pruned))

    dense, pruned = selection.result("confusion", count)
    sizes = np.maximum(dense.sum(axis=1, keepdims=True), 1)
    # Short names: matrices stand side by side.
    names = tuple(map(look.brief_diagnosis, test.class_names))
    dark = st.context.theme.type == "dark"
    panes = (("Dense", dense, False), ("Pruned", pruned, False), ("Pruned minus dense", pruned - dense, True))
    columns = layout.columns(4, least=380, key="tables", gap="large")
    for column, (title, counts, difference) in zip(columns, panes, strict=False):
        with column:
            st.markdown(title)
            charts.show(
                whatif_confusion.answers(names, difference, look.ink(), dark),
                _cells(counts, sizes, names, selection, difference),
                alt=f"{title}: how often each truth got each answer, {len(names)} classes",
                key=f"answers-{title}-{selection.diagnosis}",
                picked=whatif_controls.pick,
            )
    many = len(names) > whatif_confusion.MANY
    # An empty row of the difference would look like one that was forgotten.
    same = [name for name, row in zip(names, pruned - dense, strict=True) if not row.any()]
    unchanged = f" Without a number, every count is as it was: {', '.join(same)}." if same and not many else ""
    scales = f" Shades: square roots{' of the shares;' if many else ','} of the difference up to {'ten' if many else 'twenty'} points."
    columns[-1].caption(
        f"Of the difference, blue cells are answers that the row's {one} gets more often than before pruning, orange ones less "
        "often. Blue on the diagonal is gained, orange there is lost." + unchanged + scales
    )
    panels.table(
        lambda: _lines(dense, pruned, test.class_names),
        name=f"answers-{selection.name}",
        title="Counts of each truth and answer, dense and pruned",
        label="The numbers behind it: answers",
        key="answers",
    )


def _cells(counts: np.ndarray, sizes: np.ndarray, names, selection: Selection, difference: bool) -> pd.DataFrame:
    truth, answer = np.indices(counts.shape)
    values, share = counts.ravel(), (counts / sizes).ravel()
    classes = selection.path.dense.card.data.class_names
    frame = pd.DataFrame(
        {
            "truth": np.array(names, object)[truth.ravel()],
            "answer": np.array(names, object)[answer.ravel()],
            "name": np.array(classes, object)[truth.ravel()],
            "count": values,
            "share": share,
            # Most differences are of a few points: linear, they would be as good as the ground.
            "shade": np.sign(share) * np.sqrt(np.abs(share)) if difference else share,
            "text": [
                ("" if not value else f"{value:+,}" if difference else f"{value:,}").replace("-", "−")
                for value in values
            ],
            "strength": [selection.strength(classes[index]) for index in truth.ravel()],
        }
    )
    return frame if len(names) <= whatif_confusion.MANY else frame[frame["count"] != 0]


def _lines(dense: np.ndarray, pruned: np.ndarray, names) -> pd.DataFrame:
    truth, answer = (np.array(names, object)[index.ravel()] for index in np.indices(dense.shape))
    return pd.DataFrame(
        {
            "truth": truth,
            "answer": answer,
            "dense": dense.ravel(),
            "pruned": pruned.ravel(),
            "change": (pruned - dense).ravel(),
        }
    )
