import copy

import numpy as np
import pytest
import torch
from torch import nn

from core import device
from core.errors import Cancelled, InvalidValue
from core.evaluation import has_batch_norm, predict, recalibrate
from core.models import build, normalise, prunable, set_normalisation
from core.pruning import bind, magnitude
from tests.core.tiny import Tiny, image_set, pictures


@pytest.fixture(autouse=True)
def _float32(monkeypatch):
    """The reference is computed in float32; so is what is compared with it."""
    monkeypatch.setattr(device, "bfloat16_is_fast", lambda kind="cpu": False)


def network(name="tiny"):
    torch.manual_seed(0)
    model = Tiny(3) if name == "tiny" else build(name, 3)
    set_normalisation(model, (0.5, 0.4, 0.6), (0.2, 0.3, 0.25))
    with torch.no_grad():
        model.train()(2 + 3 * torch.randn(4, 3, 32, 32))  # statistics of other images, which have to be forgotten
    return model.eval()


def norms(model):
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def by_torch(model, images, batch):
    """What torch's own function makes of full batches of ``images``."""
    reference = copy.deepcopy(model)
    full = len(images) - len(images) % batch
    loader = [normalise(model, torch.from_numpy(images[first : first + batch])) for first in range(0, full, batch)]
    torch.optim.swa_utils.update_bn(loader, reference)
    return reference


@pytest.mark.parametrize("name", ["tiny", "densenet169"])
def test_equals_torchs_own_averages(name):
    model, images = network(name), pictures(9)[0]
    pruned = bind(model, magnitude(prunable(model), 0.5))
    got, expected = recalibrate(pruned, images, batch=8), by_torch(pruned, images, 8)
    assert len(images) % 8  # the short last batch is left out
    assert len(norms(got)) == len(norms(expected)) > 0
    for own, reference in zip(norms(got), norms(expected), strict=True):
        torch.testing.assert_close(own.running_mean, reference.running_mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(own.running_var, reference.running_var, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        predict(got, images, precision="float32"), predict(expected, images, precision="float32"), atol=1e-4
    )


def test_fewer_images_than_a_batch_are_one_batch():
    model, images = network(), pictures(2)[0]
    got, told = recalibrate(model, images, batch=64), []
    expected = by_torch(model, images, len(images))
    for own, reference in zip(norms(got), norms(expected), strict=True):
        torch.testing.assert_close(own.running_var, reference.running_var)
    recalibrate(model, images, batch=64, report=told.append)
    assert [(moment.done, moment.total) for moment in told] == [(6, 6)]


def test_leaves_the_original_alone_and_answers_in_evaluation_mode():
    model = network()
    before = copy.deepcopy(model.state_dict())
    got = recalibrate(model, image_set(4))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not torch.equal(norms(got)[0].running_mean, norms(model)[0].running_mean)
    assert not any(module.training for module in got.modules())
    assert norms(model)[0].momentum == 0.1


def test_without_batch_norm_it_is_a_copy():
    model = set_normalisation(Tiny(3, norm=False), (0.5,) * 3, (0.2,) * 3).eval()
    assert not has_batch_norm(model)
    assert has_batch_norm(network())
    images = pictures(2)[0]
    np.testing.assert_array_equal(predict(recalibrate(model, images), images), predict(model, images))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_are_named(count):
    with pytest.raises(InvalidValue, match="two or more"):
        recalibrate(network(), pictures(1)[0][:count])


def test_cancelling_leaves_nothing_behind():
    model = network()
    before = copy.deepcopy(model.state_dict())

    def stop(progress):
        raise Cancelled("Recalibrating")

    with pytest.raises(Cancelled):
        recalibrate(model, image_set(4), report=stop)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
