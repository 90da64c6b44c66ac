"""Layers: where the zeros are, and a sparsity of their own for those that the user sets by hand."""

import pandas as pd
import streamlit as st

from core.errors import PruneScopeError, WeightsNotHere
from pages.components import charts, loaders, look, panels, whatif_controls, whatif_curves
from pages.components import whatif_selection as selecting
from pages.components.whatif_selection import Selection


def draw(selection: Selection) -> None:
    """The zeros of each layer as a chart, and each unit of layers with its sparsity and its lock."""
    try:
        subject = loaders.subject(selection.path.start(selection.sparsity))
    except WeightsNotHere as error:
        panels.missing_weights(error)
        return
    except PruneScopeError as error:
        st.caption(
            f"Which weights are zero can only be read from the weights themselves, and these cannot be read: {look.literal(error)}"
        )
        return
    units = loaders.units(selection.path.dense)
    fixed = dict(selection.fixed)
    table = selection.result("masks", lambda: subject.masks_at(selection.sparsity, fixed=fixed).per_layer())
    plain = table
    if fixed:
        plain = selection.result("plain masks", lambda: subject.masks_at(selection.sparsity).per_layer())
    by_hand = {layer for number in fixed for layer in units[number]}
    frame = table.assign(
        otherwise=plain["sparsity"],
        by=["by hand" if layer in by_hand else "by the slider" for layer in table["layer"]],
    )
    if selection.own in selection.path.results:
        st.info(
            f"The answers above are of a network whose weights are not here. Its zeros are therefore those of "
            f"{look.sparsity(subject.card.sparsity)}, pruned on to {selection.percent}% without fine-tuning: what layers set by hand start from.",
            icon=":material/info:",
        )
    st.markdown("**Where the zeros are**")
    st.markdown(_sentence(selection, fixed, int(table["zeros"].sum()), int(table["weights"].sum())))
    drawn = frame.assign(layer=frame["layer"].apply(look.short_layer, layers=list(frame["layer"])))
    charts.show(
        whatif_curves.layers(tuple(drawn["layer"]), selection.colour, look.ink(), bool(fixed)),
        drawn,
        alt=f"Share of zero weights in each of {len(frame)} layers at {selection.percent}% sparsity",
    )
    panels.table(lambda: table, name=f"layers-{selection.name}", title="Weights and zeros by layer", key="layers")
    _editor(selection, units, frame, fixed)


def _sentence(selection: Selection, fixed: dict[int, int], zeros: int, size: int) -> str:
    text = f"{zeros:,} of {size:,} weights are zero: **{zeros / size:.1%}**."
    if not fixed:
        return text + " All weights compete, so some layers lose more than others."
    text += f" The slider alone would give {max(selection.sparsity, selection.own.card.actual_sparsity):.1%}."
    if selecting.picture(selection) is None:
        text += " What this does to the answers has to be computed, and the images are not on this machine."
    return text


def _editor(selection: Selection, units: list[list[str]], frame: pd.DataFrame, fixed: dict[int, int]) -> None:
    """The units with what they have now. A number that is changed is locked; a lock that is opened gives it back."""
    st.markdown("**Set layers by hand**")
    st.caption(
        "Change a sparsity, and its layer keeps it while the slider moves the others: it is locked. Open the lock and it follows "
        "the slider again. What the checkpoint had pruned stays pruned."
    )
    rows = _units(units, frame, fixed)
    # A key for each state: edits are taken over at once and must not be applied a second time to the next table.
    key = f"units-{selection.percent}-{selection.path.method}-{'_'.join(f'{n}.{p}' for n, p in sorted(fixed.items()))}"
    st.data_editor(
        rows,
        key=key,
        hide_index=True,
        disabled=["layers", "weights"],
        num_rows="fixed",
        height="content" if len(rows) <= 20 else 720,
        on_change=_edited,
        args=(key, rows["sparsity"].tolist(), fixed),
        column_config={
            "layers": st.column_config.TextColumn("Layer"),
            "weights": st.column_config.NumberColumn("Weights", format="localized"),
            "sparsity": st.column_config.NumberColumn("Sparsity, %", min_value=0, max_value=99, step=1, required=True),
            "locked": st.column_config.CheckboxColumn("Locked"),
        },
        alt="Layers with their weights, sparsity and lock",
    )
    st.button(
        "Reset all layers",
        on_click=whatif_controls.fix,
        args=({},),
        disabled=not fixed,
        icon=":material/restart_alt:",
        key="reset",
    )


def _units(units: list[list[str]], frame: pd.DataFrame, fixed: dict[int, int]) -> pd.DataFrame:
    of = {layer: number for number, unit in enumerate(units) for layer in unit}
    sums = frame.groupby(frame["layer"].map(of))[["weights", "zeros"]].sum()
    return pd.DataFrame(
        {
            "layers": [
                look.short_layer(_common(unit), list(frame["layer"]))
                + (f" ({len(unit)} layers)" if len(unit) > 1 else "")
                for unit in units
            ],
            "weights": sums["weights"].to_numpy(),
            "sparsity": (100 * sums["zeros"] / sums["weights"]).round().clip(0, 99).astype(int).to_numpy(),
            "locked": [number in fixed for number in range(len(units))],
        }
    )


def _common(names: list[str]) -> str:
    parts = zip(*(name.split(".") for name in names), strict=False)
    shared = []
    for part in parts:
        if len(set(part)) > 1:
            break
        shared.append(part[0])
    return ".".join(shared) or names[0]


def _edited(key: str, now: list[int], fixed: dict[int, int]) -> None:
    whatif_controls.fix(changed(st.session_state[key]["edited_rows"], now, fixed))


def changed(edits: dict, now: list[int], fixed: dict[int, int]) -> dict[int, int]:
    """The units set by hand after edits of the table.

    Args:
        edits: row -> column -> value, as ``st.data_editor`` gives them.
        now: percent of each unit as it stands.
        fixed: the units set by hand before.
    """
    after = dict(fixed)
    for number, edit in ((int(row), edit) for row, edit in edits.items()):
        if edit.get("locked") is False:
            after.pop(number, None)
        elif edit.get("sparsity") is not None:
            after[number] = int(edit["sparsity"])
        elif edit.get("locked"):
            after[number] = now[number]
    return after
