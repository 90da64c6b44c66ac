import numpy as np
import pytest

from core.data import load
from core.errors import DataNotFound, InvalidValue


def test_take(ham):
    images = load("ham10000", "all", size=16)
    some = images.take([5, 2, 2])
    assert some.ids.tolist() == [images.ids[5], images.ids[2], images.ids[2]]
    np.testing.assert_array_equal(some.images, images.images[[5, 2, 2]])
    np.testing.assert_array_equal(some.masks(), images.masks()[[5, 2, 2]])
    assert some.table["id"].tolist() == some.ids.tolist()
    assert some.groups.tolist() == images.groups[[5, 2, 2]].tolist()
    chosen = images.labels == 4
    assert images.take(chosen).labels.tolist() == [4] * chosen.sum()
    assert len(images.take([])) == 0


@pytest.mark.parametrize("rows", [[-1], [60], [0.5], [True, False], [[0]]])
def test_rows_that_are_not_there(ham, rows):
    with pytest.raises(InvalidValue):
        load("ham10000", "all", size=16).take(rows)


def test_digest_names_images_order_and_labels(ham):
    images = load("ham10000", "all", size=16)
    assert images.digest == load("ham10000", "all", size=20).digest
    assert images.take(range(60)).digest == images.digest
    assert images.take(range(59)).digest != images.digest
    assert images.take([1, 0, *range(2, 60)]).digest != images.digest


def test_a_set_without_masks_says_so(ham):
    (ham / "ham10000" / "HAM10000_segmentations_lesion_tschandl.zip").unlink()
    with pytest.raises(DataNotFound, match=r"has no lesion masks.*What to do"):
        load("ham10000", "test", size=16).masks()
