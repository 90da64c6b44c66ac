"""What the lab's parameters are called, and what it says about the networks' answers."""

from core.data.phantom import SIGNS, SIGNS_OF

TITLES = {
    "asymmetry": "A · Asymmetry",
    "border": "B · Border",
    "colour": "C · Colour",
    "diameter": "D · Diameter",
    "pigment": "Melanin",
    "redness": "Blood",
    "sharpness": "Sharp edge",
    "skin": "Skin type (Fitzpatrick)",
    "hair": "Hair",
    "bubbles": "Gel bubbles",
    "ruler": "Ruler",
    "lighting": "Uneven light",
    "vignette": "Dark corners",
    "blur": "Blur",
    "x": "Left to right",
    "y": "Top to bottom",
    **SIGNS,
}
HELP = {
    "asymmetry": "Of outline and pigment.",
    "border": "How ragged the outline is.",
    "colour": "How many colours there are.",
    "diameter": "In widths of the picture.",
    "pigment": "How dark the lesion is: 0 none, 200% black.",
    "redness": "How red it is: 0 none, 200% deep red.",
    "sharpness": "From a border that fades to one that ends abruptly.",
    "skin": "From I, very fair, to VI, very dark.",
    "vignette": "Above 70% the black rim of the dermatoscope shows.",
    "x": "Where the lesion lies, in widths of the picture.",
    "y": "Where the lesion lies, in widths of the picture.",
}
ABCD = ("asymmetry", "border", "colour", "diameter")
TISSUE = ("pigment", "redness", "sharpness")
PICTURE = ("hair", "bubbles", "ruler", "lighting", "vignette", "blur", "x", "y")
SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")
# Melanoma first, then from the commonest to the rarest.
ORDER = ("mel", "nv", "bkl", "bcc", "akiec", "vasc", "df")
SIGN_GROUPS = {name: SIGNS_OF[name] for name in ORDER}
SWEPT = (*ABCD, *TISSUE, *(sign for signs in SIGN_GROUPS.values() for sign in signs), "skin", *PICTURE)


def value(parameter: str, number: float) -> str:
    """A parameter's value as people read it: ``42%``, or a skin type."""
    if parameter == "skin":
        return f"type {number:.1f}"
    return f"{100 * number:.0f}%"


def stretches(parameter: str, ends: tuple[float, float], found: list[tuple[float, float]]) -> str:
    """Where a call is made, in words: ``from 42% on``, ``up to 30%``, ``between 20% and 45%``, ``everywhere``.

    Args:
        parameter: what changes.
        ends: the first and the last value that were drawn.
        found: of :func:`core.lab.spans`, at least one.
    """
    parts = []
    for low, high in found:
        first, last = (value(parameter, number) for number in (low, high))
        if (low, high) == ends:
            parts.append("everywhere")
        elif low == ends[0]:
            parts.append(f"up to {last}")
        elif high == ends[1]:
            parts.append(f"from {first} on")
        else:
            parts.append(f"between {first} and {last}")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
