"""Drawing in the lesion lab: controls, picture, link, and taking back."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from core import lab
from core.data.phantom import SIGNS, preset, render
from core.data.phantom.parameters import NAMES
from pages.components import lab_words
from tests.pages.lesion_lab.conftest import opened, picture, press, shows, texts


def test_every_parameter_has_its_control(phantoms):
    app = opened()
    keys = {slider.key.removeprefix("lab-") for slider in app.slider} - {"sparsity"}
    # A select slider is a slider too; the photograph has a button, and the seed a field.
    assert keys | {"skin"} == set(NAMES) - {"diagnosis", "seed", "view"}
    assert set(lab_words.SWEPT) == keys | {"skin"}
    assert set(lab_words.TITLES) == set(lab_words.SWEPT)


def test_a_slider_changes_picture_and_link_and_can_be_taken_back(phantoms):
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


def test_where_to_begin(phantoms):
    app = opened()
    app.selectbox(key="lab-origin").set_value("vasc").run()
    assert shows(app, "vasc.61")
    app.number_input(key="lab-seed").set_value(77).run()
    assert shows(app, "vasc.77")
    press(app, "Random")
    seed = app.number_input(key="lab-seed").value
    assert shows(app, f"random.{seed}")
    assert app.selectbox(key="lab-origin").value == lab.RANDOM
    # Another than the drawn one: a slider that stays where it is changes nothing that a new seed would have to keep.
    percent = 30 if app.slider(key="lab-diameter").value != 30 else 31
    app.slider(key="lab-diameter").set_value(percent).run()
    app.number_input(key="lab-seed").set_value(5).run()
    assert shows(app, f"random.5.d{percent}0")
    press(app, "Another photograph")
    assert shows(app, f"random.5.d{percent}0.w1")


def test_a_link_opens_the_same_view(phantoms):
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
def test_a_link_with_nonsense_in_it_opens_a_view(phantoms, query):
    app = opened(**query)
    assert not app.error
    assert "The dense network calls it" in texts(app)
    seed = "mel.0" if "99999" in query.get("lesion", "") else lab.START
    assert shows(app, seed)


def test_the_overlays_are_where_the_generator_says(phantoms):
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


def test_the_picture_carries_its_parameters(phantoms):
    app = opened(lesion="df.2.h300")
    ((address,),) = [[image.url for image in element.proto.imgs] for element in app.get("image")]
    with Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))) as picture:
        assert json.loads(picture.text["phantom"]) == preset("df", 2).but(hair=0.3).record()
    assert "Download" in [element.proto.label for element in app.get("download_button")]


def test_two_users_draw_their_own(phantoms):
    one, two = opened(lesion="mel.1"), opened(lesion="vasc.9")
    one.slider(key="lab-border").set_value(10).run()
    two.slider(key="lab-lacunae").set_value(20).run()
    assert shows(one, "mel.1.b100")
    assert shows(two, "vasc.9.la200")
    press(one, "Undo")
    assert shows(one, "mel.1")
    assert shows(two, "vasc.9.la200")
