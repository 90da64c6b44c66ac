import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import Cancelled, InvalidValue, TrainingFailed
from core.models import normalise, prunable, set_normalisation
from core.progress import silent
from core.pruning import magnitude
from core.training import Settings, State, draw, fit, learning_rate, shared_steps, steps_per_epoch
from tests.core.tiny import Tiny, image_set

SETTINGS = Settings(epochs=3, rate=0.05, warmup=0.5, batch=8, augment="dermoscopy", balance=0.5)
STEPS = round(36 / 8)  # an epoch of 36 images


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def sets():
    return image_set(12, 0), image_set(4, 1, "validation")


def network(seed=0):
    torch.manual_seed(seed)
    return set_normalisation(Tiny(3), (0.5,) * 3, (0.25,) * 3).eval()


def numbers(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_learns_what_can_be_learnt(sets):
    history = fit(network(), *sets, Settings(epochs=8, rate=0.05, batch=6, augment="none", balance=0))
    assert [row["epoch"] for row in history] == list(range(1, 9))
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["accuracy"] == history[-1]["balanced_accuracy"] == 1.0


def test_the_same_seed_gives_the_same_bits_and_another_does_not(sets):
    runs = []
    for seed in (0, 0, 1):
        model = network()
        torch.rand(seed + 3)  # whatever was drawn before does not matter
        runs.append((model, fit(model, *sets, Settings(**{**SETTINGS.as_dict(), "seed": seed}))))
    assert same(runs[0][0], runs[1][0])
    assert numbers(runs[0][1]) == numbers(runs[1][1])
    assert not same(runs[0][0], runs[2][0])


def test_leaves_the_global_random_state_alone(sets):
    torch.manual_seed(9)
    expected = torch.rand(3)
    model = network()
    torch.manual_seed(9)
    fit(model, *sets, SETTINGS)
    assert torch.equal(torch.rand(3), expected)


def test_zeros_are_zero_at_every_step_and_in_the_saved_state(sets, tmp_path):
    model = network()
    masks = magnitude(prunable(model), 0.7)
    seen = []

    def look(module, inputs):
        zero = all((weight[~masks[name]] == 0).all() for name, weight in prunable(module).items())
        seen.append(zero)

    model.register_forward_pre_hook(look)
    start = {name: weight.clone() for name, weight in prunable(model).items()}
    fit(model, *sets, SETTINGS, masks=masks, state=State(tmp_path / "s", "run"))
    assert seen == [True] * (3 * STEPS)
    for name, weight in prunable(model).items():
        assert (weight[~masks[name]] == 0).all()
        assert not torch.equal(weight[masks[name]], start[name][masks[name]])  # the others did learn
    saved = network()
    State(tmp_path / "s", "run").load(saved, torch.optim.SGD(saved.parameters(), lr=0.1, momentum=0.9))
    assert all((weight[~masks[name]] == 0).all() for name, weight in prunable(saved).items())
    assert same(saved, model)


def test_every_epoch_trains_in_training_mode(sets):
    model, modes = network(), []
    model.dropout.register_forward_hook(lambda module, *_: modes.append(module.training))

    def freeze(progress):  # as an evaluation between two epochs may
        if progress.done % 9 == 0:
            model.eval()

    fit(model, *sets, Settings(epochs=3, batch=4, augment="none"), report=freeze)
    assert modes == [True] * 27
    assert model.features[1].num_batches_tracked == 27
    assert not model.training


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


class Stop:
    """A report that cancels at a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, progress):
        if progress.numbers["epoch"] == self.step:
            raise Cancelled("Training")


def test_batch_norm_is_estimated_anew_on_images_as_training_draws_them(sets):
    settings = replace(SETTINGS, balance=1.0, precise=24)
    lagging, precise = network(), network()
    running = fit(lagging, *sets, replace(settings, precise=0))
    found = fit(precise, *sets, settings)
    # The weights are the same: training itself normalises by the batch.
    assert all(torch.equal(weight, prunable(lagging)[name]) for name, weight in prunable(precise).items())
    assert [row["loss"] for row in found] == [row["loss"] for row in running]
    rows = draw(sets[0].labels, 24, balance=1.0, seed=settings.seed, epoch=2)
    first = next(module for module in precise.modules() if isinstance(module, nn.BatchNorm2d))
    seen = []
    handle = first.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].double()))
    with torch.no_grad():
        precise(normalise(precise, torch.from_numpy(np.asarray(sets[0].images)[rows])))
    handle.remove()
    # In bfloat16, where the processor has it.
    torch.testing.assert_close(first.running_mean.double(), seen[0].mean((0, 2, 3)), atol=0.02, rtol=0.02)
    torch.testing.assert_close(first.running_var.double(), seen[0].var((0, 2, 3)), atol=0.02, rtol=0.02)
    other = next(module for module in lagging.modules() if isinstance(module, nn.BatchNorm2d))
    assert not torch.allclose(other.running_var.double(), seen[0].var((0, 2, 3)), atol=0.02, rtol=0.02)


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("precise", [0, 12])
def test_an_interrupted_run_ends_in_the_same_bits(sets, tmp_path, epoch, pruned, precise):
    settings = replace(SETTINGS, precise=precise)
    whole, parts = network(), network()
    masks = magnitude(prunable(whole), 0.6) if pruned else None
    expected = fit(whole, *sets, settings, masks=masks)
    with pytest.raises(Cancelled):
        fit(parts, *sets, settings, masks=masks, state=State(tmp_path / "s", "run"), report=Stop(epoch))
    again = network(seed=7)  # a new process knows nothing of the old one's weights
    if epoch == 1:
        assert not (tmp_path / "s").exists()
        again = network()
    moments = []
    history = fit(again, *sets, settings, masks=masks, state=State(tmp_path / "s", "run"), report=moments.append)
    assert same(whole, again)
    assert numbers(history) == numbers(expected)
    assert moments[-1].done == moments[-1].total == (4 - epoch) * STEPS
    # Once more finds it finished.
    moments.clear()
    final = network(seed=8)
    assert numbers(
        fit(final, *sets, settings, masks=masks, state=State(tmp_path / "s", "run"), report=moments.append)
    ) == (numbers(expected))
    assert not moments
    assert same(whole, final)


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_epoch(sets, tmp_path):
    model = network()

    def poison(progress):
        if progress.numbers["epoch"] == 2:
            with torch.no_grad():
                model.classifier.weight[0, 0] = math.nan

    with pytest.raises(TrainingFailed, match="after 1 finished epoch,"):
        fit(model, *sets, SETTINGS, state=State(tmp_path / "s", "run"), report=poison)
    kept = network()
    optimizer = torch.optim.SGD(kept.parameters(), lr=0.1, momentum=0.9)
    history = State(tmp_path / "s", "run").load(kept, optimizer)
    # The poison came with the second epoch's last step: its loss was fine, its weights are not.
    assert [row["epoch"] for row in history] == [1]
    assert all(value.isfinite().all() for value in kept.state_dict().values())


def test_nothing_to_train_on_and_foreign_masks_are_named(sets):
    train, validation = sets
    with pytest.raises(InvalidValue, match="nothing to train on"):
        fit(network(), train.take([]), validation, SETTINGS)
    with pytest.raises(InvalidValue, match=r"another network.*features\.9"):
        fit(network(), train, validation, SETTINGS, masks={"features.9": torch.ones(3, dtype=torch.bool)})
    with pytest.raises(InvalidValue, match=r"\[16, 8, 3, 3\]"):
        fit(network(), train, validation, SETTINGS, masks={"features.4": torch.ones(3, dtype=torch.bool)})


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


def test_reports_count_this_calls_work(sets):
    moments = []
    fit(network(), *sets, SETTINGS, stage="Learning", report=moments.append)
    assert {moment.stage for moment in moments} == {"Learning"}
    assert {moment.total for moment in moments} == {3 * STEPS}
    assert moments[-1].done == 3 * STEPS
    assert np.isfinite([moment.numbers["loss"] for moment in moments]).all()
    assert silent(moments[0]) is None


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
