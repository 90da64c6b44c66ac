"""The paper's table of results beside ours, cell by cell."""

import re
from collections.abc import Iterable

import pandas as pd
import streamlit as st

from core import replication
from core.evaluation.intervals import CONFIDENCE
from core.studies import TITLES, Study
from pages.components import loaders, look, methods_cells, panels

_CELL = ["model", "dataset", "sparsity", "method"]


def draw(study: str) -> None:
    """The section about the paper's table; it has all studies at once. What was found comes first, every single network last."""
    entries = loaders.cards()
    frame = replication.table(entries)
    made = frame[frame["accuracy"].notna()]
    cells, have = frame.drop_duplicates(_CELL), made.drop_duplicates(_CELL)
    reached = "all of them" if len(have) == len(cells) else f"{len(have)} of them so far"
    found = replication.explained(frame)
    if len(found):
        st.header("What the paper's split and budgets explain")
        st.markdown(_in_words(found))
    st.markdown(
        f"The paper's table has {len(cells)} cells; we have trained networks for {reached}. The paper "
        "gives no intervals. Ours are 95% and count lesions where a lesion has several images."
    )
    if len(made):
        _side_by_side(frame)
        with st.expander("The same as a chart, with every network of ours"):
            st.altair_chart(
                methods_cells.cells(_dots(made), look.ink()),
                alt="Accuracy of the paper's networks and of ours with 95% intervals, a line for each cell of its table",
            )
    _every_network(frame, made, [entry for entry in entries if entry.id in set(made["id"])])
    if len(found):
        _explained(found)
    panels.table(
        frame,
        name="paper-and-ours",
        title="The paper's table beside ours",
        key="table",
        label="The numbers behind the table",
    )
    if len(have) < len(cells):
        st.caption("What is missing is made, study by study, by:")
        st.code("python -m core reproduce", language="bash", wrap_lines=True)


def _side_by_side(frame: pd.DataFrame) -> None:
    """The paper's table as it is printed, a column a method, with a network of ours in each cell."""
    rows: dict[str, dict[str, str]] = {}
    for cell, known in frame.groupby(_CELL, sort=False):
        row = dict(zip(_CELL, cell, strict=True))
        # One network a cell: by lesion, as all else in this tool, and of the smallest images, of which most were trained.
        ours = [own for own in known.to_dict("records") if pd.notna(own["accuracy"]) and own["split_by"] != "row"]
        ours = min(ours, key=lambda own: Study.parse(own["study"]).size, default=None)
        told = _span(ours, "accuracy").replace("%", "") if ours else "not trained yet"
        line = rows.setdefault(f"{_place(row)}, {look.sparsity(row['sparsity'])}", {})
        line[look.title(row["method"])] = f"{100 * known['paper'].iloc[0]:.1f} → {told}"
    st.markdown("**Accuracy on test images in percent: the paper's → ours [95%]**")
    st.table(pd.DataFrame.from_dict(rows, orient="index"))
    st.caption(
        "By network, data and weights removed. Images, splits and budgets differ: a gap is not a failure of either. Of ours here no "
        "lesion is in training and test at once."
    )


def _every_network(frame: pd.DataFrame, made: pd.DataFrame, used: list) -> None:
    """Every network of ours beside its cell, and what its marks say."""
    st.markdown("**Cell by cell, every network of ours**")
    if strangers := _strangers(made):
        st.caption(strangers)
    marks = replication.marks(used)
    if len(marks):
        with st.expander("What the letters under *Differs in* mean"):
            # A mark has a line; where its values vary from cell to cell, all of them are named in it.
            told = marks.groupby(["mark", "what"], sort=False)[["paper", "ours"]].agg(_together)
            titles = {"mark": "Mark", "what": "What", "paper": "In the paper", "ours": "Here"}
            st.table(told.reset_index().rename(columns=titles).set_index("Mark"))
    # What there is comes first; within, and among what is missing, the order is the paper's.
    rows = frame.sort_values("accuracy", key=lambda values: values.isna(), kind="stable").to_dict("records")
    widths = {name: st.column_config.TextColumn(width=width) for name, width in (("Differs in", 115), ("Paper", 70))}
    st.dataframe(
        pd.DataFrame([_row(row) for row in rows]).fillna(""),
        hide_index=True,
        height=420,
        column_config=widths,
        alt="The paper's accuracy and ours, cell by cell",
    )


def _together(values: Iterable[str]) -> str:
    """Values one after the other, numbers rising, with their unit once: ``"4; 10; 135 or 900 epochs"``."""
    known = sorted(dict.fromkeys(values), key=lambda text: [int(number) for number in re.findall(r"\d+", text)])
    unit = known[0].rpartition(" ")[2]
    if len(known) > 1 and all(text.endswith(f" {unit}") for text in known):
        return "; ".join(text.removesuffix(f" {unit}") for text in known) + f" {unit}"
    return "; ".join(known)


