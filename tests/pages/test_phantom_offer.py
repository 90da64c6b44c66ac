"""Where images are missing, phantoms are one click away."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.core import tiny_phantoms

APP = Path(__file__).parents[2] / "app.py"
OFFER = "phantom-offer"


@pytest.fixture
def without_images(study, monkeypatch, tmp_path):
    """A study of colours whose pictures are not there."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    return study


def opened(**query) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.run()
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/what_if.py").run()
    assert not app.exception
    assert not app.error
    return app


def offers(app: AppTest) -> list:
    return [button for button in app.button if button.key == OFFER]


def test_one_click_opens_the_same_page_with_phantoms(without_images, monkeypatch):
    from core.data.phantom import dataset

    monkeypatch.setattr(dataset, "COUNT", 60)
    tiny_phantoms.save(seed=3)
    app = opened(study=without_images, sparsity="80")
    assert any("are not on this machine" in info.value for info in app.info)
    (button,) = offers(app)
    assert button.label == "Open this page with Phantoms (32 px) · VGG16"
    button.click().run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="study").value == "phantom-32/vgg16"
    assert app.slider(key="sparsity").value == 80  # all else is as it was
    assert not any("are not on this machine" in info.value for info in app.info)
    assert not offers(app)


def test_nothing_is_offered_where_there_are_no_phantoms(without_images):
    app = opened(study=without_images, sparsity="80")
    assert any("are not on this machine" in info.value for info in app.info)
    assert not offers(app)


def test_it_is_offered_once_however_much_is_missing(without_images):
    tiny_phantoms.save(seed=3)

    def page():
        import streamlit as st

        from core.errors import DataNotFound
        from pages.components import panels

        st.session_state.setdefault("study", "colours-32/vgg16")
        for name in ("one", "two"):
            panels.missing_data(DataNotFound(f"The images of {name} are not on this machine", remedy="get them"))

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert len(app.info) == 2
    assert len(offers(app)) == 1


def test_a_study_with_the_same_architecture_is_preferred():
    from pages.components import phantoms

    others = ["phantom-64/densenet169", "phantom-64/vgg16"]
    assert phantoms.nearest("ham10000-64/vgg16", others) == "phantom-64/vgg16"
    assert phantoms.nearest("ham10000-64/densenet169", others) == "phantom-64/densenet169"
    assert phantoms.nearest(None, others) == "phantom-64/densenet169"
    assert phantoms.nearest("ham10000-64/vgg16", []) is None
