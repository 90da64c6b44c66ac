"""The page Attribution in Streamlit's test runner: its pictures and tables, and files sent to it."""

import base64
import io

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.pages.opening import opened

PAGE = "pages/attribution.py"


def shown(app: AppTest) -> dict[str, np.ndarray]:
    """The large pictures on the page by their text alternatives, uint8 [320, 320, 3]; a later one takes an earlier's place."""
    found = {}
    for element in app.get("image"):
        for image in element.proto.imgs:
            if image.url.startswith("data:"):
                content = base64.b64decode(image.url.removeprefix("data:image/png;base64,"))
                found[image.alt] = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    return found


def tables(app: AppTest) -> dict[str, object]:
    """The tables on the page by their last column."""
    found = [element.value for element in app.dataframe] + [element.value.reset_index() for element in app.table]
    return {list(table.columns)[-1]: table for table in found}


def png(image: np.ndarray) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(image).save(memory, "PNG")
    return memory.getvalue()


def sent(content: bytes, name: str = "mine.png", **query) -> AppTest:
    """The page after somebody sent a file."""
    app = opened(PAGE, source="upload", **query)
    app.file_uploader[0].set_value((name, content, "image/png")).run()
    assert not app.exception
    return app
