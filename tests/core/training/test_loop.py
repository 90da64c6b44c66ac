"""Training: what it learns, in which bits, and how it goes on where it was stopped."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import Cancelled, InvalidValue, TrainingFailed
from core.models import normalise, prunable
from core.progress import silent
from core.pruning import magnitude
from core.training import Settings, State, draw, fit
from tests.core.training.conftest import SETTINGS, STEPS, network, same

pytestmark = pytest.mark.usefixtures("one_thread")


def numbers(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


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


def test_reports_count_this_calls_work(sets):
    moments = []
    fit(network(), *sets, SETTINGS, stage="Learning", report=moments.append)
    assert {moment.stage for moment in moments} == {"Learning"}
    assert {moment.total for moment in moments} == {3 * STEPS}
    assert moments[-1].done == 3 * STEPS
    assert np.isfinite([moment.numbers["loss"] for moment in moments]).all()
    assert silent(moments[0]) is None
