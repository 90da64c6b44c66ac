"""Runs from end to end, with a tiny network in the place of VGG16 and drawn pictures."""

import shutil
import signal
import subprocess
import sys
import threading

import pytest
import torch

from core import checkpoints, files, runs
from core.errors import Cancelled, DataNotFound, DownloadFailed, UnknownName
from core.models import prunable, units
from core.pruning import plan
from core.recipes import dense, pruned
from core.training import fit, loop
from tests.core.tiny import CLASSES, Tiny, pictures, write_pictures

pytestmark = pytest.mark.usefixtures("tiny", "one_thread")

STUDY = "colours-32/vgg16"
METHODS = ("one_shot", "layerwise", "iterative")


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def parent(**changes):
    return dense(STUDY, **{"epochs": 2, "batch": 8, "rate": 0.05, "warmup": 0.5, **changes})


def weights_of(checkpoint):
    return {name: weight.clone() for name, weight in prunable(checkpoint.model()).items()}


def facts(checkpoint):
    """All that a run decides; not the seconds, dates and versions."""
    card = checkpoint.card
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in card.history]
    return checkpoint.state_dict(), checkpoint.masks, history, card.metrics


def assert_same(one, two):
    for a, b in zip(facts(one)[:2], facts(two)[:2], strict=True):
        assert list(a) == list(b)
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert facts(one)[2:] == facts(two)[2:]


@pytest.fixture
def budgets(monkeypatch):
    """The settings of every training that a run asks for."""
    asked = []

    def counted(model, train, validation, settings, **options):
        asked.append(settings)
        return fit(model, train, validation, settings, **options)

    monkeypatch.setattr(runs, "fit", counted)
    return asked


def test_a_dense_run_is_trained_measured_and_saved(colours):
    made = runs.run(parent(epochs=6), data=colours)
    card = made.card
    assert made.id == "colours-32/vgg16/dense"
    assert (card.study, card.method, card.sparsity, card.criterion, card.parent) == (STUDY, "dense", 0.0, None, None)
    assert card.data.class_names == CLASSES
    assert (card.zeros, card.weights) == (0, sum(w.numel() for w in prunable(Tiny(3)).values()))
    assert [row["epoch"] for row in card.history] == [1, 2, 3, 4, 5, 6]
    assert card.recipe == parent(epochs=6).as_dict()
    # Three plain colours are learnt by any network that trains at all.
    assert card.metrics["accuracy"]["estimate"] == card.metrics["validation/accuracy"]["estimate"] == 1.0
    assert card.metrics["accuracy"]["n"] == 18
    assert card.metrics["validation/balanced_accuracy"]["n"] == 12
    # The normalisation is that of the training images.
    images = pictures(12, 0)[0].astype(float) / 255
    assert card.mean == pytest.approx(images.mean((0, 1, 2)), abs=1e-6)
    assert card.std == pytest.approx(images.std((0, 1, 2)), abs=1e-6)
    assert not list(files.runs_root().rglob("*.safetensors"))


def test_asked_for_again_nothing_is_trained(colours, budgets):
    recipe = pruned(parent(), "one_shot", 0.5, epochs=1)
    made = runs.run(recipe, data=colours)
    assert [one.epochs for one in budgets] == [2, 1]
    assert runs.run(recipe, data=colours).id == made.id
    assert runs.find(recipe).card == made.card
    assert runs.find(parent()).id == made.card.parent
    assert runs.find(parent(seed=5)) is None
    # Not even if the parent is gone: nobody asked for it.
    checkpoints.delete(made.card.parent)
    assert runs.run(recipe, data=colours).id == made.id
    assert [one.epochs for one in budgets] == [2, 1]


@pytest.mark.parametrize("method", METHODS)
def test_each_method_reaches_its_sparsity_exactly_and_spends_its_budget(method, colours, budgets):
    made = runs.run(pruned(parent(), method, 0.83, epochs=3), data=colours)
    sizes = {name: weight.numel() for name, weight in prunable(Tiny(3)).items()}
    if method == "layerwise":
        expected = {name: round(0.83 * size) for name, size in sizes.items()}
        zeros = {name: int((weight == 0).sum()) for name, weight in weights_of(made).items()}
        assert zeros == expected
    assert made.card.zeros == round(0.83 * sum(sizes.values())) or method == "layerwise"
    for name, weight in weights_of(made).items():
        assert torch.equal(weight != 0, made.masks[name]), name
    assert made.card.method == method
    assert made.card.parent == "colours-32/vgg16/dense"
    assert made.card.parent_digest == checkpoints.load("colours-32/vgg16/dense").card.digest
    steps = budgets[1:]  # the first is the parent's
    assert sum(one.epochs for one in steps) == pytest.approx(3)
    assert len({one.seed for one in steps}) == len(steps)  # no step sees the images in the order of another
    assert len(steps) == {"one_shot": 1, "layerwise": 3, "iterative": 9}[method]
    sparsities = [row["sparsity"] for row in made.card.history]
    assert sparsities == sorted(sparsities)


