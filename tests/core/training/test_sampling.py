import numpy as np
import pytest

from core.training import calibration_rows, draw

LABELS = np.repeat([0, 1, 2, 4], [400, 100, 25, 4])  # class 3 has no image


def test_without_balance_every_image_comes_once():
    rows = draw(LABELS, len(LABELS), balance=0, seed=0, epoch=0)
    assert sorted(rows) == list(range(len(LABELS)))
    assert list(rows) != sorted(rows)


def test_without_balance_every_image_comes_once_before_any_comes_twice():
    rows = draw(LABELS, 2 * len(LABELS) + 50, balance=0, seed=0, epoch=0)
    seen = np.bincount(rows, minlength=len(LABELS))
    assert seen.min() == 2
    assert seen.max() == 3
    first = rows[: len(LABELS)]
    assert len(set(first)) == len(LABELS)


@pytest.mark.parametrize("balance", [0.5, 1.0])
def test_balance_draws_classes_in_proportion_to_a_power_of_their_counts(balance):
    count = 20_000
    rows = draw(LABELS, count, balance=balance, seed=1, epoch=0)
    sizes = np.array([400, 100, 25, 4]) ** (1 - balance)
    shares = sizes / sizes.sum()
    seen = np.bincount(LABELS[rows], minlength=5)[[0, 1, 2, 4]]
    sigma = np.sqrt(count * shares * (1 - shares))
    assert (np.abs(seen - count * shares) < 4 * sigma).all(), (seen, count * shares)
    # Within a class all images are alike.
    within = np.bincount(rows[LABELS[rows] == 1], minlength=500)[400:]
    assert within.min() > 0
    assert within.max() < 2 * within.mean()


@pytest.mark.parametrize("balance", [0, 0.5])
def test_a_draw_has_a_name(balance):
    def rows(seed, epoch):
        return draw(LABELS, 300, balance=balance, seed=seed, epoch=epoch).tolist()

    assert rows(0, 1) == rows(0, 1)
    assert len({tuple(rows(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


@pytest.mark.parametrize(
    ("recipe", "balance"), [({"training": {"balance": 0.5}}, 0.5), ({}, 0), ({"training": None}, 0)]
)
def test_batch_norm_is_recalibrated_on_the_same_images_everywhere(recipe, balance):
    """Stored answers rest on these very rows: another draw would be another network."""
    labels = np.repeat(LABELS, 3)
    random = np.random.default_rng([0, 0])
    weights = (1 / np.array([1200.0, 300, 75, 1, 12])) ** balance
    shares = weights[labels] / weights[labels].sum()
    wanted = random.choice(len(labels), 1024, p=shares) if balance else random.permutation(len(labels))[:1024]
    np.testing.assert_array_equal(calibration_rows(labels, recipe), wanted)
    assert len(calibration_rows(LABELS[:40], recipe)) == 40
