"""What a phantom is made of: the lesion by the ABCD rule, its dermoscopic signs, the skin, and how the picture was taken."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real

from core.data.ham10000 import CLASSES
from core.errors import InvalidValue, check_choice

# Terms of the third consensus of the International Dermoscopy Society (Kittler et al. 2016, doi:10.1016/j.jaad.2015.12.038).
SIGNS = {
    "pigment_network": "Pigment network",
    "globules": "Globules",
    "atypical_network": "Atypical pigment network",
    "streaks": "Streaks",
    "blue_white_veil": "Blue-white veil",
    "regression": "Regression",
    "arborising_vessels": "Arborising vessels",
    "ovoid_nests": "Blue-grey ovoid nests",
    "ulceration": "Ulceration",
    "milia_like_cysts": "Milia-like cysts",
    "comedo_like_openings": "Comedo-like openings",
    "fissures": "Fissures",
    "strawberry_pattern": "Strawberry pattern",
    "scale": "Scale",
    "white_patch": "Central white patch",
    "delicate_network": "Delicate peripheral network",
    "lacunae": "Red lacunae",
}
SIGNS_OF = {
    "akiec": ("strawberry_pattern", "scale"),
    "bcc": ("arborising_vessels", "ovoid_nests", "ulceration"),
    "bkl": ("milia_like_cysts", "comedo_like_openings", "fissures"),
    "df": ("white_patch", "delicate_network"),
    "mel": ("atypical_network", "streaks", "blue_white_veil", "regression"),
    "nv": ("pigment_network", "globules"),
    "vasc": ("lacunae",),
}
SHARE = (0.0, 1.0)
RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**53),
    "view": (0, 999),
    "asymmetry": SHARE,
    "border": SHARE,
    "colour": SHARE,
    "diameter": (0.15, 0.95),
    "pigment": (0.0, 2.0),
    "redness": (0.0, 2.0),
    "sharpness": SHARE,
    "x": (-0.15, 0.15),
    "y": (-0.15, 0.15),
    "skin": (1.0, 6.0),
    "lighting": SHARE,
    "vignette": SHARE,
    "hair": SHARE,
    "bubbles": SHARE,
    "ruler": SHARE,
    "blur": SHARE,
    **dict.fromkeys(SIGNS, SHARE),
}
_WHOLE = ("seed", "view")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """One phantom. Every number has its range in :data:`RANGES`; :func:`core.data.phantom.render` draws it.

    The ABCD rule (Nachbar et al. 1994, doi:10.1016/S0190-9622(94)70061-3) scores asymmetry, border, colour and dermoscopic
    structures; the structures have a strength each below, and D is the diameter, as for the naked eye (Friedman 1985).

    Attributes:
        diagnosis: class name of HAM10000. A label: what is drawn depends on the numbers only.
        seed: which lesion: where each dot of it is. Equal seeds draw equal structures, whatever their strength.
        view: which photograph of it: another has the lesion turned or mirrored, other hairs, other light.
        asymmetry: 0 to 1, of outline and pigment.
        border: 0 to 1, how ragged.
        colour: 0 to 1, how many colours are there.
        diameter: in widths of the image, 0.15 to 0.95.
        pigment: melanin, 0 none to 2 black.
        redness: blood, 0 none to 2 deep red.
        sharpness: 0 for a border that fades to 1 for one that ends abruptly.
        x, y: centre of the lesion from that of the image, in widths.
        skin: Fitzpatrick's skin type (1988, doi:10.1001/archderm.1988.01670060015008), 1 to 6, in between allowed.
        lighting, vignette, hair, bubbles, ruler, blur: 0 none to 1 much. A vignette above 0.7 shows the rim of the dermatoscope.
        pigment_network, …: strength of each sign of :data:`SIGNS`, 0 absent to 1 striking.

    Raises:
        InvalidValue: a number out of its range, or none; the message names the parameter.
        UnknownName: no such class.
    """

    diagnosis: str = "nv"
    seed: int = 0
    view: int = 0
    asymmetry: float = 0.1
    border: float = 0.1
    colour: float = 0.1
    diameter: float = 0.45
    pigment: float = 0.8
    redness: float = 0.2
    sharpness: float = 0.4
    x: float = 0.0
    y: float = 0.0
    skin: float = 2.0
    lighting: float = 0.2
    vignette: float = 0.2
    hair: float = 0.0
    bubbles: float = 0.0
    ruler: float = 0.0
    blur: float = 0.2
    pigment_network: float = 0.0
    globules: float = 0.0
    atypical_network: float = 0.0
    streaks: float = 0.0
    blue_white_veil: float = 0.0
    regression: float = 0.0
    arborising_vessels: float = 0.0
    ovoid_nests: float = 0.0
    ulceration: float = 0.0
    milia_like_cysts: float = 0.0
    comedo_like_openings: float = 0.0
    fissures: float = 0.0
    strawberry_pattern: float = 0.0
    scale: float = 0.0
    white_patch: float = 0.0
    delicate_network: float = 0.0
    lacunae: float = 0.0

    def __post_init__(self):
        check_choice("class", self.diagnosis, CLASSES)
        for name, (low, high) in RANGES.items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), low, high))

    @property
    def fitzpatrick(self) -> int:
        """The skin type as a whole number, 1 to 6."""
        return math.floor(self.skin + 0.5)

    @property
    def signs(self) -> dict[str, float]:
        """Strength of each sign that is there, in the order in which they are drawn."""
        return {name: getattr(self, name) for name in SIGNS if getattr(self, name) > 0}

    def but(self, **changes) -> "Parameters":
        """A copy with some parameters changed.

        Raises:
            UnknownName: no such parameter.
            InvalidValue: a value out of its range.
        """
        for name in changes:
            check_choice("parameter of a phantom", name, NAMES)
        return replace(self, **changes)

    def without(self, *signs: str) -> "Parameters":
        """A copy without these signs; UnknownName if there is no such sign."""
        return self.but(**{check_choice("sign", name, SIGNS): 0.0 for name in signs})

    def record(self) -> dict[str, str | int | float]:
        """All parameters by name, as plain values."""
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping) -> "Parameters":
        """From a record such as a row of a table; what is no parameter is passed over. Errors as of the class itself."""
        return cls(**{name: record[name] for name in NAMES if name in record})


NAMES = tuple(item.name for item in fields(Parameters))


def check_size(size: int) -> int:
    """Return ``size`` if phantoms are drawn at it, 32 to 256 pixels; raise InvalidValue otherwise."""
    if isinstance(size, bool) or not isinstance(size, Real) or not 32 <= size <= 256 or size != int(size):
        raise InvalidValue(
            "Phantoms are not drawn at this size", given=repr(size), expected="a whole number from 32 to 256 pixels"
        )
    return int(size)


def _checked(name: str, value, low: float, high: float) -> int | float:
    whole = name in _WHOLE
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value <= high or (whole and value != int(value)):
        raise InvalidValue(
            f"The parameter {name} of a phantom is not possible",
            given=repr(value),
            expected=f"a {'whole ' * whole}number from {low:g} to {high:g}",
        )
    return int(value) if whole else float(value)
