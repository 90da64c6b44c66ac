"""The lesion lab in Streamlit's test runner: what it shows, and its buttons."""

import base64
import io

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import lab
from core.data.phantom import SIGNS, render
from pages.components import lab_words
from tests.pages.opening import APP

LAB = "pages/lesion_lab.py"


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
    for name in (*lab_words.ABCD, *lab_words.TISSUE, *SIGNS, *lab_words.PICTURE):
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
