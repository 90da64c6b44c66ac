"""From an encoded picture to a square array."""

import hashlib
import io

import numpy as np
from PIL import Image

from core.errors import DataDamaged, PruneScopeError

MAX_PIXELS = 40_000_000  # of one picture, before it is decoded

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # Pillow knows fifty more, which nobody sends in good faith
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112  # of EXIF


def decode(data: bytes | np.ndarray, size: int) -> np.ndarray:
    """One picture as uint8 [size, size, 3]: its centre square, resampled with antialiasing.

    The square keeps true proportions, and with them asymmetry and border; on HAM10000 it holds 97% of the lesions' area.

    Args:
        data: encoded (JPEG, PNG, WebP, …) or already decoded, uint8 [H, W, 3].
        size: height and width to come out.

    Raises:
        DataDamaged: not a picture, a damaged one, or more than 40 million pixels.
    """
    return square(open_picture(data), size)


def decode_mask(data: bytes, size: int) -> np.ndarray:
    """One encoded mask as bool [size, size], cropped as :func:`decode` does; a pixel is inside if half of it is.

    Raises:
        DataDamaged: as for :func:`decode`.
    """
    picture = _converted(_opened(data), "L").point(lambda value: 255 * (value > 0))
    return square(picture, size, Image.Resampling.BOX) > 127


def open_picture(data: bytes | np.ndarray, *, as_seen: bool = False) -> Image.Image:
    """A picture in RGB at its own size.

    Args:
        data: as for :func:`decode`.
        as_seen: turn it and lay it on white as :func:`seen` does. Not for HAM10000 and CIFAR-100, whose pixels never change.

    Raises:
        DataDamaged: as for :func:`decode`.
    """
    if isinstance(data, np.ndarray):
        return Image.fromarray(data)
    picture = _opened(data)
    return seen(picture)[0] if as_seen else _rgb(picture)


def seen(picture: Image.Image) -> tuple[Image.Image, list[str]]:
    """A decoded picture in RGB as people see it: turned the way its camera noted, its transparent parts on white.

    Args:
        picture: loaded, of any mode.

    Returns:
        the picture, and sentences for the user on what was done to it.

    Raises:
        DataDamaged: its colours cannot be turned into RGB.
    """
    notes: list[str] = []
    turn = _TURNS.get(_orientation(picture))
    mode = picture.mode
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or ("transparency" in picture.info and not mode.startswith("I")):
        clear = _converted(picture, "RGBA")
        if clear.getchannel("A").getextrema()[0] < 255:
            notes.append("Its transparent parts were laid on white.")
        picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    elif mode == "F" or mode.startswith("I"):
        notes.append("Its greys of more than 8 bits were reduced to 8, by its brightest pixel.")
    elif mode == "CMYK":
        notes.append("Its printing colours (CMYK) were turned into RGB without a colour profile.")
    elif mode in ("1", "L"):
        notes.append("It is grey; the networks were trained on colour.")
    picture = _rgb(picture)
    if turn is not None:
        picture = picture.transpose(turn)
        notes.append("It was turned the way its camera noted.")
    return picture, notes


def square(picture: Image.Image, size: int, resampling: Image.Resampling = Image.Resampling.BILINEAR) -> np.ndarray:
    """The centre square of ``picture`` as uint8 [size, size] or [size, size, 3]; untouched if it has that size."""
    if picture.size != (size, size):
        side = min(picture.size)
        left, top = (picture.width - side) / 2, (picture.height - side) / 2
        picture = picture.resize((size, size), resampling, box=(left, top, left + side, top + side))
    return np.asarray(picture)


def fingerprint(picture: Image.Image) -> bytes:
    """The same for two pictures if and only if they are equal pixel by pixel."""
    return hashlib.sha256(repr(picture.size).encode() + picture.tobytes()).digest()


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F" or picture.mode.startswith("I"):
        picture = Image.fromarray(_eight_bits(np.asarray(picture)))
    return _converted(picture, "RGB")


def _eight_bits(greys: np.ndarray) -> np.ndarray:
    """Greys of more than 8 bits, or between 0 and 1, as uint8; Pillow would clip them to white, or to black.

    No file says how much of its range its camera uses, so it is told from the brightest pixel: up to 1 in decimals, 8, 12 or 16 bits.
    """
    most = np.nan_to_num(greys, nan=0.0, posinf=0.0).max(initial=0)
    if greys.dtype.kind == "f" and most <= 1:
        scale = 255.0
    elif most <= 255:
        scale = 1.0
    elif most <= 4095:
        scale = 1 / 16
    else:
        scale = 1 / 257
    return (np.nan_to_num(greys, nan=0.0).astype(np.float64).clip(0, 65535) * scale + 1e-9).astype(np.uint8)


def _converted(picture: Image.Image, mode: str) -> Image.Image:
    try:
        return picture if picture.mode == mode else picture.convert(mode)
    except (ValueError, OSError, KeyError) as error:
        raise DataDamaged(
            "The colours of a picture cannot be read",
            given=f"{picture.mode} ({error})",
            expected="grey, RGB or CMYK",
            remedy="save it as an RGB picture",
        ) from error


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken note on which way is up is no note
        return 1


def _opened(data: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise DataDamaged(
                "A picture is too large",
                given=f"{picture.width}×{picture.height}",
                expected=f"{MAX_PIXELS:,} pixels at most",
            )
        picture.load()
    except PruneScopeError:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything on damaged input
        raise DataDamaged(
            "A picture cannot be decoded",
            given=f"{len(data):,} bytes ({type(error).__name__}: {str(error).split(' <')[0]})",
            expected="a whole JPEG, PNG, WebP, BMP or TIFF file",
        ) from error
    return picture
