"""The charts of What if as specifications: told apart without colours, legible where faint, and silent where nothing is to be said."""

from collections.abc import Iterator

import pytest

from pages.components import look, whatif_charts, whatif_confusion, whatif_curves

INK, GREEN = "#000000", "#16906c"
NAMES = ("All images", "a", "b", "c", "d", "e", "f", "g")
CHARTS = {
    "found": lambda: whatif_charts.found(3, GREEN, INK, True),
    "changes": lambda: whatif_charts.changes(3, 0.5, INK, "lesions"),
    "rates": lambda: whatif_charts.rates(3, GREEN, INK, "Forgotten", True),
    "operating": lambda: whatif_curves.operating(GREEN, INK),
    "unbroken": lambda: whatif_curves.unbroken(NAMES, NAMES, tuple(map(tuple, map(look.dash, range(8)))), INK, True),
    "probabilities": lambda: whatif_curves.probabilities(NAMES, NAMES, tuple(map(look.mark, range(8))), INK),
    "reliability": lambda: whatif_curves.reliability(GREEN, INK),
    "layers": lambda: whatif_curves.layers(NAMES, GREEN, INK, True),
    "answers": lambda: whatif_confusion.answers(NAMES, False, INK, False),
}


def parts(spec: dict, above: dict | None = None) -> Iterator[dict]:
    """The layers of a chart, each with all that it encodes and computes."""
    encoding = (above or {}) | spec.get("encoding", {})
    if "layer" not in spec:
        kind = spec["mark"] if isinstance(spec["mark"], str) else spec["mark"]["type"]
        yield {"kind": kind, "encoding": encoding, "mark": spec["mark"], "data": spec["data"]["name"]}
        return
    for layer in spec["layer"]:
        yield from parts({"data": spec.get("data")} | layer, encoding)


@pytest.mark.parametrize("name", CHARTS)
def test_no_tooltip_lists_the_columns_of_a_table(name):
    """What has no tooltip of its own gets one from the app's theme, with raw names and nulls."""
    for part in parts(CHARTS[name]()):
        assert "tooltip" in part["encoding"], part
        told = part["encoding"]["tooltip"]
        for value in told if isinstance(told, list) else []:
            assert value["title"].strip(), value


@pytest.mark.parametrize("name", ["operating", "reliability"])
def test_dense_and_pruned_are_told_apart_in_grey(name):
    scales = [
        part["encoding"]["strokeDash"]["scale"]
        for part in parts(CHARTS[name]())
        if part["kind"] == "line" and "network" in str(part["encoding"])
    ]
    assert scales
    assert all(scale["domain"] == ["Dense", "Pruned"] and scale["range"][0] != scale["range"][1] for scale in scales)


def test_lines_of_classes_are_told_apart_without_colours():
    lines = [part for part in parts(CHARTS["unbroken"]()) if "strokeDash" in part["encoding"]]
    assert len(lines) == 2  # the classes, and all images on top
    for part in lines:
        assert part["encoding"]["strokeDash"]["scale"]["domain"] == list(NAMES)
        assert part["encoding"]["strokeDash"]["legend"]["symbolType"] == "stroke"
    dashes = lines[0]["encoding"]["strokeDash"]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes[:7]}) == 7
    marks = [part["encoding"]["shape"] for part in parts(CHARTS["probabilities"]()) if "shape" in part["encoding"]]
    assert len(set(marks[0]["scale"]["range"][:7])) == 7


def test_counts_of_classes_that_are_not_brought_out_can_be_read():
    texts = [part for name in ("changes", "answers") for part in parts(CHARTS[name]()) if part["kind"] == "text"]
    assert texts
    assert all(part["encoding"]["opacity"]["field"] == "legible" for part in texts)


def test_the_zero_of_the_changes_stands_beside_the_bars_only():
    [zero] = [part for part in parts(CHARTS["changes"]()) if part["kind"] == "tick"]
    assert zero["encoding"]["yOffset"]["datum"] == "bar"
    assert zero["data"] == "names"  # one a row


def test_a_legend_of_layers_set_by_hand_is_shown_only_where_one_is():
    for by_hand in (True, False):
        [bars] = [part for part in parts(whatif_curves.layers(NAMES, GREEN, INK, by_hand)) if part["kind"] == "bar"]
        assert bool(bars["encoding"]["color"]["legend"]) == by_hand
