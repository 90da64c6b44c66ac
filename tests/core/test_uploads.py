"""Whatever a user sends becomes a picture or a refusal that says why."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from core.data.pictures import decode, open_picture, square
from core.errors import DataDamaged, FileTooLarge, InvalidValue, PruneScopeError
from core.uploads import MAX_BYTES, decode_upload

RNG = np.random.default_rng(0)
# Clouds, as JPEG stores no noise faithfully; wider than high, as cameras take them.
SCENE = Image.fromarray(RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)).resize((90, 60), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that promises these sizes and holds a few bytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [32, 64, 100])
def test_a_plain_picture_becomes_what_the_data_sets_make_of_it(kind, size):
    data = encoded(SCENE, kind)
    upload = decode_upload(data, size)
    np.testing.assert_array_equal(upload.image, decode(data, size))
    assert upload.image.dtype == np.uint8
    assert upload.image.flags.owndata
    assert (upload.width, upload.height) == (90, 60)
    assert "centre square" in upload.notes[0]


def test_a_square_picture_of_the_right_size_is_taken_pixel_by_pixel():
    picture = SCENE.resize((64, 64))
    upload = decode_upload(encoded(picture, "PNG"), 64)
    np.testing.assert_array_equal(upload.image, np.asarray(picture))
    assert upload.notes == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_s_note_on_which_way_is_up_is_followed(orientation):
    # What each value of the EXIF standard says of row 0 and column 0 of what is stored.
    seen = np.asarray(SCENE)
    stored = {
        1: seen,
        2: seen[:, ::-1],
        3: seen[::-1, ::-1],
        4: seen[::-1],
        5: seen.transpose(1, 0, 2),
        6: np.rot90(seen, 1),
        7: np.rot90(seen, 2).transpose(1, 0, 2),
        8: np.rot90(seen, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    upload = decode_upload(data, 64)
    np.testing.assert_allclose(upload.image.astype(int), decode(encoded(SCENE, "PNG"), 64), atol=1)
    assert (upload.width, upload.height) == (90, 60)
    assert any("turned" in note for note in upload.notes) == (orientation > 1)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's, which a user never sees
def test_a_broken_note_on_which_way_is_up_is_passed_over():
    data = encoded(SCENE, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    np.testing.assert_array_equal(decode_upload(data, 64).image, decode(encoded(SCENE, "JPEG"), 64))


def test_metadata_does_not_come_along():
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe, born 1970"
    upload = decode_upload(encoded(SCENE, "JPEG", exif=exif), 64)
    assert "Jane" not in repr(upload)


def test_grey_palette_and_bilevel_pictures_become_colour():
    grey = SCENE.convert("L")
    upload = decode_upload(encoded(grey, "PNG"), 64)
    assert (upload.image[..., 0] == upload.image[..., 1]).all()
    assert any("grey" in note for note in upload.notes)
    palette = SCENE.quantize(16)
    np.testing.assert_array_equal(
        decode_upload(encoded(palette, "PNG"), 60).image, decode(encoded(palette.convert("RGB"), "PNG"), 60)
    )
    assert set(np.unique(decode_upload(encoded(SCENE.convert("1", dither=0).resize((64, 64)), "PNG"), 64).image)) <= {
        0,
        255,
    }


def test_transparent_parts_are_laid_on_white():
    picture = Image.new("RGBA", (64, 64), (200, 10, 10, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 32, 64))
    picture.paste((0, 0, 0, 128), (32, 0, 64, 32))
    image = decode_upload(encoded(picture, "PNG"), 64).image
    assert (image[:, :32] == 255).all()
    assert (np.abs(image[:32, 32:].astype(int) - 127) <= 1).all()
    assert (image[32:, 32:] == (200, 10, 10)).all()
    grey = Image.new("LA", (64, 64), (90, 0))
    assert (decode_upload(encoded(grey, "PNG"), 64).image == 255).all()


@pytest.mark.parametrize(("mode", "colour"), [("P", 3), ("L", 77), ("RGB", (9, 8, 7))])
def test_a_colour_named_transparent_is_laid_on_white(mode, colour):
    picture = Image.new(mode, (64, 64), colour)
    if mode == "P":
        picture.putpalette(list(range(48)))
    data = encoded(picture, "PNG", transparency=colour)
    assert (decode_upload(data, 64).image == 255).all()


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    upload = decode_upload(encoded(Image.fromarray(ramp), "PNG"), 64)
    np.testing.assert_allclose(upload.image[..., 1].astype(int), ramp.astype(int) // 257, atol=1)


def test_printing_colours_become_rgb():
    picture = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    upload = decode_upload(encoded(picture, "JPEG", quality=95), 64)
    assert (np.abs(upload.image.astype(int) - (255, 0, 0)) <= 6).all()
    assert any("CMYK" in note for note in upload.notes)


def test_a_data_set_of_one_s_own_sees_what_an_upload_sees():
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = Image.new("RGBA", (90, 60), (200, 10, 10, 100))
    for data in (
        encoded(SCENE, "JPEG", exif=exif),
        encoded(clear, "PNG", exif=exif),
        encoded(SCENE.convert("L"), "PNG"),
    ):
        image = square(open_picture(data, as_seen=True), 64)
        np.testing.assert_array_equal(decode_upload(data, 64).image, image)


def test_a_colour_profile_is_no_reason_to_fail():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(SCENE, "JPEG", icc_profile=profile)
    np.testing.assert_array_equal(decode_upload(data, 64).image, decode(encoded(SCENE, "JPEG"), 64))


def test_an_animated_png_is_refused():
    data = encoded(SCENE, "PNG", save_all=True, append_images=[SCENE.rotate(90), SCENE.rotate(180)])
    with pytest.raises(InvalidValue, match=r"animated.*3 frames"):
        decode_upload(data, 64)


@pytest.mark.parametrize("size", [(1, 1), (31, 5000), (5000, 31)])
def test_pictures_with_next_to_nothing_in_them_are_refused(size):
    with pytest.raises(InvalidValue, match=f"too small.*{size[0]}×{size[1]}"):
        decode_upload(encoded(Image.new("RGB", size), "PNG"), 64)


@pytest.mark.parametrize("size", [(100_000, 100_000), (8000, 5001), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_its_header(size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises((FileTooLarge, DataDamaged), match=r"megapixels|decoded"):
        decode_upload(header(*size), 64)


def test_forty_megapixels_are_taken():
    data = encoded(Image.new("L", (8000, 5000), 120), "PNG")
    assert (decode_upload(data, 64).image == 120).all()


def test_a_file_above_ten_megabytes_is_refused_before_it_is_looked_at():
    with pytest.raises(FileTooLarge, match=r"10\.0 MB"):
        decode_upload(b"\xff\xd8\xff" + bytes(MAX_BYTES), 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
def test_a_file_that_was_cut_off_is_refused(kind, share):
    data = encoded(SCENE, kind)
    with pytest.raises(DataDamaged, match=f"This {kind} picture cannot be decoded"):
        decode_upload(data[: int(len(data) * share)], 64)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(SCENE, "GIF"), "a GIF"),
        (encoded(SCENE, "BMP"), "a BMP"),
        (encoded(SCENE, "TIFF"), "a TIFF"),
        (encoded(SCENE, "WEBP"), "a WebP"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC photograph"),
        (bytes(128) + b"DICM" + bytes(99), "a DICOM file"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"PK\x03\x04" + bytes(99), "a ZIP archive"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"  <html>", "a text"),
        (b"I am a picture", "a text"),
        (b"\x01\x02\x03", "a file of an unknown kind"),
    ],
)
def test_other_files_are_refused_by_name(data, name):
    with pytest.raises(InvalidValue, match=f"not a JPEG or PNG.*{name}"):
        decode_upload(data, 64)


def test_an_empty_file_is_refused():
    with pytest.raises(InvalidValue, match="empty"):
        decode_upload(b"", 64)


def test_a_png_that_calls_itself_jpeg_inside_is_refused():
    with pytest.raises(DataDamaged, match="JPEG"):
        decode_upload(b"\xff\xd8\xff" + encoded(SCENE, "PNG"), 64)


def taken_or_refused(data: bytes) -> None:
    with contextlib.suppress(PruneScopeError):  # anything else fails the test
        upload = decode_upload(data, 32)
        assert upload.image.shape == (32, 32, 3)
        assert upload.image.dtype == np.uint8


STARTS = (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", encoded(SCENE, "JPEG")[:200], header(40, 40)[:33])


@pytest.mark.filterwarnings("ignore")  # as in the app, where Pillow's warnings stop nothing
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(STARTS), st.binary(max_size=400))
def test_random_bytes_are_taken_or_refused(start, data):
    taken_or_refused(start + data)


SMALL = SCENE.resize((48, 40))
FILES = (
    encoded(SMALL, "JPEG"),
    encoded(SMALL, "JPEG", progressive=True, quality=40),
    encoded(SMALL, "PNG"),
    encoded(SMALL.quantize(8), "PNG", transparency=0),
    encoded(SMALL.convert("CMYK"), "JPEG"),
    encoded(SMALL, "PNG", save_all=True, append_images=[SMALL.rotate(180)]),
)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FILES), st.data())
def test_pictures_with_changed_bytes_are_taken_or_refused(original, data):
    content = bytearray(original)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(content) // 2, len(content)))
    taken_or_refused(bytes(content[:cut]))