def test_iterative_keeps_what_it_pruned(colours):
    seen = {}

    def watched(progress):
        seen.setdefault(progress.stage, None)

    made = runs.run(pruned(parent(), "iterative", 0.9, epochs=3, steps=3), data=colours, report=watched)
    rising = [row["sparsity"] for row in made.card.history if "step" in row]
    assert rising == pytest.approx([0.3, 0.6, 0.9], abs=1e-3)
    assert [row["step"] for row in made.card.history] == [1, 2, 3]
    assert [stage for stage in seen if stage.startswith("iterative")] == [
        f"iterative to {percent}%, step {step} of 3" for step, percent in ((1, 30), (2, 60), (3, 90))
    ]


def test_layerwise_starts_from_what_the_step_before_left(colours):
    recipe = pruned(parent(), "layerwise", 0.5, epochs=0)
    made, dense_one = runs.run(recipe, data=colours), runs.run(parent(), data=colours)
    model = dense_one.model()
    for step in plan("layerwise", units(model), 0.5, epochs=0):
        (name,) = step.layers
        weight = weights_of(dense_one)[name]
        threshold = weight.abs().flatten().sort().values[round(0.5 * weight.numel()) - 1]
        assert torch.equal(made.masks[name], weight.abs() > threshold)


def test_the_controls_have_names_of_their_own(colours, budgets):
    trained_on = runs.run(pruned(parent(), "dense", 0, epochs=1), data=colours)
    by_lot = runs.run(pruned(parent(), "one_shot", 0.5, epochs=1, criterion="random", seed=1), data=colours)
    usual = runs.run(pruned(parent(), "one_shot", 0.5, epochs=1, seed=1), data=colours)
    assert trained_on.id.endswith("/dense_trained_on")
    assert trained_on.card.zeros == 0
    assert by_lot.id.endswith("/one_shot-random-50")
    assert usual.id.endswith("/one_shot-50")
    assert by_lot.card.zeros == usual.card.zeros == round(0.5 * usual.card.weights)
    assert [one.epochs for one in budgets] == [2, 1, 1, 1]
    start = weights_of(runs.find(parent()))
    lost = [sum(float(start[name][~made.masks[name]].abs().sum()) for name in start) for made in (by_lot, usual)]
    assert lost[0] > 1.5 * lost[1]


class StopAt:
    """Cancels at a step of an iterative run, after a number of epochs of it."""

    def __init__(self, step, epochs):
        self.step, self.epochs = step, epochs

    def __call__(self, progress):
        if f"step {self.step} of" in progress.stage and progress.numbers["epoch"] > self.epochs:
            raise Cancelled("Training")


@pytest.mark.parametrize(("step", "epochs"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 1)])
def test_interrupted_anywhere_a_run_ends_in_the_same_bits(step, epochs, colours, tmp_path):
    # Two epochs a step. Step 2, epoch 0: the state on disk is still that of step 1, finished.
    recipe = pruned(parent(), "iterative", 0.9, epochs=6, steps=3)
    whole = runs.run(recipe, data=colours, root=tmp_path / "whole")
    runs.run(parent(), data=colours)
    with pytest.raises(Cancelled):
        runs.run(recipe, data=colours, report=StopAt(step, epochs))
    assert runs.find(recipe) is None
    moments = []
    again = runs.run(recipe, data=colours, report=moments.append)
    assert_same(whole, again)
    trained = {moment.stage for moment in moments if moment.stage.startswith("iterative")}
    assert len(trained) == 4 - step
    assert not (files.runs_root() / recipe.hash).exists()


@pytest.fixture
def steps(monkeypatch):
    """How many batches were trained on."""
    taken = []
    real = loop.stepper

    def counting(*arguments):
        step = real(*arguments)
        return lambda *batch: (taken.append(1), step(*batch))[1]

    monkeypatch.setattr(loop, "stepper", counting)
    return taken


@pytest.mark.parametrize("epochs", [2, 4, 5.4])
def test_methods_of_equal_epochs_take_equal_steps_on_few_images(epochs, colours, steps):
    runs.run(parent(), data=colours)
    found = {}
    for method in (*METHODS, "dense"):
        steps.clear()
        made = runs.run(
            pruned(parent(), method, 0 if method == "dense" else 0.9, epochs=epochs, batch=64), data=colours
        )
        found[method] = len(steps)
        phases = {"layerwise": 3, "iterative": 9}.get(method, 1)
        assert any("batches of training are fewer" in note for note in made.card.notes) == (phases > len(steps)), method
    assert set(found.values()) == {round(epochs)}  # 36 images are one batch


