"""The page Attribution on pictures that are not test images: uploads and phantoms."""

import numpy as np
import pytest

from core import attribution, checkpoints, data, evaluation, familiarity, lab, paths, responses, uploads
from core.data.phantom import CLASSES
from pages.components import attribution_sources, loaders
from tests.core import tiny
from tests.pages.attribution.conftest import PAGE, png, sent, shown, tables
from tests.pages.opening import opened, texts


def test_without_images_phantoms_and_uploads_still_work(study, monkeypatch, tmp_path):
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    responses.make(paths.studies()[study]["iterative"].dense, *sets, percents=[0])
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(PAGE)
    assert "not on this machine" in app.info[0].value
    assert "can be explained all the same" in texts(app)
    app = sent(png(sets[0].images[4]))
    assert any("of the network Dense" in alt for alt in shown(app))
    assert "could not be checked" in texts(app)


def test_an_upload_is_answered_with_a_warning_and_kept_for_its_user_alone(study):
    image = data.load("colours", "test", size=32).images[7]
    app = sent(png(image), explain="saliency")
    dense = checkpoints.load(f"{study}/dense").model()
    probabilities = evaluation.predict(dense, image[None])[0]
    assert f"**{tiny.CLASSES[probabilities.argmax()]} {probabilities.max():.0%}**" in texts(app)
    answers = [element.value for element in app.markdown if "%**  \n" in element.value]
    assert len(answers) == 2
    assert all("Not for diagnosis" in words for words in answers)
    assert "stays in this server's memory" in texts(app)
    assert not any("upload" in str(key) for key in loaders.results().kept())
    assert "attribution-own" in app.session_state
    assert "upload" not in str({name: app.query_params[name] for name in app.query_params if name != "source"})


def test_an_upload_is_decoded_once_and_forgotten_when_it_is_taken_out(study, monkeypatch):
    """One of 40 megapixels takes seconds and half a gigabyte, which no move of a slider should cost again."""
    asked = []

    def decode(content, size):
        asked.append(size)
        return uploads.decode_upload(content, size)

    monkeypatch.setattr(attribution_sources, "decode_upload", decode)
    app = sent(png(data.load("colours", "test", size=32).images[7]), explain="saliency")
    app.run()
    app.run()
    assert asked == [32]
    app.file_uploader[0].set_value(None).run()
    assert attribution_sources._DECODED not in app.session_state


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GIF89a" + bytes(99), "a GIF"),
        (b"%PDF-1.4", "a PDF"),
        (png(np.zeros((40, 40, 3), np.uint8))[:60], "cannot be decoded"),
        (png(np.zeros((1, 1, 3), np.uint8)), "too small"),
        (b"", "empty"),
    ],
)
def test_a_file_that_is_no_picture_is_refused_with_the_reason(study, content, words):
    app = sent(content)
    assert "Your picture was not taken" in app.error[0].value
    assert words in app.error[0].value
    assert not shown(app)


def test_an_upload_unlike_the_training_images_is_warned_of(study):
    entry = paths.studies()[study]["iterative"].dense
    model, random = checkpoints.load(entry.path).model(), np.random.default_rng(0)
    usual = [tiny.pictures(20, seed)[0] for seed in (0, 1)]
    familiarity.write(entry, familiarity.fit(model, *usual))
    app = sent(png(usual[1][0]))
    assert not any("unlike" in element.value for element in app.warning)
    assert "no further from the training images" in texts(app)
    app = sent(png(np.repeat(random.integers(0, 2, (32, 32, 1)) * 255, 3, axis=2).astype(np.uint8)))
    assert any("unlike those that the networks learned from" in element.value for element in app.warning)


def test_a_phantom_is_scored_against_its_true_signs(phantoms):
    app = opened(PAGE, study=phantoms, source="phantom", lesion="mel.7", target="truth", explain="saliency")
    lesion = lab.decode("mel.7")
    drawn = data.phantom.render(lesion, 32)
    signs = np.any([drawn.signs[name][0] for name in data.phantom.SIGNS_OF["mel"] if name in drawn.signs], axis=0)
    model = checkpoints.load(f"{phantoms}/dense").model()
    own = attribution.attribute(model, drawn.images[0], method="saliency", target=CLASSES.index("mel"))
    table = tables(app)["Precision on the signs"].set_index("Network")
    assert (
        table.loc["Dense", "Precision on the signs"]
        == f"{attribution.average_precision(own[None], signs[None])[0]:.2f}"
    )
    assert table.loc["Dense", "On the lesion"] == f"{attribution.share_inside(own[None], drawn.masks)[0]:.0%}"
    hit = attribution.pointing_game(own[None], signs[None])[0]
    assert table.loc["Dense", "Brightest pixel on a sign"] == {1: "yes", 0: "no"}.get(hit, "in part")
    other = opened(PAGE, study=phantoms, source="phantom", lesion="mel.7", target="vasc", explain="saliency")
    assert "no sign of vascular lesion" in texts(other)


def test_another_phantom_is_another_one_and_in_the_link(phantoms):
    app = opened(PAGE, study=phantoms, source="phantom", lesion="bcc.1")
    before = next(iter(shown(app).values()))
    next(button for button in app.button if button.label == "Another one").click().run()
    text = app.query_params["lesion"]
    text = text if isinstance(text, str) else text[0]
    assert text.startswith("bcc.")
    assert not np.array_equal(before, next(iter(shown(app).values())))


def test_a_study_of_other_things_has_no_phantoms(study):
    assert "do not know the diagnoses of the phantoms" in texts(opened(PAGE, source="phantom"))