def _explained(found: pd.DataFrame) -> None:
    """What of the gap the paper's split and budgets make, cell by cell, where a network of ours has them too."""
    st.markdown("**What split and budgets explain, cell by cell**")
    st.caption(
        "Of these cells two networks of ours were made: one under the paper's row split and with budgets as unequal as the paper's, one "
        "under the split by lesion and with equal budgets. What lies between the two is the work of split and budgets, and of chance, as each was "
        "trained once; what is left lies in the marks, and in chance again. Accuracy with 95% intervals; that of the difference takes the two sets of test images as "
        "independent and knows nothing of other seeds."
    )
    rows = [
        {
            "Network, data": f"{_place(row)}, {Study.parse(row['study']).size} px",
            "Removed": look.sparsity(row["sparsity"]),
            "Method": look.title(row["method"]),
            "Paper": f"{100 * row['paper']:.2f}%",
            "Its split and budget": f"{100 * row['row']:.1f}% {look.span(row['row_low'], row['row_high'])}",
            "By lesion, equal": f"{100 * row['ours']:.1f}% {look.span(row['ours_low'], row['ours_high'])}",
            "Explained": look.points(row["explained"], row["explained_low"], row["explained_high"]),
            "Left": f"{100 * row['left']:+.1f}".replace("-", "−"),
            "Still differs in": row["marks"],
            "Epochs": f"{row['epochs_row']:g}, {row['epochs']:g}",
            "Images": f"{row['row_n']:,}, {row['ours_n']:,}",
        }
        for row in found.to_dict("records")
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt="How much of the gap to the paper its split and budgets explain, cell by cell",
    )
    panels.table(
        found,
        name="paper-explained",
        title="What the paper's split and budgets explain",
        key="explained",
        label="The numbers behind what is explained",
    )


def _in_words(found: pd.DataFrame) -> str:
    apart = int(((found["explained_low"] > 0) | (found["explained_high"] < 0)).sum())
    told = [f"**{_reach(found['explained'])}**", f"**{_reach(found['gap'])}**"]
    cells = "one cell" if len(found) == 1 else f"{len(found)} cells"
    chance = f" (by chance alone about {(1 - CONFIDENCE) * len(found):.1g} would)" if 0 < apart < len(found) else ""
    one_way = len(found) > 2 and ((found["explained"] > 0).all() or (found["explained"] < 0).all())
    return (
        f"In {cells} they make {told[0]} of the {told[1]} points between the paper's accuracy and ours; the interval of that leaves out "
        f"zero in {apart or 'none'}{chance}."
        + (
            " All point the same way; they share their images and dense networks, so they are no independent witnesses."
            if one_way
            else ""
        )
    )


def _reach(values: pd.Series) -> str:
    ends = dict.fromkeys(f"{100 * value:+.1f}".replace("-", "−") for value in (values.min(), values.max()))
    return " to ".join(ends)


def _place(row: dict) -> str:
    return f"{TITLES[row['model']]}, {TITLES[row['dataset']]}"


def _ours(row: dict) -> str:
    """Which networks of ours: their image size, and the split where it leaks."""
    return f"{Study.parse(row['study']).size} px" + (", row split" if row["split_by"] == "row" else "")


def _strangers(made: pd.DataFrame) -> str:
    """Which networks of ours come from another training of the dense network than the rest of their study."""
    apart = made[made["same_dense"].eq(False)].to_dict("records")
    if not apart:
        return ""
    named = "; ".join(f"{_place(row)}, {look.sparsity(row['sparsity'])}, {look.short(row['method'])}" for row in apart)
    return (
        f"Made from another training of the dense network than the others of their study: {named}. The same recipe on another "
        "kind of processor ends points of accuracy away, so compare these with the paper, and not with the others."
    )


def _dots(made: pd.DataFrame) -> pd.DataFrame:
    rows, known = [], {}
    # Within a cell the smaller images first: 64 before 128, which as texts come the other way.
    sizes = {name: Study.parse(name).size for name in made["study"].unique()}
    order = {
        cell: number for number, cell in enumerate(dict.fromkeys(zip(*(made[name] for name in _CELL), strict=True)))
    }
    for row in sorted(
        made.to_dict("records"), key=lambda row: (order[tuple(row[n] for n in _CELL)], sizes[row["study"]])
    ):
        label = f"{_place(row)}, {look.sparsity(row['sparsity'])}: {look.title(row['method'])}"
        place = known[label] = known.get(label, -1) + 1
        rows.append({"label": label, "source": "The paper", "place": "value", "value": row["paper"]})
        span = {"value": row["accuracy"], "low": row["accuracy_low"], "high": row["accuracy_high"], "n": row["n"]}
        rows.append(
            {"label": label, "source": f"Ours, {_ours(row)}", "place": f"value {place}" if place else "value", **span}
        )
    return pd.DataFrame(rows).drop_duplicates()


def _row(row: dict) -> dict:
    known = {
        "Network, data": _place(row),
        "Our network": "" if pd.isna(row["study"]) else _ours(row),
        "Removed": f"{look.sparsity(row['sparsity'])}",
        "Method": look.title(row["method"]),
        "Paper": f"{100 * row['paper']:.2f}%",
    }
    if pd.isna(row["accuracy"]):
        return known | {"Ours [95%]": "not trained yet"}
    seeds = (
        ""
        if row["seeds"] == 1
        else f"{100 * row['seeds_low']:.1f} to {100 * row['seeds_high']:.1f}%, {row['seeds']:.0f} seeds"
    )
    return known | {
        "Ours [95%]": _span(row, "accuracy"),
        "Minus paper": f"{round(100 * row['difference'], 1) + 0.0:+.1f}".replace("-", "−"),
        "Balanced [95%]": _span(row, "balanced_accuracy"),
        "Images": f"{row['n']:,.0f}",
        "Over seeds": seeds,
        "Differs in": row["marks"],
    }


def _span(row: dict, name: str) -> str:
    if pd.isna(row[name]):
        return "not measured"
    if pd.isna(row[f"{name}_low"]):
        return f"{100 * row[name]:.1f}%"
    return f"{100 * row[name]:.1f}% [{100 * row[f'{name}_low']:.1f}, {100 * row[f'{name}_high']:.1f}]"
