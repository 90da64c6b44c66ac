"""The page about methods: on tiny networks, and on networks made up so that the verdicts are known."""

import json
import re

import pandas as pd
import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df

from core import checkpoints, claims, replication, responses
from pages.components import loaders, methods_charts, methods_table
from pages.components.methods_controls import SECTIONS
from tests.core import invented
from tests.core.invented import STUDY
from tests.pages.methods.conftest import LESIONS, METHODS, TEST, share
from tests.pages.opening import opened, texts


def test_without_networks_the_page_says_what_to_do():
    app = opened(METHODS)
    assert "No trained network yet" in texts(app)


def test_every_part_opens_on_a_study_that_has_little(study):
    """A dense network and one method, no stored answer, no control, and not a study of the paper's."""
    for name, title in SECTIONS.items():
        for text in (name, title):  # older links hold what was written on the button
            app = opened(METHODS, part=text)
            assert not app.error, title
            assert app.segmented_control[0].value == name
        assert "T. Akhtar and D. R. Bathula" in texts(app)


def test_missing_answers_and_networks_are_named(study):
    said = texts(opened(METHODS))
    assert "No claim can be tested on what is trained so far" in said
    assert f"answers of {study}/iterative-80 and {study}/dense are not stored" in said
    assert "One-shot at 80% is not trained" in said
    assert ": **not tested**." in said
    assert ": **cannot be told**" not in said, "a verdict is of a test"
    said = texts(opened(METHODS, part="curves"))
    assert "Not trained yet: One-shot, Layer by layer, Dense, trained on, One-shot at random" in said
    app = opened(METHODS, part="layerwise")
    assert "No network was pruned layer by layer yet" in app.info[0].value
    assert f"python -m core prune {study} layerwise 0.8" in app.code[0].value
    assert "the dense network trained on for 8 epochs is missing" in texts(opened(METHODS, part="training"))


@pytest.mark.parametrize("query", [{"part": "nope"}, {"measure": "?"}, {"claims-at": "12%"}, {"study": "no/no"}])
def test_a_link_with_nonsense_in_it_opens_the_default_view(everything, query):
    app = opened(METHODS, **query)
    assert not app.error
    assert "claims that can be tested" in texts(app)


def test_verdicts_on_the_page_are_those_of_the_engine(everything):
    app = opened(METHODS)
    own = replication.lines(STUDY, checkpoints.list())
    assert [line.seed for line in own] == [0, 1]
    from core.cohort import Cohort

    stored = replication.Stored(Cohort.of(TEST), responses.read)
    found = claims.judge(claims.claims(STUDY, [0.8]), own, stored, "accuracy")
    said = texts(app)
    assert claims.summary(found) in said
    for finding in found:
        if finding.claim.sparsity == 0.8:
            headline = claims.headline(finding.claim)
            assert f"{headline[0].upper()}{headline[1:]}: **{finding.verdict}**" in said
    assert "Iterative is the best of the three at 80%: **holds**" in said
    assert "iterative 88.59%" in said, "the paper's own numbers stand beside it"
    assert f"{len(TEST):,} test images of {LESIONS} lesions" in said
    assert "up to 2 seeds" in said
    pd.testing.assert_frame_equal(app.dataframe[0].value, claims.as_table(found), check_dtype=False)


def test_the_claims_answer_which_way_is_best_and_say_what_was_told_at_other_sparsities(everything, put):
    """One sparsity is shown at a time: what holds or falls at another would never be seen."""
    dense = next(entry for entry in checkpoints.list() if entry.id == f"{STUDY}/dense")
    for method, right in (("iterative", 0.3), ("one_shot", 0.6), ("layerwise", 0.9)):
        put(invented.entry(f"{STUDY}/{method}-95", method, 0.95, parent=dense), share(right))
    app = opened(METHODS)
    headings = [element.value for element in app.markdown if element.value.startswith("## ")]
    assert headings[0].startswith("## Iterative is the best of the three ways at 80%; layer by layer is the best of ")
    assert "at 80 and 95% of their weights removed" in texts(app)
    told = app.table[0].value
    assert list(told.columns) == ["50%", "80%", "95%"]
    row = told.loc["Iterative is the best of the three"]
    assert (row["80%"], row["95%"]) == (":green[✓]", ":red[✗]")
    assert row["50%"] == "", "nothing was trained there"
    assert "Iterative is the best of the three at 95%" not in texts(app)
    said = texts(app.segmented_control(key="claims-at").select("95%").run())
    assert "Iterative is the best of the three at 95%: **does not hold**" in said


