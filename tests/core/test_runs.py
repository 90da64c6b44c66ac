"""What runs make, from end to end, with a tiny network in the place of VGG16 and drawn pictures."""

import shutil
from dataclasses import replace

import pytest
import torch

from core import checkpoints, files, paths, runs, sweeps
from core.errors import CheckpointMismatch, DataNotFound, DownloadFailed, InvalidValue, StorageFull, UnknownName
from core.models import prunable, units
from core.pruning import plan
from core.recipes import dense, pruned
from core.training import fit, loop
from tests.core.tiny import CLASSES, STUDY, Tiny, parent, pictures, write_pictures

pytestmark = pytest.mark.usefixtures("tiny", "one_thread")
METHODS = ("one_shot", "layerwise", "iterative")


def weights_of(checkpoint):
    return {name: weight.clone() for name, weight in prunable(checkpoint.model()).items()}


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


def test_a_network_of_other_images_does_not_pass_for_one_of_these(tmp_path):
    made = runs.run(parent(), data=write_pictures(tmp_path))
    (tmp_path / "colours" / "train" / CLASSES[0] / "0.png").unlink()
    with pytest.raises(CheckpointMismatch, match="not those that colours-32/vgg16/dense was made from"):
        runs.run(parent(), data=tmp_path)
    shutil.rmtree(
        tmp_path / "colours"
    )  # without images there is nothing to compare, and the network is wanted all the same
    assert runs.run(parent(), data=tmp_path).id == made.id


def test_of_a_dense_network_trained_anew_the_pruned_one_is_made_anew(colours, budgets):
    recipe = pruned(parent(), "one_shot", 0.5, epochs=1)
    first = runs.run(recipe, data=colours)
    checkpoints.delete(first.card.parent)
    # The same recipe on another machine is another network; here another note stands for that.
    other = runs.run(parent(), data=colours)
    replaced = checkpoints.save(other.model(), replace(other.card, notes=["another training"], digest=""), masks=None)
    assert replaced.id == first.card.parent
    (dense,) = [entry for entry in checkpoints.list() if entry.card.method == "dense"]
    assert runs.find(recipe) is None
    again = runs.run(recipe, data=colours)
    assert again.card.parent_digest == dense.card.digest
    assert [entry.id for entry in paths.of(STUDY)["one_shot"].entries] == [dense.id, again.id]
    assert [item.id for item in sweeps.plan([recipe])] == [again.id]
    assert runs.find(recipe).id == again.id


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


def test_what_a_card_holds_of_a_recipe_is_one_and_anything_else_is_named(colours, budgets):
    made = runs.run(parent(epochs=1), data=colours)
    again = runs.run(made.card.recipe, data=colours)
    assert again.card.digest == made.card.digest
    assert len(budgets) == 1
    for what in (None, STUDY, 3):
        with pytest.raises(InvalidValue, match="This is no recipe"):
            runs.run(what)


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


def test_missing_data_are_named_and_leave_nothing_to_clean(tmp_path):
    with pytest.raises(UnknownName, match="colours"):
        runs.run(parent(), data=tmp_path)
    with pytest.raises(DataNotFound, match="HAM10000"):
        runs.run(dense("ham10000-64/vgg16"), data=tmp_path)
    assert checkpoints.list() == []


def test_a_place_that_takes_no_checkpoint_is_told_before_training(colours, budgets, tmp_path, monkeypatch):
    recipe = pruned(dense(STUDY, epochs=2), "one_shot", 0.5, epochs=1)
    blocked, real = tmp_path / "mounted read-only", files.check_takes_files

    def takes(folder):
        if folder.is_relative_to(blocked):
            raise StorageFull("Could not write files", given=f"Read-only file system in {folder}")
        real(folder)

    monkeypatch.setattr(files, "check_takes_files", takes)
    with pytest.raises(StorageFull, match="Read-only"):
        runs.run(recipe, data=colours, root=blocked)
    assert budgets == []
    assert not files.runs_root().exists() or list(files.runs_root().iterdir()) == []


def test_a_seed_makes_another_checkpoint_beside_the_first(colours):
    ids = {runs.run(parent(epochs=1, seed=seed), data=colours).id for seed in (0, 1, 0)}
    assert ids == {"colours-32/vgg16/dense", f"colours-32/vgg16/dense-{parent(epochs=1, seed=1).hash[:8]}"}


def test_a_run_that_starts_from_imagenet_says_where_the_weights_go_without_a_network(colours, monkeypatch):
    import torchvision

    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models.VGG16_BN_Weights, "get_state_dict", no_network)
    with pytest.raises(DownloadFailed, match="train from scratch"):
        runs.run(parent(start="imagenet"), data=colours)
    assert runs.find(parent(start="imagenet")) is None
