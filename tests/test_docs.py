"""The pages in ``docs/`` say what the code does: those that are made from it are current, and what they name exists."""

import re

import numpy as np
import pytest

from core import evaluation
from core.evaluation.outcomes import METHOD
from core.files import PROJECT
from docs import make_api, make_architecture
from tests import test_architecture as house
from tests.pages import opening

PAGES = [*sorted((PROJECT / "docs").glob("*.md")), PROJECT / "README.md", PROJECT / "CONTRIBUTING.md"]


def test_the_reference_is_current():
    text = make_api.FILE.read_text(encoding="utf-8")
    assert text == make_api.text(), "run `python -m docs.make_api`"


def test_the_reference_has_every_promised_name_with_its_arguments():
    text = make_api.FILE.read_text(encoding="utf-8")
    for names in make_api.PROMISED.values():
        for name in names:
            assert f"### `{name}`" in text
    assert "scope: str='global'" in text
    assert text.count("**Args**") > 10


def test_the_diagram_is_current():
    text = make_architecture.FILE.read_text(encoding="utf-8")
    assert text == make_architecture.text(), "run `python -m docs.make_architecture`"


def test_the_diagram_shows_every_part_on_its_level_and_no_arrow_goes_up():
    diagram = make_architecture.diagram()
    for level, parts in house.LEVELS.items():
        [line] = re.findall(rf'  L{level}\["(.*)"\]', diagram)
        names = set(re.split(r", ?(?:<br/>)?", line.partition("</b><br/>")[2]))
        assert names == set(parts)
    arrows = re.findall(r"  (\w+) --> L(\d)", diagram)
    assert ("app", str(house.TOP)) in arrows
    assert all(int(start[1:]) > int(end) for start, end in arrows if start.startswith("L"))


def test_every_kind_of_interval_is_explained():
    """Whatever name an interval bears on a screen, it stands on the page about statistics."""
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 120), np.repeat(np.arange(60), 2).astype(str)
    answers = [rng.dirichlet(np.ones(3), 120) for _ in range(2)]
    report = evaluation.evaluate(answers[0], labels, groups=groups)
    compared = evaluation.compare(*answers, labels, groups=groups)
    names = {value.method for value in (*report.metrics.values(), *compared.differences.values())} | {METHOD}
    assert len(names) >= 6
    text = " ".join((PROJECT / "docs" / "statistics.md").read_text(encoding="utf-8").split())
    assert {name for name in names if name not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("http") or (page.parent / target).exists(), target
    for name in re.findall(r"`((?:core|tests|pages|docs|bench)/[\w/]+(?:\.(?:py|md)|/))`", text):
        assert (PROJECT / name).exists(), name
    for name in re.findall(r"`(test_\w+\.py)`", text):
        assert list((PROJECT / "tests").rglob(name)), name


def test_every_page_is_in_the_navigation_and_told_of_in_the_readme():
    assert sorted(opening.PAGES) == sorted(path.stem for path in (PROJECT / "pages").glob("*.py"))
    table = (PROJECT / "README.md").read_text(encoding="utf-8").split("| page | answers |")[1].split("\n\n")[0]
    assert sorted(row.split("|")[1].strip() for row in table.splitlines()[2:]) == sorted(opening.PAGES.values())
