import numpy as np
import pytest
from scipy.stats import ks_2samp

from core.errors import InvalidValue, UnknownName
from core.evaluation.bootstrap import cluster_bootstrap, resample


def share(sums):
    return sums[..., 0] / sums[..., 1]


@pytest.fixture(scope="module")
def counts():
    random = np.random.default_rng(3)
    sizes = random.integers(1, 5, 80)
    return np.stack([random.binomial(sizes, random.random(80)), sizes], axis=1)


def test_agrees_with_a_plain_loop(counts):
    random = np.random.default_rng(4)
    plain = []
    for _ in range(3000):
        taken = [counts[random.integers(len(counts))] for _ in counts]
        plain.append(sum(row[0] for row in taken) / sum(row[1] for row in taken))
    ours = share(resample(counts, draws=3000, seed=5))
    assert ks_2samp(plain, ours).pvalue > 0.01
    assert np.quantile(ours, [0.025, 0.975]) == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.006)


def test_every_draw_takes_as_many_lesions_as_there_are():
    sums = resample(np.ones((70, 1)), draws=300)
    assert (sums == 70).all()
    single = resample(np.eye(70), draws=300)
    assert single.var() == pytest.approx(1 - 1 / 70, rel=0.05)  # a multinomial count with mean 1


def test_the_seed_decides(counts):
    one, again, other = (resample(counts, draws=50, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_interval(counts):
    interval = cluster_bootstrap(counts, share, n=200, draws=400, seed=1)
    drawn = share(resample(counts, draws=400, seed=1))
    assert interval.estimate == counts[:, 0].sum() / counts[:, 1].sum()
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert (interval.n, interval.method) == (200, "cluster bootstrap 95%, 400 draws")
    basic = cluster_bootstrap(counts, share, n=200, draws=400, seed=1, kind="basic")
    assert basic.low == pytest.approx(2 * interval.estimate - interval.high)
    assert basic.high == pytest.approx(2 * interval.estimate - interval.low)
    narrow = cluster_bootstrap(counts, share, n=200, draws=400, seed=1, confidence=0.5)
    assert interval.low < narrow.low < narrow.high < interval.high


def test_one_lesion_has_no_interval():
    interval = cluster_bootstrap(np.array([[3, 4]]), share, n=4)
    assert (interval.estimate, interval.low, interval.high) == (0.75, None, None)
    assert interval.method.startswith("no interval")


def test_what_is_wrong_is_named(counts):
    with pytest.raises(InvalidValue, match=r"\[0, 2\]"):
        resample(np.empty((0, 2)))
    with pytest.raises(InvalidValue, match="draws"):
        resample(counts, draws=0)
    with pytest.raises(InvalidValue, match="confidence"):
        cluster_bootstrap(counts, share, n=1, confidence=95)
    with pytest.raises(UnknownName, match="percentile"):
        cluster_bootstrap(counts, share, n=1, kind="percentil")


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True, None])
def test_a_seed_is_whole_and_from_zero(seed):
    with pytest.raises(InvalidValue, match="no seed"):
        resample(np.ones((5, 1)), seed=seed)
