"""From an encoded picture to a square array."""

import hashlib
import io

import numpy as np
from PIL import Image

from core.errors import DataDamaged, PruneScopeError

MAX_PIXELS = 40_000_000  # of one picture, before it is decoded

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # Pillow knows fifty more, which nobody sends in good faith


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
    picture = _opened(data).convert("L").point(lambda value: 255 * (value > 0))
    return square(picture, size, Image.Resampling.BOX) > 127


def open_picture(data: bytes | np.ndarray) -> Image.Image:
    """A picture in RGB at its own size. Arguments and errors as for :func:`decode`."""
    if isinstance(data, np.ndarray):
        return Image.fromarray(data)
    picture = _opened(data)
    if picture.mode.startswith("I"):
        # Pillow would clip 16-bit greys to white where they pass 255.
        picture = Image.fromarray((np.asarray(picture).clip(0, 65535) // 257).astype(np.uint8))
    return picture if picture.mode == "RGB" else picture.convert("RGB")


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
