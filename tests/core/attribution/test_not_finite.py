"""Maps with NaN or infinity in them: named where one map is asked about, NaN where many are compared."""

import numpy as np
import pytest

from core.attribution import Explainer, agreement, faithfulness, reach, truth
from core.errors import InvalidValue
from core.models import build

BAD = [np.nan, np.inf, -np.inf]


@pytest.fixture
def maps():
    return np.random.default_rng(0).random((3, 8, 8))


@pytest.mark.parametrize("bad", BAD)
def test_no_colour_stands_for_it(maps, bad):
    maps[1, 2, 3] = bad
    with pytest.raises(InvalidValue, match="NaN, infinity"):
        reach(maps)
    with pytest.raises(InvalidValue, match="NaN, infinity"):
        reach([maps[0], maps[1]])


@pytest.mark.parametrize("odd", [np.array(["a"]), np.array([None]), np.array([1 + 1j])])
def test_what_is_no_number_has_no_colour(odd):
    with pytest.raises(InvalidValue, match="no numbers"):
        reach([odd])


def test_whole_numbers_and_bools_have_a_magnitude():
    assert reach([np.array([-128, 1], np.int8)], 1) == 128
    assert reach([np.array([False, True])], 1) == 1


@pytest.mark.parametrize("bad", BAD)
def test_comparisons_are_not_defined_of_that_map_alone(maps, bad):
    masks = maps > 0.5
    other, spoilt = maps[:, ::-1], maps.copy()
    spoilt[1, 2, 3] = bad
    for measure in (agreement.rank_correlation, agreement.top_overlap):
        for found in (measure(spoilt, other), measure(other, spoilt)):
            assert np.isnan(found).tolist() == [False, True, False]
            np.testing.assert_array_equal(found[::2], measure(maps, other)[::2])
    for measure in (agreement.share_inside, truth.pointing_game, truth.average_precision):
        found = measure(spoilt, masks)
        assert np.isnan(found).tolist() == [False, True, False]
        np.testing.assert_array_equal(found[::2], measure(maps, masks)[::2])


@pytest.mark.parametrize("bad", BAD)
def test_a_map_that_foretells_nothing_is_named(tiny, bad):
    explainer = Explainer(build("vgg16", 3), device="cpu")
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    map_ = np.ones((32, 32))
    map_[4, 5] = bad
    for measure in (faithfulness.infidelity, faithfulness.completeness_error):
        with pytest.raises(InvalidValue, match="NaN or infinity in it"):
            measure(explainer, image, map_, target=0)
