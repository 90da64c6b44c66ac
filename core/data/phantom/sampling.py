"""How phantoms of each class differ and overlap: presets, and random draws with classes as rare as in HAM10000."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.data.phantom.exact import Stream
from core.data.phantom.parameters import CLASSES, RANGES, SIGNS, Parameters
from core.errors import InvalidValue, check_choice, check_number, check_whole

# Shares of the classes among the 10,015 images of HAM10000.
RARITY = {"akiec": 0.0327, "bcc": 0.0513, "bkl": 0.1097, "df": 0.0115, "mel": 0.1111, "nv": 0.6695, "vasc": 0.0142}
_ATYPICAL = 0.10  # of the lesions have the body of another class under their own signs
_STRAY = 0.008  # of the lesions have a given sign that is not of their class, unless Look.also says otherwise


@dataclass(frozen=True)
class Look:
    """What lesions of one class look like: ranges that are drawn from, most often their middle.

    Attributes:
        body: parameter -> lowest and highest value.
        signs: sign -> probability that it is there and lowest and highest strength.
        also: sign of another class -> probability.
        near: classes that it is mistaken for.
    """

    body: Mapping[str, tuple[float, float]]
    signs: Mapping[str, tuple[float, float, float]]
    also: Mapping[str, float]
    near: tuple[str, ...]


_BODY = ("asymmetry", "border", "colour", "diameter", "pigment", "redness", "sharpness")


def _body(*ranges: tuple[float, float]) -> dict[str, tuple[float, float]]:
    return dict(zip(_BODY, ranges, strict=True))


LOOKS = {
    "akiec": Look(
        _body((0.1, 0.7), (0.1, 0.7), (0.0, 0.4), (0.35, 0.95), (0.0, 0.35), (0.15, 0.8), (0.0, 0.5)),
        {"strawberry_pattern": (0.80, 0.35, 1.0), "scale": (0.70, 0.35, 1.0)},
        {"milia_like_cysts": 0.08, "ulceration": 0.06, "comedo_like_openings": 0.05},
        ("bkl", "bcc"),
    ),
    "bcc": Look(
        _body((0.1, 0.7), (0.1, 0.6), (0.0, 0.5), (0.22, 0.85), (0.0, 0.5), (0.1, 0.8), (0.1, 0.7)),
        {"arborising_vessels": (0.80, 0.35, 1.0), "ovoid_nests": (0.60, 0.35, 1.0), "ulceration": (0.45, 0.35, 1.0)},
        {"milia_like_cysts": 0.10, "blue_white_veil": 0.06, "scale": 0.08, "globules": 0.06},
        ("akiec", "bkl", "mel"),
    ),
    "bkl": Look(
        _body((0.1, 0.8), (0.1, 0.8), (0.0, 0.7), (0.25, 0.95), (0.15, 1.5), (0.0, 0.3), (0.3, 1.0)),
        {
            "milia_like_cysts": (0.72, 0.35, 1.0),
            "comedo_like_openings": (0.60, 0.35, 1.0),
            "fissures": (0.45, 0.35, 0.9),
        },
        {"pigment_network": 0.15, "globules": 0.10, "regression": 0.12, "scale": 0.10, "atypical_network": 0.06},
        ("nv", "mel", "akiec"),
    ),
    "df": Look(
        _body((0.0, 0.4), (0.0, 0.5), (0.0, 0.3), (0.22, 0.75), (0.1, 0.7), (0.05, 0.6), (0.0, 0.4)),
        {"white_patch": (0.85, 0.35, 1.0), "delicate_network": (0.75, 0.35, 1.0)},
        {"globules": 0.08, "arborising_vessels": 0.05},
        ("nv", "bcc"),
    ),
    "mel": Look(
        _body((0.2, 1.0), (0.15, 1.0), (0.15, 1.0), (0.32, 0.95), (0.5, 2.0), (0.0, 0.35), (0.2, 0.9)),
        {
            "atypical_network": (0.70, 0.35, 1.0),
            "streaks": (0.50, 0.35, 1.0),
            "blue_white_veil": (0.50, 0.35, 1.0),
            "regression": (0.45, 0.35, 1.0),
        },
        {"globules": 0.30, "pigment_network": 0.15, "milia_like_cysts": 0.08, "ulceration": 0.06},
        ("nv", "bkl"),
    ),
    "nv": Look(
        _body((0.0, 0.6), (0.0, 0.6), (0.0, 0.55), (0.22, 0.85), (0.3, 2.0), (0.0, 0.35), (0.0, 0.85)),
        {"pigment_network": (0.72, 0.35, 1.0), "globules": (0.55, 0.35, 1.0)},
        {"atypical_network": 0.06, "streaks": 0.04, "regression": 0.04, "milia_like_cysts": 0.05, "white_patch": 0.02},
        ("mel", "bkl", "df"),
    ),
    "vasc": Look(
        _body((0.0, 0.5), (0.0, 0.5), (0.0, 0.3), (0.15, 0.60), (0.0, 0.15), (0.4, 1.8), (0.3, 1.0)),
        {"lacunae": (0.92, 0.35, 1.0)},
        {"blue_white_veil": 0.08, "scale": 0.06},
        ("bcc", "df"),
    ),
}
# The same for all classes: skin, place and the taking of the picture give no diagnosis away.
_SKIN_TYPES = (0.14, 0.26, 0.24, 0.16, 0.12, 0.08)
_PICTURE = {"lighting": (0.0, 1.0), "vignette": (0.0, 0.7), "blur": (0.0, 0.9), "x": (-0.11, 0.11), "y": (-0.11, 0.11)}
_PRESENT = {"hair": 0.40, "bubbles": 0.15, "ruler": 0.10}
_RIM = 0.05


def preset(diagnosis: str, seed: int = 0) -> Parameters:
    """A textbook lesion of a class: the middle of every range, its signs clear.

    Raises:
        UnknownName: no such class.
    """
    look = LOOKS[check_choice("class", diagnosis, CLASSES)]
    body = {name: round((low + high) / 2, 3) for name, (low, high) in look.body.items()}
    return Parameters(diagnosis=diagnosis, seed=seed, **body, **dict.fromkeys(look.signs, 0.75))


def sample(
    count: int, seed: int | Stream = 0, *, classes: Mapping[str, float] | None = None, views: float = 0.0
) -> list[Parameters]:
    """Draw phantoms at random.

    Args:
        count: how many.
        seed: a number, or a stream to go on with. The same one draws the same phantoms, and of a larger ``count`` the first
            ones are those of a smaller.
        classes: class name -> weight, 0 and more; by default :data:`RARITY`. What is not named is not drawn.
        views: share of lesions that are there twice, one after the other, in two different pictures.

    Raises:
        InvalidValue: a count, seed or weights that are negative, not numbers, or (weights) all 0 or no mapping; or a share of views
            that is none.
        UnknownName: no such class.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise InvalidValue("The count of phantoms is not possible", given=repr(count), expected="a whole number from 0")
    views = check_number(views, "This is no share of lesions", "a number from 0 to 1", lambda value: 0 <= value <= 1)
    if not isinstance(seed, Stream):
        seed = check_whole(seed, "This is no seed", 0, 2**63 - 1)
    weights = _weights(RARITY if classes is None else classes)
    stream = seed if isinstance(seed, Stream) else Stream(seed, "sample")
    drawn: list[Parameters] = []
    while len(drawn) < count:
        drawn.append(_draw(stream, _chosen(weights, stream.number())))
        if stream.number() < views and len(drawn) < count:
            drawn.append(_again(stream, drawn[-1]))
    return drawn


