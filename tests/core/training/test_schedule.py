"""How many steps are taken, at which rate and with which decay."""

import pytest
import torch
from torch import nn

from core.models import prunable
from core.pruning import magnitude
from core.training import Settings, fit, learning_rate, shared_steps, steps_per_epoch
from tests.core.training.conftest import SETTINGS, STEPS, network, same

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_budget_may_be_a_fraction(sets):
    model = network()
    history = fit(model, *sets, Settings(epochs=1.5, batch=8, augment="none"))
    assert model.features[1].num_batches_tracked == round(1.5 * STEPS)
    assert [row["epoch"] for row in history] == [1, 1.5]


def test_no_epochs_only_apply_the_masks(sets):
    model = network()
    masks = magnitude(prunable(model), 0.5)
    expected = {name: weight * masks[name] for name, weight in prunable(model).items()}
    assert fit(model, *sets, Settings(epochs=0), masks=masks) == []
    assert all(torch.equal(weight, expected[name]) for name, weight in prunable(model).items())


def test_the_learning_rate_rises_and_then_follows_torchs_cosine():
    settings = Settings(epochs=10, rate=0.1, warmup=2, floor=0.05)
    per_epoch, total = 7, 70
    rates = [learning_rate(step, total, per_epoch, settings) for step in range(total)]
    assert rates[:14] == pytest.approx([0.1 * (step + 1) / 14 for step in range(14)])
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=56, eta_min=0.1 * 0.05)
    for rate in rates[14:]:
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6)
        optimizer.step()
        schedule.step()


def test_the_rate_of_the_schedule_is_the_rate_that_is_used(sets):
    model, settings = network(), Settings(epochs=2, rate=0.08, warmup=1, batch=8, momentum=0, decay=0, augment="none")
    weights, gradients = [], []
    bias = model.classifier.bias
    model.register_forward_pre_hook(lambda *_: weights.append(bias.detach().clone()))
    bias.register_hook(lambda gradient: gradients.append(gradient.clone()))
    fit(model, *sets, settings)
    weights.append(bias.detach().clone())
    for step, gradient in enumerate(gradients):
        rate = learning_rate(step, 2 * STEPS, STEPS, settings)
        torch.testing.assert_close(weights[step] - weights[step + 1], rate * gradient, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("of_norms", [0.0, 0.25])
def test_decay_acts_on_weights_on_scales_if_asked_and_on_no_bias(sets, of_norms):
    plain, decayed = network(), network()
    nothing = {"epochs": 1, "batch": 36, "warmup": 0, "momentum": 0, "augment": "none", "balance": 0, "rate": 0.1}
    # One step of 36 images: the gradients are the same, so what differs is the decay.
    fit(plain, *sets, Settings(**nothing, decay=0))
    fit(decayed, *sets, Settings(**nothing, decay=0.5, norm_decay=of_norms))
    start = network()
    scales = {f"{name}.weight" for name, module in start.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert scales
    for (name, before), one, two in zip(
        start.named_parameters(), plain.parameters(), decayed.parameters(), strict=True
    ):
        strength = of_norms if name in scales else 0.5 if before.ndim > 1 else 0.0
        expected = 0.1 * strength * before
        torch.testing.assert_close(one - two, expected.detach(), rtol=1e-4, atol=1e-6, msg=name)


def test_a_part_of_a_run_takes_as_many_steps_as_it_is_told(sets):
    moments = []
    history = fit(network(), *sets, SETTINGS, steps=STEPS + 1, report=moments.append)
    assert moments[-1].total == STEPS + 1
    assert [row["epoch"] for row in history] == [1, pytest.approx((STEPS + 1) / STEPS, abs=1e-4)]
    untouched = network()
    assert fit(untouched, *sets, SETTINGS, steps=0) == []
    assert same(untouched, network())


@pytest.mark.parametrize("images", [1, 36, 80, 150, 7000, 50_000])
@pytest.mark.parametrize("epochs", [0, 0.1, 1, 2.5, 6, 8, 30])
def test_however_a_budget_is_divided_it_is_spent(images, epochs):
    per_epoch = steps_per_epoch(images, 64)
    whole = round(epochs * per_epoch)
    for count in (1, 2, 3, 7, 8, 9, 16, 169):
        share = epochs / count
        parts = [share] * (count - 1)
        parts.append(max(0.0, epochs - sum(parts)))
        steps = shared_steps(epochs, parts, per_epoch)
        assert len(steps) == count
        assert sum(steps) == whole, count
        assert min(steps) >= 0
        # As each part by itself, up to rounding; and no part is far from its share.
        assert all(abs(one - share * per_epoch) <= 1 for one in steps)
    # Whole epochs a part, as most recipes have them: the same as before parts shared their rounding.
    assert shared_steps(8, [1.0] * 8, per_epoch) == [per_epoch] * 8
