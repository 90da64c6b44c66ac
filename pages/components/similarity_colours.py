"""The colours of CKA: one fixed scale on every chart, the same on light and dark, readable for the colour-blind."""

import base64
import io

import altair as alt
import numpy as np
from PIL import Image

# Eleven points of viridis (van der Walt & Smith 2015, public domain), whose lightness rises evenly.
VIRIDIS = (
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725",
)  # fmt: skip
# Blue to orange over a light grey: told apart with every common kind of colour blindness.
DIVERGING = (
    "#08519c", "#3182bd", "#6baed6", "#a6cbe3", "#d0dfe9", "#ebebe8", "#f3d9bd", "#f5b97c", "#ea8f3d", "#c9661c", "#8f3f05",
)  # fmt: skip
# From the first layer to the last, as lines: none of them too faint on a light page or on a dark one, and from blue to
# yellow, which the colour-blind keep apart.
DEPTH = ("#4a62d8", "#7a5fc4", "#a0629f", "#bd6a7a", "#cb7a4e", "#cc8519")
UNSUPPORTED = "#8b9196"
WIDEST = 0.3  # a difference beyond this has the colour of this; those of trained networks are mostly smaller


def _stops(low: float, high: float) -> list[float]:
    return np.linspace(low, high, len(VIRIDIS)).round(3).tolist()


# Spelt out: Altair's own default is another scheme on a dark page, and turned round.
CKA = alt.Scale(domain=_stops(0, 1), range=list(VIRIDIS), interpolate="rgb", clamp=True)
DIFFERENCE = alt.Scale(domain=_stops(-WIDEST, WIDEST), range=list(DIVERGING), interpolate="rgb", clamp=True)


def rgb(values: np.ndarray, supported: np.ndarray, *, difference: bool = False) -> np.ndarray:
    """The colours of a matrix, as the scales above give them.

    Args:
        values: float [rows, columns].
        supported: bool of this shape; other cells are grey, as are NaN.
        difference: of two CKA, on the diverging scale.

    Returns:
        uint8 [rows, columns, 3].
    """
    low, high = (-WIDEST, WIDEST) if difference else (0.0, 1.0)
    colours = _parsed(DIVERGING if difference else VIRIDIS)
    place = np.clip((np.nan_to_num(values) - low) / (high - low), 0, 1)
    stops = np.linspace(0, 1, len(colours))
    mixed = np.stack([np.interp(place, stops, channel) for channel in colours.T], axis=-1)
    grey = ~supported | np.isnan(values)
    mixed[grey] = _parsed([UNSUPPORTED])[0]
    return mixed.round().astype(np.uint8)


def url(pixels: np.ndarray, side: int = 256) -> str:
    """A picture of a matrix, at least ``side`` pixels wide with sharp cells, as a data URL."""
    times = max(1, round(side / pixels.shape[1]))
    memory = io.BytesIO()
    Image.fromarray(pixels.repeat(times, 0).repeat(times, 1)).save(memory, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(memory.getvalue()).decode()


def _parsed(colours) -> np.ndarray:
    return np.array([[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in colours], float)
