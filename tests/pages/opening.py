"""The app in Streamlit's own test runner."""

import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"
_NAVIGATION = APP.parent / "pages" / "components" / "navigation.py"
PAGES = dict(re.findall(r'st\.Page\("pages/(\w+)\.py", title="([^"]+)"', _NAVIGATION.read_text(encoding="utf-8")))
"""Every page of the app: name of its file -> what the navigation calls it."""


def opened(page: str | None = None, **query) -> AppTest:
    """The app as somebody finds it who came by a link with ``query`` to ``page``."""
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = str(value)
    app.run()
    if page:
        app.switch_page(page).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All that is written on the page, with spaces where no line may end as any others."""
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\u00a0", " ")
