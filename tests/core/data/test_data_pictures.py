import io

import numpy as np
import pytest
from PIL import Image
from small_sets import encoded, picture, pixels

from core.data import pictures
from core.data.pictures import decode, decode_mask, fingerprint, open_picture, seen
from core.errors import DataDamaged


def test_the_centre_square_is_taken():
    array = pixels(0, 24, 32)
    expected = Image.fromarray(array[:, 4:28]).resize((16, 16), Image.Resampling.BILINEAR)
    got = decode(encoded(array), 16)
    assert got.dtype == np.uint8
    # At the cut itself the filter also sees the pixels beyond it, as it should.
    np.testing.assert_array_equal(got[:, 1:-1], np.asarray(expected)[:, 1:-1])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_nothing_is_resampled_at_its_own_size(kind):
    array = pixels(1, 32, 32)
    np.testing.assert_array_equal(decode(encoded(array, kind), 32), array)
    np.testing.assert_array_equal(decode(array, 32), array)


def test_encoded_and_decoded_come_out_alike():
    array = pixels(2, 32, 32)
    np.testing.assert_array_equal(decode(array, 20), decode(encoded(array), 20))
    assert fingerprint(open_picture(array)) == fingerprint(open_picture(encoded(array)))
    array[3, 4, 1] ^= 1
    assert fingerprint(open_picture(array)) != fingerprint(open_picture(picture(2, 32, 32)))


def test_grey_palette_and_sixteen_bits():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (decode(encoded(grey), 16) == grey[..., None]).all()
    buffer = io.BytesIO()
    Image.fromarray(grey).convert("P").save(buffer, "PNG")
    assert (decode(buffer.getvalue(), 16) == grey[..., None]).all()
    assert (decode(encoded(grey.astype(np.uint16) * 257), 16) == grey[..., None]).all()


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", picture(0)[:200], picture(0, kind="JPEG")[:300], b"%!PS-Adobe"]
)
def test_what_cannot_be_decoded(data):
    with pytest.raises(DataDamaged, match=r"cannot be decoded.*Expected: a whole JPEG"):
        decode(data, 16)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 700)
    with pytest.raises(DataDamaged, match=r"Given: 32×24. Expected: 700 pixels at most"):
        decode(picture(0), 16)


def test_a_mask_pixel_is_inside_if_half_of_it_is():
    mask = np.zeros((32, 32), np.uint8)
    mask[:9] = 1  # any value above 0 is inside; row 4 of the result covers rows 8 and 9
    mask[20, ::2] = 255  # a quarter of each pixel in row 10
    got = decode_mask(encoded(mask), 16)
    assert got.dtype == bool
    assert got[:5].all()
    assert not got[5:].any()


def test_colours_that_a_mask_cannot_have_are_named():
    buffer = io.BytesIO()
    Image.new("LAB", (8, 8)).save(buffer, "TIFF")
    with pytest.raises(DataDamaged, match=r"colours of a picture cannot be read\. Given: LAB .*What to do"):
        decode_mask(buffer.getvalue(), 16)
    assert decode(buffer.getvalue(), 16).shape == (16, 16, 3)


def test_pixels_are_taken_as_stored_unless_they_are_to_be_as_seen():
    exif = Image.Exif()
    exif[0x0112] = 3
    array, buffer = pixels(9, 24, 32), io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", exif=exif)
    np.testing.assert_array_equal(np.asarray(open_picture(buffer.getvalue())), array)
    np.testing.assert_array_equal(np.asarray(open_picture(buffer.getvalue(), as_seen=True)), array[::-1, ::-1])
    clear = encoded(np.full((8, 8, 4), 0, np.uint8))
    assert not np.asarray(open_picture(clear)).any()
    assert (np.asarray(open_picture(clear, as_seen=True)) == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16", "I", "F", "LA", "RGBA", "LAB"])
def test_every_mode_becomes_rgb(mode):
    picture, notes = seen(Image.new(mode, (8, 8)))
    assert picture.mode == "RGB"
    assert all(note.endswith(".") for note in notes)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(256, dtype=np.float32).reshape(16, 16) / 255, "TIFF"),
        (np.arange(256, dtype=np.float32).reshape(16, 16), "TIFF"),
        (np.arange(256, dtype=np.int32).reshape(16, 16), "TIFF"),
        (np.arange(256, dtype=np.uint16).reshape(16, 16) * 16 + 15, "PNG"),
        (np.arange(256, dtype=np.uint16).reshape(16, 16) * 257, "PNG"),
    ],
    ids=["decimals", "decimals of 8 bits", "integers of 8 bits", "12 bits", "16 bits"],
)
def test_greys_of_any_range_are_seen(values, kind):
    """Of decimals from 0 to 1, and of small numbers in large types, all was black, and networks were trained on that."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (decode(buffer.getvalue(), 16) == grey[..., None]).all()


def test_greys_that_are_no_numbers_are_black():
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16), np.nan, np.float32)).save(buffer, "TIFF")
    assert (decode(buffer.getvalue(), 16) == 0).all()