def _draw(stream: Stream, diagnosis: str) -> Parameters:
    # As many numbers are drawn whatever comes out, so that a change to one class leaves the others' phantoms as they are.
    own = Stream(int(stream.number(0, 2**53)), "lesion")
    look = LOOKS[diagnosis]
    bodies = LOOKS[look.near[own.integer(len(look.near))]] if own.number() < _ATYPICAL else look
    values: dict[str, float] = {}
    for name, (low, high) in bodies.body.items():
        values[name] = 0.5 * own.number(low, high) + 0.5 * own.bell(low, high)
    clear = own.number(0.6, 1.2)  # how far developed: the signs of one lesion are faint together
    for name in SIGNS:
        present, strength, stray = own.number(), own.number(), own.number(0.15, 0.75)
        if name in look.signs:
            chance, low, high = look.signs[name]
            if present < chance:
                values[name] = min(1.0, (low + (high - low) * strength) * clear)
        elif present < look.also.get(name, _STRAY):
            values[name] = stray
    if not values.keys() & look.signs.keys():  # a lesion without any sign of its class could be told by nobody
        first, (_, low, high) = next(iter(look.signs.items()))
        values[first] = min(1.0, (low + high) / 2 * clear)
    values |= _picture(own)
    values["skin"] = _chosen(dict(zip(range(1, 7), _SKIN_TYPES, strict=True)), own.number()) + own.number(-0.49, 0.49)
    rounded = {name: round(min(max(value, RANGES[name][0]), RANGES[name][1]), 3) for name, value in values.items()}
    return Parameters(diagnosis=diagnosis, seed=int(own.number(0, 2**40)), **rounded)


def _again(stream: Stream, lesion: Parameters) -> Parameters:
    own = Stream(int(stream.number(0, 2**53)), "view")
    picture = {name: round(value, 3) for name, value in _picture(own).items()}
    return lesion.but(view=1 + own.integer(900), **picture)


def _picture(stream: Stream) -> dict[str, float]:
    values = {name: stream.bell(low, high) for name, (low, high) in _PICTURE.items()}
    for name, chance in _PRESENT.items():
        present, amount = stream.number(), stream.number(0.1, 1)
        values[name] = amount if present < chance else 0.0
    rim, amount = stream.number(), stream.number(0.72, 1)
    return values | ({"vignette": amount} if rim < _RIM else {})


def _weights(classes: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(classes, Mapping):
        raise InvalidValue(
            "These are no weights of classes", given=repr(classes)[:200], expected="class name -> weight"
        )
    weights = {}
    for name, weight in classes.items():
        check_choice("class", name, CLASSES)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            raise InvalidValue(f"The weight of class {name} is not possible", given=repr(weight), expected="0 or more")
        weights[name] = float(weight)
    if not sum(weights.values()) > 0:
        raise InvalidValue("No class has a weight above 0", given=dict(classes), expected="one at least")
    return {name: weights[name] for name in CLASSES if name in weights}


def _chosen(weights: Mapping, share: float):
    total = sum(weights.values()) * share
    for name, weight in weights.items():
        total -= weight
        if total < 0:
            return name
    return name
