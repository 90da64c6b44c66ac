"""A network is shared by everybody: explaining it must leave no trace, and nobody's map may depend on anybody else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from core.attribution import METHODS, attribute, cam_sizes, default_stage, skeleton, stages
from core.errors import Cancelled
from core.models import prunable
from core.pruning import bind, magnitude
from core.pruning.binding import _HOOKS
from tests.core.attribution.conftest import normalised, pictures, stock, tiny


def traces(model: nn.Module) -> list:
    """Everything that hooks, flags and passes could have left on a network."""
    found = []
    for name, module in model.named_modules():
        found.append((name, module.training, getattr(module, "inplace", None), sorted(vars(module))))
        found += [(name, hooks, len(getattr(module, hooks))) for hooks in _HOOKS]
    return found + [(name, p.requires_grad, p.grad is None, p.data_ptr()) for name, p in model.named_parameters()]


@pytest.mark.parametrize("method", METHODS)
def test_a_map_leaves_no_trace_on_the_network(method, image):
    model = tiny()
    before, weights = traces(model), {name: value.clone() for name, value in model.state_dict().items()}
    attribute(model, image, method=method, target=1)
    assert traces(model) == before
    assert all(value.equal(weights[name]) for name, value in model.state_dict().items())


def test_ten_users_at_once_get_what_each_gets_alone():
    """Two networks, one pruned, and every method; the networks are the same before, while and after."""
    dense = tiny()
    networks = [dense, bind(dense, magnitude(prunable(dense), 0.6))]
    images, names = pictures(5), list(METHODS)
    work = [(networks[i % 2], images[i % 5], names[i % 7], i % 3) for i in range(70)]

    def explained(item) -> np.ndarray:
        model, image, method, target = item
        return attribute(model, image, method=method, target=target)

    before = [traces(model) for model in networks]
    alone = [explained(item) for item in work]
    start = threading.Barrier(10)
    with ThreadPoolExecutor(10, initializer=start.wait) as pool:
        together = list(pool.map(explained, work))
    assert [traces(model) for model in networks] == before
    for (_, _, method, _), a, b in zip(work, alone, together, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=method)
    for item, a in zip(work[:14], alone, strict=False):
        np.testing.assert_array_equal(explained(item), a)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_pruned_gives_exactly_the_dense_map(method, image):
    dense = tiny()
    unpruned = bind(dense, magnitude(prunable(dense), 0.0))
    np.testing.assert_array_equal(
        attribute(dense, image, method=method, target=1), attribute(unpruned, image, method=method, target=1)
    )


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_nothing_pruned_gives_exactly_the_dense_map_in_the_networks_of_the_paper(name, image):
    dense = stock(name)
    unpruned = bind(dense, magnitude(prunable(dense), 0.0))
    for method in ("grad_cam", "deeplift"):
        np.testing.assert_array_equal(
            attribute(dense, image, method=method, target=1), attribute(unpruned, image, method=method, target=1)
        )


@pytest.mark.parametrize("method", METHODS)
def test_networks_and_callers_under_inference_mode_are_explained_all_the_same(method, image):
    expected = attribute(tiny(), image, method=method, target=1)
    with torch.inference_mode():
        made_inside = tiny()
        np.testing.assert_array_equal(attribute(made_inside, image, method=method, target=1), expected)
        np.testing.assert_array_equal(attribute(tiny(), image, method=method, target=1), expected)
    with torch.no_grad():
        np.testing.assert_array_equal(attribute(tiny(), image, method=method, target=1), expected)
    np.testing.assert_array_equal(attribute(made_inside, image, method=method, target=1), expected)


@pytest.mark.parametrize("method", METHODS)
def test_progress_goes_to_the_end_and_a_cancel_stops_at_once(method, image):
    model, seen = tiny(), []
    attribute(model, image, method=method, target=1, report=seen.append)
    assert seen[-1].done == seen[-1].total
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert METHODS[method].title in seen[0].stage

    def stop(_):
        raise Cancelled("The map")

    before = traces(model)
    with pytest.raises(Cancelled):
        attribute(model, image, method=method, target=1, report=stop)
    assert traces(model) == before


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_the_skeleton_computes_the_same_with_relus_that_can_be_hooked(name, image):
    model = stock(name)
    copy = skeleton(model)
    x = normalised(model, image[None])
    calls: dict[str, int] = {}
    for module_name, module in copy.named_modules():
        if isinstance(module, nn.ReLU | nn.MaxPool2d):
            assert not getattr(module, "inplace", False)
            module.register_forward_hook(lambda *_, name=module_name: calls.__setitem__(name, calls.get(name, 0) + 1))
    with torch.no_grad():
        np.testing.assert_allclose(copy(x), model(x), rtol=1e-5, atol=1e-6)
    assert set(calls.values()) == {1}
    shared = {p.data_ptr() for p in model.parameters()}
    assert {p.data_ptr() for p in copy.parameters()} == shared
    assert not any(p.requires_grad for p in copy.parameters())
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "sizes", "layers"),
    [("vgg16", [64, 32, 16, 8, 4], [2, 2, 3, 3, 3, 1]), ("densenet169", [32, 16, 8, 4, 2], [1, 13, 25, 65, 64, 1])],
)
def test_stages_end_where_the_resolution_halves(name, sizes, layers):
    model = stock(name)
    found = stages(model)
    assert list(found) == ["stage 1", "stage 2", "stage 3", "stage 4", "stage 5", "classifier"]
    counts = [
        sum(isinstance(module, nn.Conv2d | nn.Linear) for top in names for module in model.get_submodule(top).modules())
        for names in found.values()
    ]
    assert counts == layers
    assert list(cam_sizes(skeleton(model), 64).values()) == sizes


def test_grad_cam_looks_at_the_deepest_stage_that_is_fine_enough():
    assert default_stage({"stage 1": 64, "stage 2": 14, "stage 3": 7, "stage 4": 4}) == "stage 3"
    assert default_stage({"stage 1": 6, "stage 2": 3}) == "stage 1"
