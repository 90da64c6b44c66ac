"""Your own weights: the page shows and takes the normalisation that a file exported by PruneScope tells."""

import pytest
from safetensors.torch import load_file, save

from core import checkpoints
from core.checkpoints import export_state_dict
from core.models.normalisation import IMAGENET_MEAN
from tests.pages.opening import opened, texts

HERE = {"bring": "weights", "new-data": "colours", "new-size": 32}


@pytest.fixture
def exported(study, tmp_path):
    """(a file that tells its mean and deviation, the same without, the mean)."""
    made = checkpoints.load(f"{study}/dense")
    path = export_state_dict(made, tmp_path / "export.safetensors")
    return path.read_bytes(), save(load_file(path)), made.card.mean


def bring(app, content: bytes):
    app.file_uploader[0].set_value(("x.safetensors", content, "application/octet-stream")).run()
    assert not app.error
    return app


def field(app):
    return next(one for one in app.selectbox if one.label == "Images were normalised with")


def keep(app, name: str):
    next(one for one in app.text_input if one.label == "Name").set_value(name).run()
    next(one for one in app.button if one.label == "Keep as a study").click().run()
    assert not app.exception
    assert not app.error
    return checkpoints.load(f"{name}-32/vgg16/dense").card.mean


def test_what_the_file_says_is_shown_and_taken(exported):
    app = bring(opened("pages/bring.py", **HERE), exported[0])
    assert field(app).value == "file"
    assert f"The file says mean {', '.join(f'{value:.4g}' for value in exported[2])}" in texts(app)
    assert keep(app, "told") == pytest.approx(exported[2], abs=1e-7)


def test_another_choice_is_taken_all_the_same(exported):
    app = bring(opened("pages/bring.py", **HERE), exported[0])
    field(app).set_value("imagenet").run()
    assert "The file says mean" not in texts(app)
    assert keep(app, "chosen") == pytest.approx(IMAGENET_MEAN, abs=1e-7)


def test_a_file_that_says_nothing_does_not_offer_it_and_does_not_speak_for_the_next(exported):
    app = bring(opened("pages/bring.py", **HERE), exported[1])
    assert field(app).value == "imagenet"
    assert "What the file says" not in field(app).options
    assert field(bring(app, exported[0])).value == "file"


def test_the_next_file_is_not_offered_the_name_that_is_taken(exported):
    app = bring(opened("pages/bring.py", **HERE), exported[0])
    keep(app, "mine")
    bring(app, exported[1])
    assert next(one for one in app.text_input if one.label == "Name").value in ("", None)
