"""What if on a study of a hundred classes, and which of its views bring a class out."""

import re
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import look, whatif_harm
from tests.pages.opening import opened, texts

pytestmark = pytest.mark.usefixtures("shipped")


def view(name: str, **query) -> AppTest:
    app = opened("pages/what_if.py", view=name, **{"method": "one_shot", "sparsity": 80, **query})
    assert not app.error
    return app


@pytest.mark.parametrize(
    "name", ["harm", "mistaken", "threshold", "subgroups", "breaking", "exemplars", "layers", "calibration"]
)
def test_every_view_copes_with_a_hundred_classes_of_which_none_is_brought_out(name):
    assert "10,000 test images" in texts(view(name, study="cifar100-32/vgg16"))


def test_the_class_that_the_sentence_tells_of_is_drawn_among_a_hundred():
    app = view("harm", study="cifar100-32/densenet169", method="prune_only", sparsity=90)
    told = next(text.value for text in app.markdown if text.value.startswith("## Of"))
    name = re.search(r"images of class “(.+?)”", told)[1]
    called = re.search(r"calls ([\d,]+)", told)[1]
    assert f"calls {called} “{name}”" in told
    assert "Of 100 classes this one was picked" in told
    app.session_state["table-ledger"] = True
    app.run()
    table = next(frame.value for frame in app.dataframe if "newly_missed" in frame.value)
    shown = whatif_harm.shown_classes(table.rename(columns={"class": "group"}), SimpleNamespace(diagnosis=None))
    assert len(shown) == whatif_harm.MOST
    assert name in {look.diagnosis(group) for group in shown["group"]}
    assert f"Of 100 classes {whatif_harm.MOST} are drawn" in texts(app)


@pytest.mark.parametrize(("name", "noted"), [("threshold", True), ("layers", True), ("harm", False)])
def test_views_of_all_classes_say_that_none_is_brought_out_in_them(name, noted):
    app = view(name, diagnosis="bcc")
    assert ("nothing below depends on it" in texts(app)) == noted
    assert app.session_state["diagnosis"] == "bcc"
