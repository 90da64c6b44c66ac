"""The checks of a map: each against what is known of a network made for the test."""

import numpy as np
import pytest
import torch
from torch import nn

from core import attribution
from core.attribution import Explainer, attribute, completeness_error, examine, infidelity, randomised, sensitivity
from core.attribution.faithfulness import _squares
from core.attribution.randomisation import check, half
from core.errors import Cancelled, UnknownName
from core.models import layers, prunable, set_normalisation
from core.pruning import bind, magnitude
from tests.core.attribution.conftest import normalised, stock, tiny


class Linear(nn.Module):
    """A logit that is a weighted sum of the pixels: its contributions are known, and no square hides another."""

    def __init__(self, size: int = 32):
        super().__init__()
        torch.manual_seed(1)
        self.features = nn.Sequential(nn.Identity())
        self.classifier = nn.Linear(3 * size * size, 2)
        set_normalisation(self, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def test_a_linear_network_s_contributions_are_faithful(image):
    model = Linear()
    explainer = Explainer(model)
    x = normalised(model, image[None])[0].numpy()
    weight = model.classifier.weight[1].detach().numpy().reshape(3, 32, 32)
    found = attribute(model, image, method="integrated_gradients", target=1)
    np.testing.assert_allclose(found, (weight * x).sum(axis=0), atol=1e-5)
    assert infidelity(explainer, image, found, target=1) == pytest.approx(0, abs=1e-6)
    assert infidelity(explainer, image, 7 * found, target=1) == pytest.approx(0, abs=1e-6)  # no matter the unit
    assert infidelity(explainer, image, -found, target=1) == 1  # the opposite of the truth
    assert infidelity(explainer, image, np.zeros((32, 32)), target=1) == 1
    assert completeness_error(explainer, image, found, target=1) < 1e-5
    more = found + 0.01  # 1,024 pixels hand out 10.24 too much
    expected = 10.24 / np.abs(more).sum()
    assert completeness_error(explainer, image, more, target=1) == pytest.approx(expected, rel=1e-4)
    assert np.isnan(completeness_error(explainer, image, 0 * found, target=1))


def test_infidelity_is_its_formula(image):
    """The squared error at the best positive scale over that of foretelling nothing, with the same squares."""
    model, explainer = tiny(), Explainer(tiny(), memory=1)  # in batches of one, too
    found = attribute(model, image, method="occlusion", target=2)
    squares = _squares(20, (32, 32), 4).numpy()
    x = normalised(model, image[None])
    with torch.no_grad():
        covered = torch.cat([x * ~torch.from_numpy(square) for square in squares])
        change = (model(x)[0, 2] - model(covered)[:, 2]).double().numpy()
    foretold = np.array([found[square].sum(dtype=np.float64) for square in squares])
    scale = max(0, (foretold @ change) / (foretold @ foretold))
    expected = ((scale * foretold - change) ** 2).mean() / (change**2).mean()
    assert 0 < expected < 1
    assert infidelity(explainer, image, found, target=2, samples=20, seed=4) == pytest.approx(expected, rel=1e-3)
    assert infidelity(Explainer(model), image, found, target=2, samples=20, seed=4) == pytest.approx(expected, rel=1e-3)


def test_squares_are_inside_and_of_all_sizes():
    squares = _squares(200, (40, 30), 0).numpy()
    heights, widths = squares.any(axis=2).sum(axis=1), squares.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(heights, widths)
    np.testing.assert_array_equal(squares.sum(axis=(1, 2)), heights * widths)
    assert set(heights) == set(range(3, 16))


def test_sensitivity_is_the_largest_change_of_the_map(image):
    model, explainer = tiny(), Explainer(tiny())
    random = torch.Generator().manual_seed(3)
    x = normalised(model, image[None])
    reach = (0.05 / model.std).view(1, 3, 1, 1)
    near = x + reach * (2 * torch.rand((4, 3, 32, 32), generator=random) - 1)

    def saliency(images):
        images = images.clone().requires_grad_()
        model(images)[:, 1].sum().backward()
        return images.grad.abs().amax(dim=1)

    own = saliency(x)
    expected = max(float((saliency(some[None]) - own).norm() / own.norm()) for some in near)
    found = sensitivity(explainer, image, method="saliency", target=1, samples=4, radius=0.05, seed=3)
    assert found == pytest.approx(expected, rel=1e-3)
    linear = Explainer(Linear())
    assert sensitivity(linear, image, method="saliency", target=1) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients", "deeplift", "grad_cam"])
def test_every_kind_of_method_has_a_sensitivity(method, image):
    assert 0 < sensitivity(Explainer(tiny()), image, method=method, target=1, samples=2) < 2


def test_randomised_stages_are_new_and_the_others_are_shared():
    model = tiny()
    with torch.no_grad():
        model.features[1].running_mean.fill_(3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    other = randomised(model, ["classifier", "stage 2"], seed=1)
    changed = {name for name, value in other.state_dict().items() if not value.equal(before[name])}
    assert {"features.4.weight", "classifier.weight", "features.5.running_var"} <= changed
    assert not any(name.startswith(("features.0", "features.1.")) for name in changed)
    assert other.features[0].weight.data_ptr() == model.features[0].weight.data_ptr()
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    again, another = (randomised(model, ["classifier"], seed=seed) for seed in (1, 2))
    assert again.classifier.weight.equal(other.classifier.weight)
    assert not another.classifier.weight.equal(other.classifier.weight)


@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_random_weights_have_the_spread_of_untrained_ones_and_the_zeros_of_pruned_ones(sparsity):
    model = stock("vgg16")
    pruned = bind(model, magnitude(prunable(model), sparsity, scope="layer"))
    other = randomised(pruned, ["stage 5"], seed=0)
    for name in ("features.34", "features.40"):
        was, now = (layers(network)[name].weight.detach() for network in (pruned, other))
        assert now.ne(0).equal(was.ne(0))
        # A unit adds up 512 × 9 products, of which the kept ones have to bring the whole variance, 2 (He et al. 2015).
        assert float(now.square().sum(dim=(1, 2, 3)).mean()) == pytest.approx(2, rel=0.05)


def test_the_cascade_goes_from_the_output_to_the_input(image):
    steps = check(tiny(), image, method="saliency", target=1)
    assert [step.stage for step in steps] == ["classifier", "stage 2", "stage 1"]
    assert [step.share for step in steps] == pytest.approx([1 / 3, 2 / 3, 1])
    assert steps[-1].randomised == ("classifier", "stage 2", "stage 1")
    one = attribute(randomised(tiny(), ["classifier"]), image, method="saliency", target=1)
    own = attribute(tiny(), image, method="saliency", target=1)
    assert steps[0].correlation == pytest.approx(attribution.rank_correlation(own[None], one[None])[0])
    alone = check(tiny(), image, method="saliency", target=1, kind="independent")
    assert [step.randomised for step in alone] == [("classifier",), ("stage 2",), ("stage 1",)]
    assert alone[0].correlation == pytest.approx(steps[0].correlation)
    with pytest.raises(UnknownName, match="cascading"):
        check(tiny(), image, method="saliency", target=1, kind="both")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("vgg16", ["classifier", "stage 5", "stage 4"]), ("densenet169", ["classifier", "stage 5", "stage 4"])],
)
def test_the_upper_half_of_the_networks(name, expected):
    assert half(stock(name)) == expected


