"""How a lesion travels: as a short text in a link, and as a picture that carries its parameters."""

import io
import json
import re

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.data.phantom import CLASSES, RANGES, Parameters, preset, sample

START = "random.61"
"""The lesion that the lab opens with: a melanoma on which the networks that ship part, so that there is something to see."""
RANDOM = "random"
TEXT = "phantom"
"""Keyword of the text in a downloaded PNG."""

# What each parameter is called in a link. Letters are never used anew for something else: old links keep their meaning.
LETTERS = {
    "asymmetry": "a",
    "border": "b",
    "colour": "c",
    "diameter": "d",
    "pigment": "p",
    "redness": "r",
    "sharpness": "e",
    "x": "x",
    "y": "y",
    "view": "w",
    "skin": "k",
    "lighting": "l",
    "vignette": "v",
    "hair": "h",
    "bubbles": "u",
    "ruler": "m",
    "blur": "f",
    "pigment_network": "pn",
    "globules": "gl",
    "atypical_network": "an",
    "streaks": "st",
    "blue_white_veil": "bv",
    "regression": "re",
    "arborising_vessels": "av",
    "ovoid_nests": "on",
    "ulceration": "ul",
    "milia_like_cysts": "mc",
    "comedo_like_openings": "co",
    "fissures": "fi",
    "strawberry_pattern": "sp",
    "scale": "sc",
    "white_patch": "wp",
    "delicate_network": "dn",
    "lacunae": "la",
}
_NAMES = {letters: name for name, letters in LETTERS.items()}
_WORD = re.compile(r"([a-z]{1,2})(-?[0-9]{1,6})")
_LONGEST = 600  # characters; every parameter changed makes fewer than 300
_SEED = re.compile(r"[0-9]{1,15}")  # any longer, and a browser no longer counts in ones


def drawn(seed: int) -> Parameters:
    """The random lesion of this number, of any class with the same chance.

    Raises:
        InvalidValue: a number that is no seed.
    """
    (lesion,) = sample(1, seed, classes=dict.fromkeys(CLASSES, 1.0))
    return lesion.but(seed=seed)


def encode(lesion: Parameters) -> str:
    """The lesion as a text that suits a link: ``mel.7.b800`` is the melanoma preset of seed 7 with a border of 0.800.

    The text names where the lesion comes from (a class's preset, or ``random``), its seed, and what is different from
    there, in thousandths. Numbers finer than that are rounded.
    """
    texts = [_changes(lesion.diagnosis, preset(lesion.diagnosis, lesion.seed), lesion)]
    random = drawn(lesion.seed)
    if random.diagnosis == lesion.diagnosis:
        texts.append(_changes(RANDOM, random, lesion))
    return min(texts, key=len)


def decode(text: str) -> Parameters:
    """The lesion of such a text. Whatever is not understood is passed over, and of nonsense :data:`START` is left."""
    origin, *rest = text[:_LONGEST].strip().lower().split(".")
    if origin not in (*CLASSES, RANDOM):
        origin, *rest = START.split(".")
    seed = int(rest[0]) if rest and _SEED.fullmatch(rest[0]) else 0
    lesion = drawn(seed) if origin == RANDOM else preset(origin, seed)
    changes = {}
    for word in rest[1:]:
        found = _WORD.fullmatch(word)
        name = _NAMES.get(found[1]) if found else None
        if name:
            value = int(found[2]) if name == "view" else int(found[2]) / 1000
            low, high = RANGES[name]
            if low <= value <= high:
                changes[name] = value
    return lesion.but(**changes)


def portrait(lesion: Parameters, image: np.ndarray) -> bytes:
    """A picture of the lesion as PNG that says what it shows.

    Args:
        lesion: its parameters go along as JSON under :data:`TEXT`, which any tool for PNG reads.
        image: uint8 [H, W, 3], as :func:`core.data.phantom.render` draws it.
    """
    text = PngInfo()
    text.add_text(TEXT, json.dumps(lesion.record()))
    target = io.BytesIO()
    # A fifth of the time for a tenth more bytes: somebody is waiting at a slider.
    Image.fromarray(np.ascontiguousarray(image)).save(target, "PNG", pnginfo=text, compress_level=1)
    return target.getvalue()


def _changes(origin: str, base: Parameters, lesion: Parameters) -> str:
    words = [origin, str(lesion.seed)]
    for name, letters in LETTERS.items():
        scale = 1 if name == "view" else 1000
        own, usual = (round(getattr(item, name) * scale) for item in (lesion, base))
        if own != usual:
            words.append(f"{letters}{own}")
    return ".".join(words)