@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize("method", ["layerwise", "iterative"])
def test_a_run_with_steps_that_train_nothing_goes_on_in_the_same_bits(method, stop, colours, tmp_path):
    recipe = pruned(parent(), method, 0.9, epochs=3 if method == "iterative" else 2, batch=64)
    whole = runs.run(recipe, data=colours, root=tmp_path / "whole")
    runs.run(parent(), data=colours)
    told = []

    def report(progress):
        if progress.stage.startswith(method):
            told.append(progress)
            if len(told) == stop:
                raise Cancelled("Training")

    try:
        runs.run(recipe, data=colours, report=report)
    except Cancelled:
        assert runs.epochs_done(recipe) == (stop - 1 or None)
    assert_same(whole, runs.run(recipe, data=colours))


SCRIPT = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from core import runs
from core.recipes import dense
from tests.core.tiny import registered

kill = int(sys.argv[2])
told = []

def report(progress):
    if progress.stage.startswith("Training"):
        told.append(progress)
        if kill and progress.numbers["epoch"] == kill:
            os.kill(os.getpid(), signal.SIGKILL)

with registered():
    recipe = dense("colours-32/vgg16", epochs=4, batch=8, rate=0.05, warmup=0.5)
    runs.run(recipe, data=sys.argv[1], report=report)
print(len(told))
"""


def process(colours, kill=0):
    command = [sys.executable, "-c", SCRIPT, str(colours), str(kill)]
    return subprocess.Popen(command, cwd=files.PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_it_goes_on_and_ends_in_the_same_bits(colours, tmp_path):
    killed = process(colours, kill=3)
    output = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, output
    recipe = parent(epochs=4)
    assert runs.find(recipe) is None
    moments = []
    made = runs.run(recipe, data=colours, report=moments.append)
    # Two of four epochs were left.
    assert {moment.total for moment in moments if moment.stage.startswith("Training")} == {8}
    whole = runs.run(recipe, data=colours, root=tmp_path / "whole")
    assert_same(whole, made)


def test_two_processes_that_ask_at_once_make_it_once(colours):
    both = [process(colours), process(colours)]
    output = [one.communicate() for one in both]
    assert [one.returncode for one in both] == [0, 0], output
    trained = sorted(int(out) for out, _ in output)
    assert trained[0] == 0
    assert trained[1] > 0
    assert [entry.id for entry in checkpoints.list()] == ["colours-32/vgg16/dense"]


def test_a_state_of_other_images_is_not_gone_on_from(tmp_path):
    recipe = parent()
    write_pictures(tmp_path, {"train": 12, "validation": 4, "test": 6})

    def stop(progress):
        if progress.stage.startswith("Training") and progress.numbers["epoch"] == 2:
            raise Cancelled("Training")

    with pytest.raises(Cancelled):
        runs.run(recipe, data=tmp_path, report=stop)
    state = files.runs_root() / recipe.hash / "state.safetensors"
    assert state.exists()
    write_pictures(tmp_path, {"train": 16})
    moments = []
    made = runs.run(recipe, data=tmp_path, report=moments.append)
    assert {moment.total for moment in moments if moment.stage.startswith("Training")} == {2 * 6}
    assert len(made.card.history) == 2


def test_missing_data_are_named_and_leave_nothing_to_clean(tmp_path):
    with pytest.raises(UnknownName, match="colours"):
        runs.run(parent(), data=tmp_path)
    with pytest.raises(DataNotFound, match="HAM10000"):
        runs.run(dense("ham10000-64/vgg16"), data=tmp_path)
    assert checkpoints.list() == []


def test_a_seed_makes_another_checkpoint_beside_the_first(colours):
    ids = {runs.run(parent(epochs=1, seed=seed), data=colours).id for seed in (0, 1, 0)}
    assert ids == {"colours-32/vgg16/dense", f"colours-32/vgg16/dense-{parent(epochs=1, seed=1).hash[:8]}"}


def test_who_waits_is_told_and_does_not_mind_that_the_folder_goes(tmp_path):
    folder, moments, held = tmp_path / "runs" / "hash", [], []

    def wait():
        with runs._alone(folder, moments.append):
            held.append(folder.exists())

    waiting = threading.Thread(target=wait)
    with runs._alone(folder, moments.append):
        waiting.start()
        waiting.join(1.3)
        assert held == []
        assert [moment.stage for moment in moments] == ["Waiting for another process that makes this run"]
        shutil.rmtree(folder)
    waiting.join(10)
    assert held == [True]


def test_a_run_that_starts_from_imagenet_says_where_the_weights_go_without_a_network(colours, monkeypatch):
    import torchvision

    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models.VGG16_BN_Weights, "get_state_dict", no_network)
    with pytest.raises(DownloadFailed, match="train from scratch"):
        runs.run(parent(start="imagenet"), data=colours)
    assert runs.find(parent(start="imagenet")) is None
