"""Charts of a job: a DataFrame in, an Altair chart out. No data is fetched or computed here."""

import altair as alt
import pandas as pd

from pages.components import look

MEASURES = {"loss": "Training loss", "balanced_accuracy": "Balanced accuracy"}


def curve(frame: pd.DataFrame, column: str, epochs: float) -> alt.Chart:
    """A measure epoch by epoch, with room for the epochs to come.

    Args:
        frame: columns epoch, network (in words), method (as cards call it) and ``column``.
        column: a key of :data:`MEASURES`.
        epochs: of the whole job.
    """
    networks = list(dict.fromkeys(frame["network"]))
    colours = [look.colour(frame.loc[frame["network"] == name, "method"].iloc[0]) for name in networks]
    share = column != "loss"
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1) if len(networks) > 1 else None
    number = ".1%" if share else ".3f"
    return (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=28))
        .encode(
            x=alt.X("epoch:Q", title="Epochs of training", scale=alt.Scale(domain=[0, max(epochs, 1)], nice=False)),
            y=alt.Y(
                f"{column}:Q",
                title=MEASURES[column],
                axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]) if share else alt.Axis(tickCount=4),
                scale=alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=True),
            ),
            color=alt.Color("network:N", scale=alt.Scale(domain=networks, range=colours), legend=legend),
            tooltip=[
                alt.Tooltip("network:N", title="Network"),
                alt.Tooltip("epoch:Q", title="Epochs", format=".3~g"),
                alt.Tooltip(f"{column}:Q", title=MEASURES[column], format=number),
            ],
        )
        .properties(height=200 if legend is None else 260)
    )