def test_claims_share_an_axis_and_a_legend(everything):
    charts = [json.loads(element.proto.spec) for element in opened(METHODS).get("vega_lite_chart")]
    assert len(charts) == 5
    legends = [_found(chart, "legend") for chart in charts]
    assert any(legends[0])
    assert not any(key for own in legends[1:] for key in own)
    domains = [
        tuple(next(value for value in _found(chart, "domain") if len(value) == 2 and isinstance(value[0], float)))
        for chart in charts
    ]
    assert len(set(domains)) == 1
    words = [layer for chart in charts for layer in _layers(chart) if (layer["mark"] or {}).get("type") == "text"]
    assert words
    assert all(layer["encoding"]["tooltip"] == {"value": None} for layer in words)
    # The edge stands beside the marks: through the names it would be read as a letter.
    edges = [layer for chart in charts for layer in _layers(chart) if layer["mark"]["type"] == "tick"]
    assert len(edges) == 5
    assert all(layer["encoding"]["yOffset"]["datum"] == "value" for layer in edges)


def _layers(chart: dict) -> list[dict]:
    return [leaf for layer in chart.get("layer", ()) for leaf in (_layers(layer) or [layer])]


def _found(part, name: str) -> list:
    """Every value under a name, however deep."""
    if isinstance(part, dict):
        return [part[name] for _ in range(name in part)] + [
            value for own in part.values() for value in _found(own, name)
        ]
    return [value for own in part for value in _found(own, name)] if isinstance(part, list) else []


def test_values_that_differ_from_cell_to_cell_stand_in_order_with_their_unit_once():
    epochs = pd.Series(["80 epochs", "135 or 900 epochs", "10 epochs", "80 epochs"])
    assert methods_table._together(epochs) == "10; 80; 135 or 900 epochs"
    assert methods_table._together(["128×128", "64×64"]) == "64×64; 128×128"
    assert methods_table._together(["by row: lesions of test images are trained on"]).startswith("by row")


def test_the_measure_changes_the_verdicts_and_is_in_the_link(everything):
    app = opened(METHODS, measure="balanced_accuracy")
    assert app.segmented_control[1].value == "balanced_accuracy"
    assert re.search(r"Differences in balanced accuracy under about \d+\.\d points cannot be told here", texts(app))
    assert "of all intervals of a difference in balanced accuracy reach further than" in texts(app)
    assert set(app.dataframe[0].value["measure"]) == {"balanced_accuracy"}


def test_the_table_has_the_papers_cells_and_the_numbers_of_the_cards(everything):
    app = opened(METHODS, part="table")
    assert "has 24 cells; we have trained networks for 3 of them" in texts(app)
    shown = app.dataframe[0].value
    assert len(shown) == 24
    row = shown[
        (shown["Method"] == "Iterative") & (shown["Removed"] == "80%") & (shown["Our network"] == "64 px")
    ].iloc[0]
    metric = checkpoints.list()[0].card.metrics  # of dense-1, to be sure that the row is of another
    card = next(e.card for e in checkpoints.list() if e.id == everything["iterative", 0].id)
    estimate = card.metrics["accuracy"]["estimate"]
    assert metric["accuracy"]["estimate"] != estimate
    assert row["Paper"] == "88.59%"
    assert row["Ours [95%]"].startswith(f"{100 * estimate:.1f}% [")
    assert row["Minus paper"] == f"{100 * estimate - 88.59:+.1f}".replace("-", "−")
    assert row["Differs in"].startswith("SL")
    assert row["Over seeds"].endswith("2 seeds")
    assert (shown["Ours [95%]"].str.startswith("not trained yet")).sum() == 21
    side = app.table[0].value
    assert list(side.columns) == ["Iterative", "One-shot", "Layer by layer"]
    assert len(side) == 8
    cell = side.at["VGG16, HAM10000, 80%", "Iterative"]
    assert cell.startswith(f"88.6 → {100 * estimate:.1f} [")
    assert side.at["VGG16, HAM10000, 50%", "Iterative"] == "88.3 → not trained yet"
    assert list(shown.columns)[:2] == ["Network, data", "Our network"], "what tells rows of one cell apart is in sight"
    marks = app.table[1].value
    assert set(row["Differs in"]) <= set(marks.index)


