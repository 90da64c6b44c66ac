"""What is told of a mark that one points at: chosen fields in words, or nothing; never Vega's own list of every column of the table."""

import json

import pytest

from core.files import PROJECT
from pages.components import similarity_choices
from tests.pages.opening import opened

VIEWS = [
    *[("similarity", "ham10000-64/vgg16", {"view": part}) for part in similarity_choices.PARTS],
    ("attribution", "ham10000-64/vgg16", {"source": "phantom"}),
    ("lesion_lab", "phantom-64/densenet169", {"against": "all"}),
]
"""Pages on which every mark is looked at; others belong here as soon as theirs have tooltips of their own."""


def untold(spec: dict, inherited: bool = False) -> list[str]:
    """Kinds of the marks of a Vega-Lite specification that have no tooltip, nor the explicit absence of one."""
    told = inherited or "tooltip" in spec.get("encoding", {})
    parts = [part for name in ("layer", "hconcat", "vconcat", "concat") for part in spec.get(name, ())]
    parts += [spec["spec"]] if "spec" in spec else []
    found = [kind for part in parts for kind in untold(part, told)]
    if "mark" in spec and not told:
        mark = spec["mark"] if isinstance(spec["mark"], dict) else {"type": spec["mark"]}
        found += [] if "tooltip" in mark else [mark["type"]]
    return found


@pytest.mark.parametrize(("page", "study", "query"), VIEWS)
def test_no_mark_shows_the_columns_of_its_table(page, study, query, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(f"pages/{page}.py", study=study, **query)
    specs = [json.loads(element.proto.spec) for element in app.get("vega_lite_chart")]
    assert specs
    assert [kinds for kinds in map(untold, specs) if kinds] == []


def test_the_check_can_fail():
    told = {"mark": "point", "encoding": {"tooltip": {"value": None}}}
    assert untold({"layer": [{"mark": {"type": "rule"}}, told]}) == ["rule"]
    assert untold({"encoding": {"tooltip": []}, "layer": [{"mark": "line"}]}) == []
