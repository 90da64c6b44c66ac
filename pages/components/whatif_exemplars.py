"""Exemplars that pruning forgets: images on which the pruned networks of all methods and seeds disagree with the dense ones they were made from."""

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from core import exemplars, subgroups
from core.exemplars import Population
from pages.components import (
    address,
    charts,
    gallery,
    loaders,
    look,
    panels,
    whatif_charts,
    whatif_controls,
    whatif_followed,
)
from pages.components import whatif_selection as selecting
from pages.components.whatif_selection import Selection

RULES = {"all": "Every pruned network disagrees with its dense one", "most": "Their most frequent answer does"}
KINDS = {"diagnosis": "Diagnosis", "confidence": "Dense confidence", **subgroups.TITLES}


def draw(selection: Selection) -> None:
    """Who is compared, how many images are forgotten, and what sets them apart."""
    found = exemplars.population(
        loaders.entries(), selection.path.dense, selection.percent, selection.switch, loaders.response
    )
    if found is None:
        st.caption(
            f"At {selection.percent}% no fine-tuned network has stored answers: below a method's first checkpoint every method "
            "is the dense network, pruned. Move the slider to a trained sparsity or beyond."
        )
        return
    rule = address.choose(st.segmented_control, "rule", "Forgotten is an image where", RULES, "all")
    forgotten = found.forgotten(rule)
    everyone = pd.DataFrame({"all": ["all"] * len(forgotten)})
    [whole] = exemplars.shares(forgotten, everyone, selection.cohort.groups).itertuples()
    st.markdown(
        f"**{forgotten.sum():,} of {len(forgotten):,} test images are forgotten at {selection.percent}% sparsity**: "
        f"{whole.share:.1%} {look.span(whole.low, whole.high)}"
    )
    st.markdown(_who(found) + _right(found, forgotten, selection.cohort.labels))
    st.caption(
        f"These {len(found.pruned)} networks are those of {selection.percent}%. Elsewhere there are more or fewer, and of more networks it is rarer that all "
        "disagree: counts of different sparsities do not compare."
    )
    if not forgotten.any():
        _by_majority(found, rule)
        return
    _apart(selection, found, forgotten, rule)
    _pictures(selection, found, forgotten)


def _by_majority(found: Population, rule: str) -> None:
    """Nothing is forgotten by the strict rule: what the other one finds, and the way there."""
    count = int(found.forgotten("most").sum())
    if rule == "most" or not count:
        return
    st.markdown(
        f"Of {count:,} image{'' if count == 1 else 's'} at least the most frequent answer is another than that of the dense networks."
    )
    st.button("Show these", key="rule-most", on_click=_rule, args=("most",), icon=":material/arrow_forward:")


def _rule(name: str) -> None:
    st.session_state["rule"] = name


def _who(found: Population) -> str:
    methods = sorted(set(found.methods), key=look.order)
    seeds, dense = len(set(found.seeds)), len(found.dense)
    alone = found.disagrees.mean(axis=1)
    spread = f"{alone.min():.1%}" if len(alone) == 1 else f"{alone.min():.1%} to {alone.max():.1%}"
    named = ", ".join(look.title(name) for name in methods)
    words = (
        f"Compared {'is 1 pruned network' if len(alone) == 1 else f'are {len(alone)} pruned networks'} ({named}; {seeds} seed{'s' if seeds > 1 else ''}), "
        f"each with the dense one that it was made from ({dense} in all). "
    )
    if len(alone) == 1:
        words += f"It disagrees on {spread} of the images (no interval: it is of this network)."
    else:
        together = f"{alone.prod():.2%}" if alone.prod() >= 1e-4 else "fewer than 0.01%"
        words += (
            f"Each alone disagrees on {spread} of the images; if they disagreed independently of each other, all would on {together} "
            "(no intervals: they are of these networks)."
        )
    if len(found.twins):
        low, high = found.twins.min(), found.twins.max()
        words += f" For comparison: two dense networks that differ in nothing but their seed disagree on {low:.1%}{f' to {high:.1%}' if high > low else ''}."
    return words + (" With a single seed, some of it is the chance of one training." if seeds == 1 else "")


def _right(found: Population, forgotten: np.ndarray, labels: np.ndarray) -> str:
    """Forgotten is an answer, right or wrong: how many of each."""
    if not forgotten.any():
        return ""
    before, after = ((answers == labels).mean(axis=0)[forgotten] > 0.5 for answers in (found.reference, found.after))
    dense = "the dense network was" if len(found.dense) == 1 else "most dense networks were"
    return (
        f" Forgotten is an answer, right or wrong: of these images {dense} right on {before.sum():,}, most pruned ones are on "
        f"{after.sum():,} (counted, no interval)."
    )


