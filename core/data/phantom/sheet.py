"""A contact sheet of phantoms, a row a class: ``python -m core.data.phantom.sheet docs/phantoms.png``."""

import sys

import numpy as np
from PIL import Image, ImageDraw

from core.data.ham10000 import TITLES
from core.data.phantom.parameters import CLASSES
from core.data.phantom.render import render
from core.data.phantom.sampling import sample


def sheet(columns: int = 8, size: int = 96, seed: int = 4) -> Image.Image:
    """``columns`` phantoms of each class as they are drawn at random, none chosen, under the name of the class.

    Args:
        columns: phantoms a class.
        size: pixels of each.
        seed: of the draw.
    """
    gap, line = 2, 15
    whole = Image.new("RGB", (columns * (size + gap) - gap, len(CLASSES) * (size + line)), "white")
    draw = ImageDraw.Draw(whole)
    for row, name in enumerate(CLASSES):
        top = row * (size + line)
        draw.text((2, top + 2), f"{TITLES[name]} ({name})", fill="black")
        images = render(sample(columns, seed * len(CLASSES) + row, classes={name: 1}), size).images
        for column, image in enumerate(images):
            whole.paste(Image.fromarray(np.ascontiguousarray(image)), (column * (size + gap), top + line))
    return whole


if __name__ == "__main__":
    # 64 levels a channel, which nobody tells from 256, and two thirds of the bytes.
    Image.fromarray((np.asarray(sheet()) & 0xFC) | 0x02).save(sys.argv[1], optimize=True)
