"""Pictures of maps: enlarged, cut out, outlined, split, and put together for download with a caption."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pages.components import attribution_colours as colours

SIDE = 320  # pixels that a picture is enlarged to
_INK, _PAPER, _FAINT, _WARN = "#182424", "#ffffff", "#5a6666", "#8f2d1f"


@dataclass(frozen=True)
class Style:
    """How maps are drawn.

    Attributes:
        view: "overlay" or "map".
        opacity: of an overlay, in [0, 1].
        reach, signed: of the scale; see :func:`attribution_colours.paint`.
        box: what is cut out: left, top and side in shares of the picture.
        outline: whether the edge of the lesion is drawn, where it is known.
    """

    view: str
    opacity: float
    reach: float
    signed: bool
    box: tuple[float, float, float]
    outline: bool


def original(image: np.ndarray, style: Style, mask: np.ndarray | None = None) -> Image.Image:
    """The picture itself, uint8 [H, W, 3], cut out and enlarged."""
    return _framed(image, style, mask)


def drawn(image: np.ndarray, values: np.ndarray, style: Style, mask: np.ndarray | None = None) -> Image.Image:
    """A map float [H, W] with its picture uint8 [H, W, 3], or alone, cut out and enlarged; bool ``mask`` [H, W] outlined."""
    if style.view == "map":
        shown = colours.paint(values, style.reach, style.signed)
    else:
        shown = colours.overlay(image, values, style.reach, style.signed, style.opacity)
    return _framed(shown, style, mask)


def split(left: Image.Image, right: Image.Image, share: float) -> Image.Image:
    """Two pictures in one: ``left`` up to ``share`` of the width, then ``right``, with a line between them."""
    found, place = right.copy(), round(share * left.width)
    found.paste(left.crop((0, 0, place, left.height)), (0, 0))
    if 0 < place < left.width:
        ImageDraw.Draw(found).rectangle((place - 1, 0, place, left.height), fill="white")
    return found


def warned(picture: Image.Image, words: str) -> Image.Image:
    """A copy of ``picture`` with a band across its foot that says what is wrong with it."""
    found = picture.copy()
    # Beside four others a picture is shown at half its size, and what matters most must still be read.
    pen, font, line_height = ImageDraw.Draw(found), _font(23), 28
    lines = _wrapped(words, font, found.width - 16)
    top = found.height - line_height * len(lines) - 8
    pen.rectangle((0, top, found.width, found.height), fill=_WARN)
    for number, line in enumerate(lines):
        pen.text((8, top + 4 + line_height * number), line, fill="white", font=font)
    return found


def url(picture: Image.Image) -> str:
    """As part of the page: a file beside it would be taken away by the next move of a slider while it loads."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def png(picture: Image.Image) -> bytes:
    """The picture as a PNG file without any metadata."""
    memory = io.BytesIO()
    picture.save(memory, "PNG", optimize=True)
    return memory.getvalue()


def figure(
    title: str, panels: Sequence[tuple[Image.Image, str]], low: str, high: str, signed: bool, foot: str
) -> Image.Image:
    """Pictures side by side with a caption each, the scale, and what all of them show: to take along.

    Args:
        title: above.
        panels: (picture, what it shows).
        low, high: words at the ends of the scale.
        signed: which scale.
        foot: below: how it was made.
    """
    gap, size = 24, SIDE
    width = max(2, len(panels)) * (size + gap) + gap
    small, large = _font(16), _font(22)
    captions = [_wrapped(words, small, size) for _, words in panels]
    heading, footing = _wrapped(title, large, width - 2 * gap), _wrapped(foot, small, width - 2 * gap)
    top = gap + 30 * len(heading) + 8
    below = top + size + 10 + 22 * max(map(len, captions)) + 14
    height = below + 46 + 22 * len(footing) + gap
    page = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(page)
    _write(pen, heading, gap, gap, large, _INK, 30)
    for number, (picture, _) in enumerate(panels):
        left = gap + number * (size + gap)
        page.paste(picture.resize((size, size)), (left, top))
        _write(pen, captions[number], left, top + size + 10, small, _INK, 22)
    bar = Image.fromarray(np.repeat(colours.table(signed)[None], 14, axis=0)).resize((220, 14))
    reach = round(pen.textlength(low, font=small))
    page.paste(bar, (gap + reach + 10, below + 4))
    pen.text((gap, below), low, fill=_INK, font=small)
    pen.text((gap + reach + 10 + 230, below), high, fill=_INK, font=small)
    _write(pen, footing, gap, below + 40, small, _FAINT, 22)
    return page


def _framed(pixels: np.ndarray, style: Style, mask: np.ndarray | None) -> Image.Image:
    height, width = pixels.shape[:2]
    left, top, side = style.box
    box = (left * width, top * height, (left + side) * width, (top + side) * height)
    # Every pixel a square: nothing is shown that the network did not get.
    found = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.NEAREST, box=box)
    if mask is None or not style.outline:
        return found
    large = np.asarray(Image.fromarray(mask).resize((SIDE, SIDE), Image.Resampling.NEAREST, box=box))
    edge = large & ~_shrunk(large, 2)
    shown = np.array(found)
    shown[edge] = 255
    return Image.fromarray(shown)


def _shrunk(mask: np.ndarray, by: int) -> np.ndarray:
    """The pixels of a mask that are ``by`` or more away from its edge; the border of the picture is no edge."""
    padded = np.pad(mask, by, mode="edge")
    size = mask.shape[0]
    steps = [(by + dy, by + dx) for dy, dx in ((by, 0), (-by, 0), (0, by), (0, -by))]
    return np.logical_and.reduce([padded[y : y + size, x : x + size] for y, x in steps])


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)  # comes with Pillow: the same on every machine


def _wrapped(words: str, font, width: float) -> list[str]:
    lines: list[str] = []
    for part in words.split("\n"):
        line = ""
        for word in part.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def _write(pen: ImageDraw.ImageDraw, lines: list[str], left: int, top: int, font, ink: str, step: int) -> None:
    for number, line in enumerate(lines):
        pen.text((left, top + step * number), line, fill=ink, font=font)