def _apart(selection: Selection, found: Population, forgotten: np.ndarray, rule: str) -> None:
    test = selection.cohort
    members = loaders.groups(test.digest, test).assign(
        diagnosis=pd.Categorical(np.array(test.class_names)[test.labels], test.class_names),
        confidence=exemplars.confidence_bands(found.confidence),
    )
    kinds = [kind for kind in KINDS if kind in members]
    one = selection.words[0]
    titles = KINDS | {"diagnosis": one.capitalize()}
    kind = address.choose(st.segmented_control, "apart", "What sets them apart", kinds, "diagnosis", title=titles.get)
    key = (found.dense, found.pruned, rule)
    table = selection.result("forgotten", lambda: exemplars.shares(forgotten, members, test.groups), key)
    gap = selection.result("gap", lambda: exemplars.confidence_gap(found.confidence, forgotten, test.groups), key)
    shown = table[table["kind"] == kind]
    if kind == "diagnosis" and len(shown) > 14:
        shown = shown.nlargest(14, "share")
    frame = _rows(shown, kind, selection)
    st.markdown(f"**How often images are forgotten, by {titles[kind].lower()}**")
    charts.show(
        whatif_charts.rates(
            len(frame), selection.colour, look.ink(), "Forgotten, share of images", kind == "diagnosis"
        ),
        {
            "table": frame,
            "names": whatif_charts.names_of(frame),
            "whole": pd.DataFrame({"share": [forgotten.mean()]}),
        },
        alt=f"Share of images that are forgotten by {titles[kind].lower()}, with 95% intervals",
        key=f"apart-{kind}-{selection.diagnosis}",
        picked=whatif_controls.pick if kind == "diagnosis" else None,
    )
    words = (
        f"95% intervals (Wilson{'' if test.groups is None else ', adjusted for lesions'}); dashed: all images. Grey: fewer than "
        f"{subgroups.SMALL} {'images' if test.groups is None else 'lesions'}."
    )
    if gap.low is not None:
        words += (
            f" The dense network was {100 * -gap.estimate:.0f} points less sure of forgotten images than of the others "
            f"[{100 * -gap.high:.0f}, {100 * -gap.low:.0f}] ({gap.method})."
            if gap.estimate < 0
            else f" The dense network was {100 * gap.estimate:.0f} points surer of forgotten images than of the others "
            f"[{100 * gap.low:.0f}, {100 * gap.high:.0f}] ({gap.method})."
        )
    st.caption(words)
    panels.table(
        lambda: table, name=f"forgotten-{rule}-{selection.name}", title="Forgotten images by group", key="forgotten"
    )


def _rows(shown: pd.DataFrame, kind: str, selection: Selection) -> pd.DataFrame:
    name = look.diagnosis if kind == "diagnosis" else str
    return pd.DataFrame(
        [
            {
                "row": place,
                "name": row.group,
                "label": f"{name(row.group)} ({row.forgotten:,} of {row.images:,}{_few(row, selection)})",
                "share": row.share,
                "low": row.low,
                "high": row.high,
                "count": row.forgotten,
                "images": row.images,
                "strength": (selection.strength(row.group) if kind == "diagnosis" else 1.0)
                * (0.45 if row.lesions < subgroups.SMALL else 1.0),
            }
            for place, row in enumerate(shown.itertuples())
        ]
    )


def _few(row, selection: Selection) -> str:
    """Of how many lesions the images of a grey row are: these are what it has too few of."""
    if selection.cohort.groups is None or row.lesions >= subgroups.SMALL:
        return ""
    return f", {row.lesions:,} lesion{'' if row.lesions == 1 else 's'}"


def _pictures(selection: Selection, found: Population, forgotten: np.ndarray) -> None:
    test = selection.cohort
    mine = forgotten.copy()
    if selection.diagnosis:
        mine &= test.labels == test.class_names.index(selection.diagnosis)
    rows = np.flatnonzero(mine)
    rows = rows[np.argsort(-found.confidence[rows], kind="stable")]
    names = np.array([look.diagnosis(name) for name in test.class_names], object)
    of = f" of {look.diagnosis(selection.diagnosis).lower()}" if selection.diagnosis else ""
    st.markdown(f"### {len(rows):,} forgotten image{'' if len(rows) == 1 else 's'}{of}")
    if not len(rows):
        return

    def answers(given: np.ndarray, row: int) -> str:
        # The commonest first, and how many gave it: the same two answers may be given by most and by few.
        counts = Counter(names[given[:, row]].tolist()).most_common()
        return ", ".join(f"{name} ({count} of {len(given)})" if len(counts) > 1 else name for name, count in counts)

    def frame() -> pd.DataFrame:
        return pd.DataFrame(
            {
                "image": test.ids[rows],
                "truth": names[test.labels[rows]],
                "dense answers": [answers(found.reference, row) for row in rows],
                "dense confidence": found.confidence[rows],
                "pruned answers": [answers(found.after, row) for row in rows],
            }
        )

    def words(place: int) -> str:
        row = rows[place]
        return (
            f"**{names[test.labels[row]]}**  \nDense: {answers(found.reference, row)}, {look.probability(found.confidence[row])}  \n"
            f"Pruned: {answers(found.after, row)}"
        )

    gallery.show(
        rows,
        test,
        selecting.picture(selection),
        words=words,
        frame=frame,
        key="exemplars",
        opened=whatif_followed.follow,
        order="those of which the dense network was surest",
    )
    panels.table(
        frame,
        name=f"forgotten-images-{selection.name}",
        title="Forgotten images with the answers to them",
        label="The numbers behind it: every forgotten image",
        key="forgotten-images",
    )
