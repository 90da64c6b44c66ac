"""Weights that somebody brought, on Generate and everywhere that what was made of them is shown. A process trains for real."""

import shutil

import pytest
import torch
from safetensors.torch import save_file

from core import checkpoints, files, jobs, own, recipes, responses
from core.data import load
from core.jobs import dispatcher
from core.models import build
from pages.components import generate_parents, loaders
from tests.core import tiny
from tests.pages.opening import opened
from tests.pages.test_generate_page import fill, labels, press, texts, work

PAGE = "pages/generate.py"
COLOURS = {"new-data": "colours", "new-size": 32}
OWNER = jobs.owner_of("somebody")


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """Drawn images, brought weights of the tiny network, and a queue that waits."""
    monkeypatch.setenv(
        "PRUNESCOPE_DATA", str(tiny.write_pictures(tmp_path / "data", {"train": 24, "validation": 4, "test": 30}))
    )
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    monkeypatch.setattr(dispatcher, "_start", lambda device: None)
    with tiny.registered():
        torch.manual_seed(2)
        state = {name: tensor for name, tensor in build("vgg16", 3).state_dict().items() if name not in ("mean", "std")}
        save_file(state, tmp_path / "theirs.safetensors")
        yield own.add_weights(
            tmp_path / "theirs.safetensors", "mine", OWNER, trained_on="colours", size=32, architecture="vgg16"
        )


def start_from(app):
    (field,) = [one for one in app.selectbox if one.label == "Start from"]
    return field


def test_brought_weights_are_offered_beside_the_others_and_fine_tuned(mine):
    app = opened(PAGE, **COLOURS, **{"new-make": "layerwise", "new-remove": 60})
    parent = recipes.brought(mine.card)
    assert start_from(app).options == ["mine-32/vgg16: weights that were brought", "A new dense network, made first"]
    assert "How the weights of mine-32/vgg16 were trained is not known here" in texts(app)
    assert "a learning rate from 0.01 and 64 images a step" in texts(app)
    (rate,) = [field for field in app.text_input if field.label == "Learning rate"]
    assert rate.placeholder == "0.01"
    fill(fill(app, "Epochs", "1"), "Images a step", "12")
    assert "Its dense network is made first" not in texts(app)
    press(app, "Make it")
    (job,) = jobs.board().jobs
    assert job.recipe == recipes.pruned(parent, "layerwise", 0.6, epochs=1, batch=12)
    assert "mine (32 px) · VGG16, layer by layer to 60%" in texts(app)
    work(job.id)
    loaders.forget_checkpoints()
    assert "This network was made before" in texts(app.run())


def test_the_form_still_makes_a_network_of_its_own(mine):
    app = opened(PAGE, **COLOURS, **{"new-make": "one_shot"})
    start_from(app).select("new").run()
    assert "were trained is not known" not in texts(app)
    press(app, "Make it")
    (job,) = jobs.board().jobs
    assert job.recipe.parent == recipes.dense("colours-32/vgg16")


def test_without_their_images_the_page_says_why_and_what_works(mine, tmp_path):
    shutil.rmtree(tmp_path / "data" / "colours")
    app = opened(PAGE, **generate_parents.link(mine.card))
    assert start_from(app).value == recipes.brought(mine.card).hash
    (said,) = app.warning
    assert "The images of colours are not on this machine" in said.value
    assert "Fine-tuning needs the training images" in said.value
    assert "Layers and Size and speed" in said.value
    assert "Make it" not in labels(app)


def test_your_own_leads_to_pruning_and_names_what_goes_with_the_weights(mine):
    app = opened("pages/bring.py")
    (link,) = [one for one in app.get("page_link") if one.proto.label == "Prune"]
    assert recipes.brought(mine.card).hash in link.proto.query_string
    made = checkpoints.save(
        mine.model(),
        checkpoints.Card(
            study=mine.card.study,
            data=mine.card.data,
            architecture=mine.card.architecture,
            method="one_shot",
            sparsity=0.5,
            parent=mine.id,
        ),
    )
    app = press(opened("pages/bring.py"), "Delete")
    assert f"So do the networks that were made from it: {made.id}." in texts(app)
    assert "Delete for good" not in labels(app)
    press(app, "Delete all of them")
    assert own.listing() == []
    assert checkpoints.list() == []


def test_every_page_shows_what_was_made_of_them(mine):
    from core import runs

    base = recipes.brought(mine.card)
    for method in ("one_shot", "layerwise", "iterative", "dense"):
        runs.run(recipes.pruned(base, method, 0.0 if method == "dense" else 0.8, epochs=1, batch=12))
    study = mine.card.study
    test, train = (load("colours", split, size=32) for split in ("test", "train"))
    for entry in checkpoints.list():
        responses.make(entry, test, train, percents=range(0, 100, 20))
    for page in sorted((files.PROJECT / "pages").glob("*.py")):
        app = opened(f"pages/{page.name}", study=study)
        assert not app.error, (page.name, [one.value for one in app.error])
    for method in ("one_shot", "layerwise", "iterative"):
        app = opened("pages/what_if.py", study=study, method=method, sparsity=80)
        assert not app.error
    app = opened("pages/methods.py", study=study, part="curves")
    assert "made by `python -m core prune mine-32/vgg16 METHOD 0.8`" in texts(app)
    (table,) = app.dataframe
    assert {"dense", "dense_trained_on", "iterative", "layerwise", "one_shot"} <= set(table.value["method"])
    assert table.value["same_dense"].all()
