"""A picture that a user sends: decoded with care, or refused with the reason. Nothing of it is ever written anywhere."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from core.data.pictures import MAX_PIXELS, seen, square
from core.errors import DataDamaged, FileTooLarge, InvalidValue

MAX_BYTES = 10_000_000
SMALLEST = 32  # pixels of the shorter side
_EXPECTED = "a JPEG or PNG picture, at most 10 MB and 40 megapixels"

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# What people send instead, by how such files begin: (offset, bytes, name).
_OTHERS = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (8, b"WEBP", "a WebP"),
    (4, b"ftyphei", "a HEIC photograph"),
    (4, b"ftypmif1", "a HEIC photograph"),
    (4, b"ftypavif", "an AVIF"),
    (0, b"\0\0\0\x0cjP", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML file"),
)


@dataclass(frozen=True)
class Upload:
    """A decoded picture.

    Attributes:
        image: uint8 [size, size, 3]: its centre square, resampled exactly as the images of every data set are.
        width, height: of the whole picture as it is meant to be looked at, in pixels.
        notes: sentences for the user: what was done to it. Metadata is dropped always, and not noted.
    """

    image: np.ndarray
    width: int
    height: int
    notes: tuple[str, ...]


def decode_upload(data: bytes, size: int) -> Upload:
    """A user's picture as a network takes it. What it is is told from its content; its name is never asked.

    Grey, palette, CMYK and 16-bit pictures become RGB of 8 bits, transparency is laid on white, and the camera's note on which
    way is up is followed. Sizes are read from the header and checked before a pixel is decoded.

    Args:
        data: the file.
        size: height and width to come out.

    Raises:
        FileTooLarge: more than 10 MB, or more than 40 megapixels.
        InvalidValue: empty, no JPEG or PNG, an animation, or shorter than 32 pixels on a side.
        DataDamaged: cut off, or not what its first bytes promise.
    """
    if not data:
        raise InvalidValue("The file is empty", given="0 bytes", expected=_EXPECTED)
    if len(data) > MAX_BYTES:
        raise FileTooLarge(
            "The file is too large",
            given=f"{len(data) / 1e6:.1f} MB",
            expected="10 MB at most",
            remedy="save it as a JPEG, or crop it to the lesion",
        )
    picture, notes = seen(_opened(data))
    image = np.array(square(picture, size))  # a copy: nothing keeps the whole picture in memory
    if picture.width != picture.height:
        notes.append(f"Its centre square was taken, as for every image here; it has {picture.width}×{picture.height}.")
    return Upload(image, picture.width, picture.height, tuple(notes))


def _opened(data: bytes) -> Image.Image:
    if data.startswith(_JPEG):
        plugin, kind = JpegImagePlugin.JpegImageFile, "JPEG"
    elif data.startswith(_PNG):
        plugin, kind = PngImagePlugin.PngImageFile, "PNG"
    else:
        raise InvalidValue(
            "This is not a JPEG or PNG picture",
            given=_what(data),
            expected=_EXPECTED,
            remedy="save the picture as JPEG or PNG first; another name does not change what a file is",
        )
    try:
        # The plugin itself, not Image.open: it reads the header and no other format, and leaves the sizes to us.
        picture = plugin(io.BytesIO(data))
        frames = getattr(picture, "n_frames", 1)
    except Exception as error:  # Pillow's decoders raise almost anything on damaged input
        raise _damaged(kind, data, error) from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise FileTooLarge(
            "The picture has too many pixels",
            given=f"{width:,}×{height:,}, {width * height / 1e6:,.0f} megapixels",
            expected="40 megapixels at most",
            remedy="make it smaller, or crop it to the lesion",
        )
    if min(width, height) < SMALLEST:
        raise InvalidValue(
            "The picture is too small",
            given=f"{width}×{height} pixels",
            expected=f"at least {SMALLEST} pixels on the shorter side",
        )
    if frames > 1:
        raise InvalidValue(
            "The picture is animated", given=f"{frames} frames", expected="one", remedy="save one of them as a picture"
        )
    try:
        picture.load()
    except Exception as error:
        raise _damaged(kind, data, error) from error
    return picture


def _what(data: bytes) -> str:
    for offset, start, name in _OTHERS:
        if data[offset : offset + len(start)] == start:
            return name
    if data[:64].lstrip()[:1] in (b"<", b"{") or all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data[:64]):
        return "a text"
    return "a file of an unknown kind"


def _damaged(kind: str, data: bytes, error: Exception) -> DataDamaged:
    return DataDamaged(
        f"This {kind} picture cannot be decoded",
        given=f"{len(data):,} bytes ({str(error).split(' <')[0] or type(error).__name__})",
        expected="a whole file",
        remedy="send it again; it may have been cut off on its way",
    )
