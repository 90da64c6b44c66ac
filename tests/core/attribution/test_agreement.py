"""Agreement and truth against SciPy, scikit-learn and by hand."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from core.attribution import average_precision, pointing_game, rank_correlation, reach, share_inside, top_overlap
from core.errors import InvalidValue

RNG = np.random.default_rng(0)


def maps(number: int = 6, size: int = 12, levels: int | None = None) -> np.ndarray:
    found = RNG.normal(size=(number, size, size)).astype(np.float32)
    return found if levels is None else np.round(found * levels) / levels


@pytest.mark.parametrize("levels", [None, 2])
def test_rank_correlation_is_scipy_s(levels):
    a, b = maps(levels=levels), maps(levels=levels)
    b += a / 2
    expected = [spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(a, b), expected, rtol=1e-10)
    np.testing.assert_allclose(rank_correlation(a, np.exp(a)), 1)
    np.testing.assert_allclose(rank_correlation(a, -a), -1)


def test_a_map_without_relief_correlates_with_nothing():
    a = maps(2)
    a[0] = 0.3
    assert np.isnan(rank_correlation(a, maps(2))).tolist() == [True, False]


def test_top_overlap_counts_shared_pixels():
    a, b = maps(), maps()
    count = round(0.1 * 144)
    expected = [
        len({*np.argsort(x.ravel())[-count:]} & {*np.argsort(y.ravel())[-count:]}) / count
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(top_overlap(a, b), expected)
    np.testing.assert_allclose(top_overlap(a, a * 3 + 1), 1)


def test_top_overlap_is_the_mean_over_ways_to_break_ties():
    a, b = np.round(maps(1, 6)), np.round(maps(1, 6))
    drawn = []
    for _ in range(4000):
        tops = [{*np.lexsort((RNG.random(36), values.ravel()))[-4:]} for values in (a, b)]
        drawn.append(len(tops[0] & tops[1]) / 4)
    assert top_overlap(a, b, 4 / 36)[0] == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 4000**0.5)


def test_maps_that_say_nothing_overlap_by_chance_only():
    flat = np.zeros((1, 10, 10))
    assert top_overlap(flat, flat)[0] == pytest.approx(0.1)
    assert top_overlap(flat, maps(1, 10))[0] == pytest.approx(0.1)


def test_share_inside_leaves_out_what_speaks_against():
    a = np.array([[[1.0, 3.0], [-9.0, 4.0]], [[-1.0, -2.0], [0.0, -1.0]]])
    mask = np.array([[[True, False], [True, True]]] * 2)
    found = share_inside(a, mask)
    assert found[0] == pytest.approx(5 / 8)
    assert np.isnan(found[1])
    assert share_inside(np.ones((1, 2, 2)), mask[:1])[0] == pytest.approx(0.75)  # evenly spread: the mask's own share


def test_the_pointing_game_looks_at_the_highest_place():
    a = np.zeros((4, 3, 3))
    a[0, 1, 1] = 5
    a[1, 0, 0] = 5
    a[2, 1, 1] = a[2, 2, 2] = 7  # two highest, one of them inside
    masks = np.zeros((4, 3, 3), bool)
    masks[:, 1, 1] = True
    np.testing.assert_array_equal(pointing_game(a, masks), [1, 0, 0.5, np.nan])
    assert np.isnan(pointing_game(a[:1], masks[:1] & False))[0]


@pytest.mark.parametrize("levels", [None, 2])
def test_average_precision_is_scikit_learn_s(levels):
    a, masks = maps(levels=levels), RNG.random((6, 12, 12)) < 0.2
    a[masks] += 0.7
    expected = [average_precision_score(mask.ravel(), x.ravel()) for mask, x in zip(masks, a, strict=True)]
    np.testing.assert_allclose(average_precision(a, masks), expected, rtol=1e-12)
    np.testing.assert_allclose(average_precision(masks.astype(float), masks), 1)
    assert average_precision(np.zeros((1, 12, 12)), masks[:1])[0] == pytest.approx(masks[0].mean())
    assert np.isnan(average_precision(a[:1], masks[:1] & False))[0]


@pytest.mark.parametrize("measure", [rank_correlation, top_overlap, share_inside, pointing_game, average_precision])
def test_stacks_that_do_not_fit_are_refused(measure):
    with pytest.raises(InvalidValue):
        measure(maps(2), maps(3) > 0)
    with pytest.raises(InvalidValue):
        measure(maps(2)[0], maps(2)[0] > 0)


def test_a_share_of_pixels_must_be_one():
    for share in (0, 1, 0.0001):
        with pytest.raises(InvalidValue, match="share of pixels"):
            top_overlap(maps(), maps(), share)


def test_one_scale_reaches_over_all_maps_but_for_a_few_pixels():
    a, b = np.linspace(-1, 0, 1000).reshape(1, 20, 50), np.linspace(0, 3, 1000).reshape(1, 20, 50)
    together = reach([a, b])
    assert together == pytest.approx(np.quantile(np.abs(np.concatenate([a, b])), 0.995))
    assert reach([a]) < together < 3
    assert reach([np.zeros((1, 4, 4))]) == 1.0
    spike = np.zeros((1, 100, 100))
    spike[0, 3, 3] = 7
    assert reach([spike]) == 7
