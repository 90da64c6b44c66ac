"""Networks in half and double precision are explained in float32 and stay as they are."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from core.attribution import METHODS, Explainer, attribute, check, examine, infidelity, sensitivity, skeleton
from core.errors import InvalidValue
from core.evaluation import predict
from core.models import build
from tests.core.attribution.conftest import stock, tiny
from tests.core.attribution.test_sharing import traces

PRECISIONS = (torch.float64, torch.float16, torch.bfloat16)


def converted(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    return copy.deepcopy(model).to(dtype)


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_both_networks_in_any_precision_get_the_map_of_their_weights_in_float32(name, dtype, image):
    model = converted(stock(name), dtype)
    before, weights = traces(model), {key: value.clone() for key, value in model.state_dict().items()}
    for method in ("saliency", "deeplift", "grad_cam"):
        found = attribute(model, image, method=method, target=1)
        expected = attribute(copy.deepcopy(model).float(), image, method=method, target=1)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected, err_msg=method)
    assert predict(model, image[None]).shape == (1, 7)
    assert traces(model) == before
    assert {value.dtype for value in (*model.parameters(), model.mean, model.std)} == {dtype}
    assert all(value.equal(weights[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_a_network_in_double_precision(method, image):
    model = tiny()
    expected = attribute(model, image, method=method, target=1)
    np.testing.assert_array_equal(attribute(model.double(), image, method=method, target=1), expected)


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
def test_maps_of_networks_in_any_precision_can_be_checked(dtype, image):
    model = converted(tiny(), dtype)
    explainer = Explainer(model)
    own = attribute(explainer, image, method="deeplift", target=1)
    assert 0 <= infidelity(explainer, image, own, target=1, samples=8) <= 1
    assert sensitivity(explainer, image, method="deeplift", target=1, samples=2) > 0
    assert examine(model, image, own, method="deeplift", target=1).missing < 1e-4
    assert len(check(model, image, method="saliency", target=1)) == 3
    assert {p.dtype for p in model.parameters()} == {dtype}


@pytest.mark.parametrize("missing", [("mean",), ("std",), ("mean", "std")])
@pytest.mark.parametrize("name", ["tiny", "vgg16", "densenet169"])
def test_a_network_without_mean_or_std_is_told_what_it_lacks(name, missing, image):
    model = tiny() if name == "tiny" else build(name, 3)
    for buffer in missing:
        delattr(model, buffer)
    for work in (Explainer, skeleton, lambda given: attribute(given, image, method="saliency", target=1)):
        with pytest.raises(InvalidValue, match=f"without {' and '.join(missing)}.*set_normalisation"):
            work(model)
