import numpy as np
import pytest
import torch

from core.similarity.hsic import centred, cka, hsic
from core.similarity.jackknife import band, leave_out, quantile, relative_errors, standard_errors


def features(n: int, seed: int = 0) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 5, generator=random, dtype=torch.float64)
    y = x @ torch.randn(5, 7, generator=random, dtype=torch.float64) + torch.randn(n, 7, generator=random)
    return [x, y, torch.randn(n, 30, generator=random, dtype=torch.float64)]


def stacked(layers, debiased=True) -> torch.Tensor:
    matrices = [centred(x @ x.T, debiased=debiased) for x in layers]
    return torch.stack([k / k.norm() for k in matrices], 1).float()


@pytest.mark.parametrize("debiased", [True, False])
def test_leaving_an_image_out_is_computing_without_it(debiased, monkeypatch):
    n, layers = 9, features(9)
    monkeypatch.setattr("core.similarity.jackknife._AT_ONCE", 1)  # row after row
    parts = list(leave_out(stacked(layers, debiased), stacked(layers[1:], debiased), debiased=debiased))
    assert [part.rows for part in parts] == [slice(row, row + 1) for row in range(3)]
    values, without = torch.cat([part.values for part in parts]), torch.cat([part.without for part in parts], 1)
    for a, x in enumerate(layers):
        for b, y in enumerate(layers[1:]):
            assert float(values[a, b]) == pytest.approx(cka(x, y, debiased=debiased), abs=1e-6)
            for image in range(n):
                rest = torch.arange(n) != image
                assert float(without[image, a, b]) == pytest.approx(cka(x[rest], y[rest], debiased=debiased), abs=1e-5)


def test_the_error_of_a_layers_own_hsic():
    n, (x, *_) = 12, features(12)
    whole = hsic(x, x)
    parts = np.array([hsic(x[rest], x[rest]) for rest in (torch.arange(n) != image for image in range(n))])
    expected = np.sqrt((n - 1) / n * ((parts - parts.mean()) ** 2).sum()) / whole
    assert float(relative_errors(stacked([x]), None, debiased=True)[0]) == pytest.approx(expected, rel=1e-4)


def test_of_a_mean_it_is_the_textbook_error():
    x = np.random.default_rng(0).normal(size=30)
    without = torch.from_numpy((x.sum() - x) / 29)
    assert float(standard_errors(without, None)) == pytest.approx(x.std(ddof=1) / 30**0.5)
    groups = np.repeat(np.arange(10), 3)
    assert float(standard_errors(without, groups)) == pytest.approx(x.reshape(10, 3).mean(1).std(ddof=1) / 10**0.5)
    assert quantile(30, None) == pytest.approx(2.045, abs=1e-3)
    assert quantile(30, groups) == pytest.approx(2.262, abs=1e-3)
    assert np.isnan(quantile(30, np.zeros(30, int)))


def test_the_band_stays_inside_and_ends_at_one():
    low, high = band(np.array([0.0, 0.9, 1.0, -0.2, np.nan]), np.full(5, 0.1), 2.0)
    assert high[0] == pytest.approx(-low[0]) == pytest.approx(np.tanh(0.2))
    assert 0.3 < low[1] < 0.9 < high[1] < 1
    assert low[2] == high[2] == 1
    assert low[3] < -0.2 < high[3]
    assert np.isnan(low[4])


def test_the_band_holds_the_truth_about_as_often_as_it_says():
    """Linear features of Gaussian images, whose CKA is known: ‖Σxy‖² / (‖Σxx‖ ‖Σyy‖)."""
    random = np.random.default_rng(0)
    p, draws, n = 6, 250, 40
    a, b = random.normal(size=(p, 8)), random.normal(size=(p, 8))
    c = a * 0.7 + random.normal(size=(p, 8)) * 0.5
    maps = [a, b, c]
    truth = np.array(
        [[((x.T @ y) ** 2).sum() / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y) for y in maps] for x in maps]
    )
    held = np.zeros((3, 3))
    for _ in range(draws):
        images = random.standard_t(8, size=(n, p)) / (8 / 6) ** 0.5  # tails heavier than a Gaussian's
        layers = stacked([torch.from_numpy(images @ each) for each in maps])
        (part,) = leave_out(layers, layers, debiased=True)
        low, high = band(part.values.numpy(), standard_errors(part.without, None).numpy(), quantile(n, None))
        held += (low <= truth) & (truth <= high)
    between = held[~np.eye(3, dtype=bool)] / draws
    assert ((between > 0.9) & (between < 0.99)).all(), between
