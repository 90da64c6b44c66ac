"""The lesion lab in Streamlit's test runner, on tiny untrained networks that take drawings."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import checkpoints, evaluation, lab
from core.data.phantom import CLASSES, SIGNS, preset, render
from core.data.phantom.parameters import NAMES
from pages.components import lab_words, look
from tests.core import tiny, tiny_phantoms

APP = Path(__file__).parents[2] / "app.py"
LAB = "pages/lesion_lab.py"


@pytest.fixture
def networks():
    """Tiny networks of ``phantom-32/vgg16``: dense, iterative-80 and one_shot-80."""
    with tiny.registered():
        tiny_phantoms.save()
        yield "phantom-32/vgg16"


def opened(**query) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.run()
    for name, value in query.items():
        app.query_params[name] = str(value)
    app.switch_page(LAB).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def picture(app: AppTest) -> np.ndarray:
    """The picture on the page, uint8 [256, 256, 3]."""
    (address,) = [image.url for element in app.get("image") for image in element.proto.imgs]
    with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))) as opened:
        return np.asarray(opened.convert("RGB"))


def shows(app: AppTest, text: str) -> bool:
    """Whether the page shows the lesion of ``text``: as picture, in the link and on the sliders."""
    lesion = lab.decode(text)
    np.testing.assert_array_equal(picture(app), render(lesion, 256).images[0])
    link = app.query_params.get("lesion", [lab.START])
    assert (link if isinstance(link, str) else link[0]) == lab.encode(lesion)
    for name in (*lab_words.ABCD, *lab_words.MAKE, *SIGNS, *lab_words.PICTURE):
        assert app.slider(key=f"lab-{name}").value == round(100 * getattr(lesion, name)), name
    assert app.select_slider(key="lab-skin").value == lab_words.SKIN_TYPES[lesion.fitzpatrick - 1]
    assert app.number_input(key="lab-seed").value == lesion.seed
    return True


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    assert not button.disabled
    button.click().run()
    assert not app.exception
    assert not app.error
    return app


def test_every_parameter_has_its_control(networks):
    app = opened()
    keys = {slider.key.removeprefix("lab-") for slider in app.slider} - {"sparsity"}
    # A select slider is a slider too; the photograph has a button, and the seed a field.
    assert keys | {"skin"} == set(NAMES) - {"diagnosis", "seed", "view"}
    assert set(lab_words.SWEPT) == keys | {"skin"}
    assert set(lab_words.TITLES) == set(lab_words.SWEPT)


def test_it_answers_with_the_numbers_of_the_networks(networks):
    app = opened(lesion="bcc.4.b900", against="one_shot")
    lesion = lab.decode("bcc.4.b900")
    image = render(lesion, 32).images
    calls = {}
    for name in ("dense", "one_shot-80"):
        (answer,) = evaluation.predict(checkpoints.load(f"{networks}/{name}").model(), image)
        calls[name] = f"**{look.diagnosis(CLASSES[answer.argmax()]).lower()}** ({answer.max():.0%})"
    verb = "stays" if calls["dense"][:9] == calls["one_shot-80"][:9] else "becomes"
    expected = f"The dense network calls it {calls['dense']}; pruned, it {verb} {calls['one_shot-80']}."
    assert expected in texts(app)
    assert shows(app, "bcc.4.b900")
    assert "no interval" in texts(app)


def test_all_methods_are_told_of_together(networks):
    app = opened(lesion="mel.2", against="all")
    text = texts(app)
    assert re.search(r"so do all 2 pruned ones|of 2 pruned ones say otherwise|all 2 pruned ones say otherwise", text)
    for name in ("Dense", "Iterative", "One-shot"):
        assert re.search(rf"- \*\*{name}\*\* (never calls|calls) it melanoma", text)


def test_the_sentence_says_where_the_call_changes(networks, monkeypatch):
    """A network that calls the lesion a melanoma from a border of 0.3 on, by the answers that it gives."""
    from core.lab import answers

    def predicted(network, images):
        given = np.full((len(images), len(CLASSES)), 0.04, np.float32)
        rising = np.concatenate([[0.0], np.arange(17) / 16])
        given[:, CLASSES.index("mel")] = 0.2 + 0.5 * rising
        given[:, CLASSES.index("nv")] = 0.35
        return given

    monkeypatch.setattr(answers, "predict", predicted)
    text = texts(opened(lesion="mel.2"))
    assert "Border from 0% to 100%:" in text
    assert "- **Dense** calls it melanoma from 30% on." in text
    text = texts(opened(lesion="mel.2", call="nv", along="pigment"))
    assert "Melanin from 0% to 200%:" in text
    assert "- **Iterative** calls it naevus up to 60%." in text
    text = texts(opened(lesion="mel.2", call="bcc", along="skin"))
    assert "from type 1.0 to type 6.0" in text
    assert "- **Dense** never calls it basal cell carcinoma (at most 4%)." in text


def test_the_stretches_in_words():
    ends = (0.0, 1.0)
    for found, words in {
        ((0.0, 1.0),): "everywhere",
        ((0.0, 0.3),): "up to 30%",
        ((0.421, 1.0),): "from 42% on",
        ((0.2, 0.45),): "between 20% and 45%",
        ((0.0, 0.1), (0.2, 0.3), (0.9, 1.0)): "up to 10%, between 20% and 30% and from 90% on",
    }.items():
        assert lab_words.stretches("border", ends, list(found)) == words


def test_a_slider_changes_picture_and_link_and_can_be_taken_back(networks):
    app = opened()
    assert shows(app, lab.START)
    app.slider(key="lab-border").set_value(20).run()
    assert shows(app, f"{lab.START}.b200")
    app.slider(key="lab-lacunae").set_value(100).run()
    app.select_slider(key="lab-skin").set_value("VI").run()
    assert shows(app, f"{lab.START}.b200.la1000.k6000")
    press(press(app, "Undo"), "Undo")
    assert shows(app, f"{lab.START}.b200")
    press(app, "Redo")
    assert shows(app, f"{lab.START}.b200.la1000")
    press(app, "Reset")
    assert shows(app, lab.START)
    press(app, "Undo")
    app.slider(key="lab-border").set_value(90).run()  # what was taken back is gone now
    assert shows(app, f"{lab.START}.b900.la1000")
    (redo,) = [button for button in app.button if button.label == "Redo"]
    assert redo.disabled


def test_where_to_begin(networks):
    app = opened()
    app.selectbox(key="lab-origin").set_value("vasc").run()
    assert shows(app, "vasc.3")
    app.number_input(key="lab-seed").set_value(77).run()
    assert shows(app, "vasc.77")
    press(app, "Random")
    seed = app.number_input(key="lab-seed").value
    assert shows(app, f"random.{seed}")
    assert app.selectbox(key="lab-origin").value == lab.RANDOM
    app.slider(key="lab-diameter").set_value(30).run()
    app.number_input(key="lab-seed").set_value(5).run()
    assert shows(app, "random.5.d300")
    press(app, "Another photograph")
    assert shows(app, "random.5.d300.w1")


def test_a_link_opens_the_same_view(networks):
    first = opened(
        lesion="random.12.b0.h900", against="all", along="hair", call="df", show="outline.signs", sparsity=80
    )
    query = {name: value if isinstance(value, str) else value[0] for name, value in first.query_params.items()}
    assert query["lesion"] == "random.12.b0.h900"
    second = opened(**query)
    np.testing.assert_array_equal(picture(first), picture(second))
    assert texts(first) == texts(second)
    assert "Hair from 0% to 100%" in texts(second)
    assert "dermatofibroma" in texts(second)


@pytest.mark.parametrize(
    "query",
    [
        {"lesion": "nonsense"},
        {"lesion": "x" * 5000},
        {"lesion": "mel.99999999999999999999999.b9999"},
        {"lesion": "<script>alert(1)</script>"},
        {"against": "nope"},
        {"along": "seed"},
        {"along": "__class__"},
        {"call": "melanom"},
        {"show": "everything.outlin"},
        {"photographs": "maybe"},
        {"sparsity": "abc"},
        {"sparsity": 1000},
        {"recalibrate": "7"},
        {"study": "phantom-31/vgg16"},
        {"lab-seed": "-1", "lab-border": "900"},
    ],
)
def test_a_link_with_nonsense_in_it_opens_a_view(networks, query):
    app = opened(**query)
    assert not app.error
    assert "The dense network calls it" in texts(app)
    seed = "mel.0" if "99999" in query.get("lesion", "") else lab.START
    assert shows(app, seed)


def test_between_checkpoints_it_says_what_was_not_done(networks, monkeypatch):
    usual = lab.calibration
    monkeypatch.setattr(lab, "calibration", lambda card: usual(card, 20))
    app = opened(lesion="nv.3", sparsity=90)
    assert "Iterative pruned on to there **without fine-tuning**" in texts(app)
    assert "re-estimated on 20 newly drawn phantoms" in texts(app)
    raw = texts(opened(lesion="nv.3", sparsity=90, recalibrate="false"))
    assert "without fine-tuning" in raw
    assert "re-estimated" not in raw
    at = texts(opened(lesion="nv.3", sparsity=80))
    assert "without fine-tuning" not in at


def test_the_overlays_are_where_the_generator_says(networks):
    lesion = lab.decode("mel.1")
    drawn = render(lesion, 256)
    plain, outlined = drawn.images[0], picture(opened(lesion="mel.1", show="outline"))
    changed = (outlined != plain).any(-1)
    mask = drawn.masks[0]
    assert changed.any()
    assert not (changed & ~mask).any()
    app = opened(lesion="mel.1", show="signs")
    changed = (picture(app) != plain).any(-1)
    assert not (changed & ~np.any([m[0] for m in drawn.signs.values()], axis=0)).any()
    legend = "".join(element.proto.body for element in app.get("html"))
    for sign in lesion.signs:
        assert SIGNS[sign] in legend
    assert "Red lacunae" not in legend
    small = picture(opened(lesion="mel.1", show="small"))
    np.testing.assert_array_equal(small[::8, ::8], render(lesion, 32).images[0])


def test_without_a_network_one_can_still_draw():
    app = opened()
    assert "No network has learned from phantoms yet" in texts(app)
    assert "python -m core train phantom-64/densenet169" in app.code[0].value
    app.slider(key="lab-border").set_value(0).run()
    assert not app.error
    assert shows(app, f"{lab.START}.b0")


def test_a_study_of_photographs_is_asked_on_request_only(monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    with tiny.registered():
        tiny_phantoms.save()
        tiny_phantoms.save("ham10000-32/vgg16", seed=9)
        app = opened(study="ham10000-32/vgg16", lesion="mel.3")
        assert "**Phantoms (32 px) · VGG16**, which learned from drawings" in texts(app)
        before = next(line for line in texts(app).splitlines() if line.startswith("The dense network"))
        app.toggle(key="photographs").set_value(True).run()
        text = texts(app)
        assert "**HAM10000 (32 px) · VGG16 never saw a drawing.**" in text
        (answer,) = evaluation.predict(
            checkpoints.load("ham10000-32/vgg16/dense").model(), render(preset("mel", 3), 32).images
        )
        after = next(line for line in text.splitlines() if line.startswith("The dense network"))
        assert f"**{look.diagnosis(CLASSES[answer.argmax()]).lower()}** ({answer.max():.0%})" in after
        assert after != before
        # Batch norm of such a network needs photographs, which are not here.
        app.slider(key="sparsity").set_value(90).run()
        assert not app.error
        assert "the photographs to re-estimate it on are not on this machine" in texts(app)


def test_the_picture_carries_its_parameters(networks):
    app = opened(lesion="df.2.h300")
    ((address,),) = [[image.url for image in element.proto.imgs] for element in app.get("image")]
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as picture:
        assert json.loads(picture.text["phantom"]) == preset("df", 2).but(hair=0.3).record()
    assert "Download" in [element.proto.label for element in app.get("download_button")]


def test_two_users_draw_their_own(networks):
    one, two = opened(lesion="mel.1"), opened(lesion="vasc.9")
    one.slider(key="lab-border").set_value(10).run()
    two.slider(key="lab-lacunae").set_value(20).run()
    assert shows(one, "mel.1.b100")
    assert shows(two, "vasc.9.la200")
    press(one, "Undo")
    assert shows(one, "mel.1")
    assert shows(two, "vasc.9.la200")
