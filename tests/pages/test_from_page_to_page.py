"""Every page opened from every other one: what one leaves behind in the session must not trip the next."""

import ast
from collections import defaultdict
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).parents[2] / "pages"
APP = PAGES.parent / "app.py"
NAMES = sorted(file.stem for file in PAGES.glob("*.py"))
FAMILIES = {"what": "whatif", "lesion": "lab"}  # a page's name begins otherwise than its components'
OF_ONE_MEANING = {"diagnosis", "image", "recalibrate"}


def tour(names: list[str]) -> list[str]:
    """A walk in which each name follows each other name once."""
    left = {name: [other for other in names if other != name] for name in names}
    path, stack = [], [names[0]]
    while stack:  # Hierholzer: every page has as many ways in as out
        here = stack[-1]
        if left[here]:
            stack.append(left[here].pop())
        else:
            path.append(stack.pop())
    return path[::-1]


def test_the_walk_takes_every_step():
    assert sorted(pairwise(tour(NAMES))) == sorted(permutations(NAMES, 2))


@pytest.mark.usefixtures("study")
def test_every_page_opens_after_every_other(monkeypatch, tmp_path):
    """Size and speed and Layers failed after Lesion lab: under the same key it keeps a list where they keep a name."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = AppTest.from_file(APP, default_timeout=60)
    app.run()
    before = "the start"
    for name in tour(NAMES):
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, f"{name} after {before}"
        if name == "lesion_lab":
            app.pills(key="lab-show").set_value(["outline"]).run()
            assert not app.exception
        before = name


def keys(file: Path) -> set[str]:
    """The names that widgets of a module have in the session, as far as they are written out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        item.targets[0].id: item.value
        for item in tree.body
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
    }
    found = []
    for call in (item for item in ast.walk(tree) if isinstance(item, ast.Call)):
        name = ast.unparse(call.func)
        if name == "address.choose":
            found.append(call.args[1])
        elif name in ("address.hold", "address.hold_choice", "address.slider", "address.toggle"):
            found.append(call.args[0])
        elif not name.startswith(
            ("panels.", "charts.", "gallery.", "similarity_matrix.")
        ):  # names of downloads, of charts
            found += [word.value for word in call.keywords if word.arg == "key"]
    known = [constants.get(item.id) if isinstance(item, ast.Name) else item for item in found]
    return {item.value for item in known if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def test_a_widget_is_of_one_page():
    """Two pages with one key would overwrite each other's choices, or trip over them."""
    users = defaultdict(set)
    for file in [*PAGES.glob("*.py"), *(PAGES / "components").glob("*.py")]:
        family = file.stem.split("_")[0]
        for key in keys(file):
            users[key].add(FAMILIES.get(family, family))
    assert "lab-show" in users
    assert {key: pages for key, pages in users.items() if len(pages) > 1 and key not in OF_ONE_MEANING} == {}
