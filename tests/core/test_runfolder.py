"""What a process that was killed has left of a run: it is gone on from, or cleared and told of, and never mistaken."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from core import checkpoints, files, runfolder, runs
from core.errors import Cancelled
from core.recipes import pruned
from tests.core.tiny import CLASSES, parent

pytestmark = pytest.mark.usefixtures("tiny", "one_thread")


@pytest.fixture(autouse=True)
def _data(colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))


def folder(recipe):
    return files.runs_root() / recipe.hash


def stop_in(epoch):
    def report(progress):
        if progress.numbers.get("epoch") == epoch:
            raise Cancelled("Training")

    return report


def killed_after_saving(monkeypatch, recipe, **options):
    """Make the run, but for the clearing up after its checkpoint was saved."""

    def killed(*given, **how):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "shutil", SimpleNamespace(rmtree=killed))
        with pytest.raises(KeyboardInterrupt):
            runs.run(recipe, **options)


def test_what_is_left_of_a_finished_run_is_cleared_at_the_next_start_and_told_of(monkeypatch):
    recipe, moments = parent(), []
    killed_after_saving(monkeypatch, recipe)
    (entry,) = checkpoints.list()
    assert (folder(recipe) / runfolder.STATE).exists()
    assert runs.run(recipe, report=moments.append).id == entry.id
    assert not folder(recipe).exists()
    assert [moment.stage.split()[0] for moment in moments] == ["Cleared"]
    moments.clear()
    assert runs.run(recipe, report=moments.append).id == entry.id
    assert not moments


def test_epochs_that_are_kept_for_another_folder_of_checkpoints_stay(tmp_path):
    recipe = parent()
    runs.run(recipe)
    with pytest.raises(Cancelled):
        runs.run(recipe, root=tmp_path / "other", report=stop_in(2))
    runs.run(recipe)
    assert runs.epochs_done(recipe) == 1


def test_what_another_process_holds_is_waited_for(monkeypatch):
    recipe = parent()
    killed_after_saving(monkeypatch, recipe)

    def impatient(progress):
        raise Cancelled("Waiting")

    with runfolder.alone(folder(recipe), impatient), pytest.raises(Cancelled):
        runs.run(recipe, report=impatient)
    assert (folder(recipe) / runfolder.STATE).exists()


def test_killed_before_the_checkpoint_was_saved_it_goes_on_from_its_last_epoch(monkeypatch):
    recipe = parent()
    real = runfolder.saving

    def killed(*given):
        real(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runfolder, "saving", killed)
        with pytest.raises(KeyboardInterrupt):
            runs.run(recipe)
    assert not checkpoints.list()
    stages = []
    made = runs.run(recipe, report=lambda progress: stages.append(progress.stage))
    assert not any(stage.startswith("Training") for stage in stages), "an epoch was trained again"
    assert made.card.recipe_hash == recipe.hash
    assert not folder(recipe).exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"{}"])
def test_a_damaged_note_costs_the_state_and_no_traceback(content):
    recipe = parent()
    with pytest.raises(Cancelled):
        runs.run(recipe, report=stop_in(2))
    (folder(recipe) / "run.json").write_bytes(content)
    assert len(runs.run(recipe).card.history) == 2


@pytest.mark.parametrize("older", [False, True])
def test_a_state_of_another_training_of_the_parent_is_not_gone_on_from(older):
    """One recipe trained on two kinds of processor is two networks; the card says which of them the weights come from."""
    dense, recipe = parent(), pruned(parent(), "one_shot", 0.5, epochs=2)
    first = runs.run(dense)
    with pytest.raises(Cancelled):
        runs.run(recipe, report=stop_in(2))
    note = folder(recipe) / "run.json"
    if older:  # written before notes told of the parent: nobody can tell, and epochs are not thrown away for that
        note.write_text(
            json.dumps({k: v for k, v in json.loads(note.read_text()).items() if k != "parent_digest"}, indent=1)
        )
    model = first.model()
    with torch.no_grad():
        model.classifier.bias.add_(1)
    again = checkpoints.save(model, first.card, masks=first.masks)
    assert again.card.digest != first.card.digest
    epochs = set()
    made = runs.run(recipe, report=lambda progress: epochs.add(progress.numbers.get("epoch")))
    assert made.card.parent_digest == again.card.digest
    assert epochs - {None} == ({2} if older else {1, 2})


def test_a_channel_that_is_the_same_everywhere_is_no_obstacle(tmp_path):
    random = np.random.default_rng(0)
    for split, count in (("train", 8), ("validation", 3), ("test", 3)):
        for name in CLASSES:
            place = tmp_path / "colours" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (32, 32, 3)).astype(np.uint8)
                pixels[..., 2] = 0
                Image.fromarray(pixels).save(place / f"{number}.png")
    card = runs.run(parent(), data=tmp_path).card
    assert card.mean[2] == 0
    assert card.std[2] == 1
    assert all(0 < one < 1 for one in card.std[:2])