def test_the_table_tells_what_split_and_budgets_explain_where_a_network_has_the_papers(everything, put):
    assert not opened(METHODS, part="table").header
    dense = put(invented.entry(f"{STUDY}/dense-row", split_by="row"), share(0.9))
    pruned = invented.entry(f"{STUDY}/iterative-row", "iterative", 0.8, parent=dense, split_by="row", epochs=16)
    pruned = put(pruned, share(0.95))
    loaders.entries.clear()  # as after two seconds
    app = opened(METHODS, part="table")
    assert app.header[0].value == "What the paper's split and budgets explain", (
        "what was found stands before what it was found in"
    )
    (shown,) = [element.value for element in app.dataframe if "Explained" in element.value]
    (row,) = shown.to_dict("records")
    theirs, ours = (entry.card.metrics["accuracy"]["estimate"] for entry in (pruned, everything["iterative", 0]))
    assert (row["Network, data"], row["Method"], row["Paper"]) == ("VGG16, HAM10000, 64 px", "Iterative", "88.59%")
    gap = f"{100 * (0.8859 - ours):+.1f}".replace("-", "−")
    explained = f"{100 * (theirs - ours):+.1f}".replace("-", "−")
    assert f"In one cell they make **{explained}** of the **{gap}** points" in texts(app)
    assert row["Explained"].startswith(f"{100 * (theirs - ours):+.1f}".replace("-", "−"))
    assert row["Left"] == f"{88.59 - 100 * theirs:+.1f}".replace("-", "−")
    assert row["Epochs"] == f"16, {everything['iterative', 0].card.epochs:g}"


def test_curves_bars_and_learning_show_the_cards(everything):
    app = opened(METHODS, part="curves")
    frame = app.dataframe[0].value
    assert set(frame.loc[frame["trained"], "method"]) == {
        *("dense", "dense_trained_on", "iterative", "layerwise", "one_shot", "one_shot-random")
    }
    assert "Not trained yet" not in texts(app)
    (chart,) = app.get("vega_lite_chart")
    (domain,) = {tuple(own) for own in _found(json.loads(chart.proto.spec), "domain") if "Dense" in own}
    assert {methods_charts.PAPER, methods_charts.AGAIN} <= set(domain), "hollow and small points are in the legend"
    drawn = _drawn(chart)
    assert not {name for name, trained in drawn if not trained} - {"prune_only"}, "networks pruned on are asked for"
    app.toggle(key="pruned-on").set_value(True).run()
    assert {name for name, trained in _drawn(app.get("vega_lite_chart")[0]) if not trained} - {"prune_only"}
    assert f"n = {len(TEST):,} test images" in texts(app)
    assert "the paper's, under its own split" in texts(app)
    assert "the paper's, under" not in texts(opened(METHODS, part="curves", measure="balanced_accuracy"))
    frame = opened(METHODS, part="layerwise").dataframe[0].value
    assert list(frame.loc[frame["source"] == "ours", "unit"]) == ["conv 1", "conv 2", "output"]
    assert len(frame[frame["source"] == "paper"]) == 8
    app = opened(METHODS, part="training", curve="Training loss")
    assert "Training loss on training images" in texts(app)
    frame = app.dataframe[0].value
    assert frame["epoch"].max() == 6
    assert re.search(
        r"Iterative is no more than 1 point behind dense \(trained on\) at 80%: \+.*\*\*holds\*\*", texts(app)
    )


def test_a_damaged_response_is_as_if_it_were_missing(everything):
    path = responses.path_of(everything["one_shot", 0])
    path.write_bytes(b"no parquet")
    app = opened(METHODS)
    assert not app.error
    assert "up to 2 seeds" in texts(app)  # the other seed still speaks
    responses.path_of(everything["one_shot", 1]).unlink()
    assert f"the answers of {STUDY}/one_shot-80 are not stored" in texts(opened(METHODS)).replace(
        "The answers", "the answers"
    )


def test_a_new_checkpoint_shows_without_a_restart(everything, put):
    from pages.components import loaders

    app = opened(METHODS, part="curves")
    before = len(app.dataframe[0].value)
    dense = next(entry for entry in checkpoints.list() if entry.id == f"{STUDY}/dense")
    put(invented.entry(f"{STUDY}/iterative-90", "iterative", 0.9, parent=dense), share(0.5))
    loaders.studies.clear()  # as after two seconds
    loaders.entries.clear()
    assert len(app.run().dataframe[0].value) > before


def _drawn(chart) -> set[tuple[str, bool]]:
    """Which methods a chart's data have, and whether as trained networks."""
    frame = pd.concat([convert_arrow_bytes_to_pandas_df(own.data.data) for own in chart.proto.datasets])
    return set(zip(frame["method"], frame["trained"], strict=True))


def test_pointers_are_told_intervals_in_words():
    """The paper gives none, and "95% from: null, to: null" is no way to say so."""
    frame = pd.DataFrame({"low": [0.731, None], "high": [0.752, None]})
    assert list(methods_charts.with_interval(frame)["interval"]) == ["[73.1, 75.2]%", "none"]