class Edges(nn.Module):
    """A network whose map is the picture's own whatever its upper layers are: one channel carries it through."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.features = nn.Sequential(nn.Conv2d(3, 1, 3, padding=1), nn.ReLU(), nn.Conv2d(1, 1, 1), nn.AvgPool2d(32))
        self.classifier = nn.Linear(1, 3)
        set_normalisation(self, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def test_a_map_that_survives_random_weights_fails(image, monkeypatch):
    monkeypatch.setattr("core.attribution.randomisation.half", lambda _: ["classifier"])
    model = Edges()
    own = attribute(model, image, method="saliency", target=0)
    found = examine(model, image, own, method="saliency", target=0)
    assert found.likeness == pytest.approx(1)
    assert found.failures == ("randomisation",)
    assert not found.passed
    assert found.missing is None


def test_a_map_of_what_was_learnt_passes(image):
    """Six independent pixels' weights against new ones: nothing is left of the map."""
    model = Linear()
    own = attribute(model, image, method="integrated_gradients", target=1)
    found = examine(model, image, own, method="integrated_gradients", target=1)
    assert abs(found.likeness) < 0.2
    assert found.missing < 1e-3
    assert found.passed
    assert found.networks == 3
    off = examine(model, image, own + 0.02, method="integrated_gradients", target=1)
    assert off.failures == ("completeness",)
    assert off.missing == pytest.approx(20.48 / np.abs(own + 0.02).sum(), rel=1e-3)


def test_an_empty_map_fails(image):
    found = examine(tiny(), image, np.zeros((32, 32)), method="grad_cam", target=1)
    assert found.failures == ("empty",)
    assert np.isnan(found.likeness)


def test_checks_can_be_cancelled(image):
    def stop(_):
        raise Cancelled("The check")

    explainer, own = Explainer(tiny()), np.ones((32, 32))
    for work in (
        lambda: examine(tiny(), image, own, method="saliency", target=1, report=stop),
        lambda: check(tiny(), image, method="saliency", target=1, report=stop),
        lambda: infidelity(explainer, image, own, target=1, report=stop),
        lambda: sensitivity(explainer, image, method="saliency", target=1, report=stop),
    ):
        with pytest.raises(Cancelled):
            work()
