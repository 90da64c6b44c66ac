"""Networks that were not made by ``core.models.build``: laid out in another way, with fewer kinds of modules."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from core.attribution import METHODS, Explainer, attribute, check, completeness_error, stages
from core.errors import InvalidValue
from core.evaluation import predict
from core.models import set_normalisation
from core.similarity import cka_matrix
from tests.core.attribution.conftest import tiny


def plain(wrapped: bool = False) -> nn.Module:
    """The tiny network with its modules in one row, perhaps within another."""
    model = tiny()
    row = nn.Sequential(*model.features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), model.classifier)
    found = nn.Sequential(row) if wrapped else row
    return set_normalisation(found, model.mean.flatten().tolist(), model.std.flatten().tolist()).eval()


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_maps_are_those_of_the_same_network_laid_out_as_ours(method, wrapped, image):
    expected = attribute(tiny(), image, method=method, target=1)
    found = attribute(plain(wrapped), image, method=method, target=1)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert expected.std() > 0


def test_stages_end_at_pools_and_the_classifier_begins_at_the_first_linear_layer():
    row = {"stage 1": ["0", "1", "2", "3"], "stage 2": ["4", "5", "6", "7", "8"], "classifier": ["9"]}
    assert stages(plain()) == row
    assert stages(plain(wrapped=True)) == {name: [f"0.{own}" for own in names] for name, names in row.items()}
    assert stages(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))) == {"stage 1": ["0", "1"]}
    assert stages(nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)))["classifier"] == ["1"]


def test_the_randomisation_check_goes_through_all_of_it(image):
    steps = check(plain(), image, method="saliency", target=1)
    assert [step.stage for step in steps] == list(stages(plain()))[::-1]
    assert steps[-1].share == 1


def test_a_residual_network_is_explained(image):
    torch.manual_seed(0)
    model = set_normalisation(resnet18(num_classes=4), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)).eval()
    for method in ("saliency", "integrated_gradients", "grad_cam"):
        found = attribute(model, image, method=method, target=3)
        assert found.shape == image.shape[:2]
        assert np.isfinite(found).all()
    with pytest.raises(InvalidValue, match="calls one ReLU more than once"):  # which only its own code could tell apart
        attribute(model, image, method="deeplift", target=3)


class Functional(nn.Module):
    """A ReLU that is no module, so that no hook reaches it."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


@pytest.mark.parametrize("what", ["function", "gelu"])
def test_deeplift_refuses_a_network_whose_map_would_not_sum_to_the_answer(what, image):
    torch.manual_seed(0)
    rows = nn.Conv2d(3, 8, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    model = set_normalisation(Functional() if what == "function" else nn.Sequential(*rows), (0.5,) * 3, (0.2,) * 3)
    with pytest.raises(InvalidValue, match=r"cannot follow all.*integrated_gradients"):
        attribute(model.eval(), image, method="deeplift", target=1)
    explainer = Explainer(model)
    values = attribute(explainer, image, method="integrated_gradients", target=1, steps=200)
    assert completeness_error(explainer, image, values, target=1) < 0.01


def test_one_relu_in_two_places_is_explained(image):
    relu = nn.ReLU()
    rows = nn.Conv2d(3, 8, 3), relu, nn.Conv2d(8, 8, 3), relu, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    apart = [nn.ReLU() if row is relu else row for row in rows]
    for method in ("deeplift", "guided_backprop"):
        found = [
            attribute(
                set_normalisation(nn.Sequential(*own), (0.5,) * 3, (0.2,) * 3).eval(), image, method=method, target=1
            )
            for own in (rows, apart)
        ]
        assert np.array_equal(*found)


class Answers(nn.Module):
    """A network that gives something else than logits."""

    def __init__(self, given):
        super().__init__()
        self.inner, self.given = tiny(), given
        set_normalisation(self, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)).eval()

    def forward(self, x):
        return self.given(self.inner(x))


@pytest.mark.parametrize(
    ("given", "told"), [(lambda logits: (logits, logits), "a tuple"), (lambda logits: logits[:, 0], r"shape \[1\]")]
)
def test_what_is_no_logits_is_named(given, told, image):
    for method in METHODS:
        with pytest.raises(InvalidValue, match=f"gives no logits.*{told}"):
            attribute(Answers(given), image, method=method, target=0)
    with pytest.raises(InvalidValue, match="gives no logits"):
        predict(Answers(given), image[None])
    with pytest.raises(InvalidValue, match="no layer to compare"):
        cka_matrix(*2 * [set_normalisation(nn.Sequential(nn.Flatten()), (0.5,) * 3, (0.2,) * 3)], np.stack([image] * 5))


def test_what_a_network_lacks_is_named(image):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    set_normalisation(flat, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    weight = flat[1].weight[1].detach().view(3, 32, 32)
    found = attribute(flat, image, method="saliency", target=1)
    np.testing.assert_allclose(found, weight.abs().amax(0), rtol=1e-5)
    with pytest.raises(InvalidValue, match="no layer to look at"):
        attribute(flat, image, method="grad_cam", target=1)
    with pytest.raises(InvalidValue, match="no layer with weights"):
        Explainer(set_normalisation(nn.Sequential(nn.Flatten()), (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)))
