"""The page about size and speed, on tiny networks that the test trains."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core import checkpoints, cost, exports
from core.errors import StorageFull
from pages.components import cost_data, look
from tests.core.no_room import full
from tests.pages.opening import opened, texts

COST = "pages/cost.py"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Times are measured for a moment only."""
    measure, heads, stand_in = cost.measure, cost.compare_heads, cost.stand_in_head
    monkeypatch.setattr(cost, "measure", lambda *words, **options: measure(*words, **options | {"seconds": 0.01}))
    monkeypatch.setattr(cost, "compare_heads", lambda head, **options: heads(head, **options | {"seconds": 0.01}))
    monkeypatch.setattr(cost, "stand_in_head", lambda sparsity, classes, size: stand_in(sparsity, classes, 32))


def entry(name):
    return next(entry for entry in checkpoints.list() if entry.id.endswith(name))


def test_it_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened(COST))


def test_it_counts_what_the_engine_counts(study):
    app = opened(COST, network="iterative-80")
    found = cost.cost_of(entry("iterative-80"))
    cards = {card.label: card.value for card in app.metric}
    assert cards["Weights that are zero"] == f"{found.nominal:.1%}" == "80.0%"
    assert cards["Weights to leave out"] == cost.percent(found.effective)
    assert cards["Dead channels"] == f"{found.constant + found.unread:,}"
    assert cards["Operations left"] == look.share(found.flops_left / found.flops)
    assert "two for each multiply-add" in texts(app)
    headings = [element.value for element in app.markdown if element.value.startswith("## ")]
    assert headings == [f"## {cost_data.headline(found)}"], (
        "the page's question is answered before anything is measured"
    )
    sizes = app.dataframe[0].value.set_index("file")["bytes"]
    assert sizes[exports.FORMATS["sparse"].title] == found.bytes["sparse"]
    assert "What kills channels" in texts(app)


@pytest.mark.parametrize(
    ("zeros", "left", "words"),
    [
        (80, 1.0, "Smaller: 7.8 of 58.9 MB. Faster: no, all operations remain."),
        (80, 0.9999411, "Smaller: 7.8 of 58.9 MB. Faster: hardly, 99.99% of the operations remain."),
        (80, 0.491, "Smaller: 7.8 of 58.9 MB. Faster: it should be, once compacted 49% of the operations remain."),
        (0, 1.0, "Nothing is pruned here: smaller by rounding alone, 7.8 of 58.9 MB, and no faster."),
    ],
)
def test_the_headline_answers_from_what_was_counted(zeros, left, words):
    found = SimpleNamespace(
        zeros=zeros, flops=1.0, flops_left=left, bytes={"plain": 58_912_000, "plain16": 29_460_000, "sparse": 7_806_000}
    )
    assert cost_data.headline(found) == words
    rounding = ". Rounding to 16 bits alone makes it 29.5 MB, pruning then 7.8 MB"
    assert cost_data.like_for_like(found) == (rounding if zeros else "")


def test_no_time_is_shown_before_it_was_measured_here_and_none_without_machine_threads_batch_and_spread(study):
    app = opened(COST, network="iterative-80")
    assert "quartiles" not in texts(app).replace("lines their quartiles", "")
    app.button(key="measure-now").click().run()
    assert not app.exception
    told = texts(app)
    machine = cost.machine()
    assert told.count(str(machine)) >= 2
    assert "one image (quartiles" in told
    assert "64 images at once (quartiles" in told
    assert "thread" in str(machine)
    table = next(t.value for t in app.dataframe if "rounds" in t.value)
    assert set(table["network"]) == {cost_data.DENSE, cost_data.ZEROS, cost_data.COMPACTED}
    assert set(table["batch"]) == {1, 64}
    assert (table["rounds"] >= 11).all()


def test_sparse_matrices_are_measured_on_demand(study):
    app = opened(COST, network="iterative-80")
    app.button(key="head").click().run()
    assert not app.exception
    told = texts(app)
    assert "With 80% zeros, CSR matrices are" in told
    assert "This network has no such head" in told
    assert "float32" in told
    dense = opened(COST, network="dense")
    assert "Choose a pruned network" in texts(dense)


def test_all_networks_stand_against_their_costs(study):
    app = opened(COST, show="tradeoff")
    table = app.dataframe[0].value.set_index("id")
    for name in ("dense", "iterative-80"):
        one = entry(name)
        row = table.loc[one.id]
        assert row["bytes"] == one.path.stat().st_size
        assert row["flops"] == cost.cost_of(one).flops_left
        assert row["balanced_accuracy"] == one.card.metrics["balanced_accuracy"]["estimate"]
    assert table["best"].any()
    assert "95% intervals" in texts(app)
    app = opened(COST, show="tradeoff", against="milliseconds")
    assert not app.dataframe
    assert "measured here" in texts(app)
    app.button(key="measure-all").click().run()
    assert not app.exception
    table = app.dataframe[0].value
    assert (table["milliseconds"] > 0).all()
    assert str(cost.machine()) in texts(app)


@pytest.mark.parametrize("format", exports.FORMATS)
def test_every_format_has_its_code_its_card_and_its_size(study, format):
    app = opened(COST, show="take", network="iterative-80", format=format)
    assert not app.exception
    assert not app.error
    one = entry("iterative-80")
    file = f"{one.id.replace('/', '-')}-{format}{exports.FORMATS[format].suffix}"
    assert app.code[0].value == exports.example(one.card, format, file).rstrip() or file in app.code[0].value
    told = texts(app)
    assert "Not for diagnosis" in told
    assert one.card.digest in told
    card = next(element.value for element in app.markdown if element.value.startswith("### "))
    assert not re.search(r"^##? ", card, re.MULTILINE), "the page has a title of its own"
    assert "```" not in card


def test_the_file_is_made_when_it_is_asked_for_and_as_large_as_promised(study):
    from pages.components import cost_take

    one = entry("iterative-80")
    for name, size in cost.cost_of(one).bytes.items():
        assert len(cost_take._bytes(one, name)) == size
    with full(1000), pytest.raises(StorageFull, match="TMPDIR"):
        cost_take._bytes(one, "sparse")
    again = np.frombuffer(cost_take._bytes(one, "sparse"), np.uint8)
    assert np.array_equal(again, np.frombuffer(cost_take._bytes(one, "sparse"), np.uint8))


@pytest.mark.parametrize("hidden", [("onnxruntime",), ("onnx", "onnxruntime")])
def test_without_the_packages_onnx_says_what_to_install(study, monkeypatch, hidden):
    import importlib.util

    find = importlib.util.find_spec

    def found(name, *more):
        if name in ("onnx", "onnxruntime"):
            return None if name in hidden else find("json")
        return find(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", found)
    app = opened(COST, show="take", format="onnx")
    assert f"pip install {' '.join(hidden)}" in app.info[0].value


def test_nonsense_in_the_address_falls_back(study):
    for query in (
        {"show": "x"},
        {"network": "../../etc"},
        {"show": "tradeoff", "against": "%00"},
        {"show": "take", "format": "zip"},
    ):
        app = opened(COST, **query)
        assert not app.error
        assert app.title[0].value == "Is it smaller? Is it faster?"


def test_a_parent_that_is_gone_is_told(study):
    entry("dense").path.rename(entry("dense").path.with_name("gone.txt"))
    app = opened(COST)
    assert "No trained network yet" in texts(app)


def test_networks_without_weights_are_left_out_of_what_looks_at_weights_and_that_is_said(study):
    shipped = entry("iterative-80")
    checkpoints.write_card(shipped.path, shipped.card, shipped.size_bytes)
    shipped.path.unlink()
    app = opened(COST, show="tradeoff", against="flops")
    assert list(app.dataframe[0].value["id"]) == [entry("dense").id]
    assert "Not shown: 1 of which only results are here" in texts(app)
    app = opened(COST, show="tradeoff")  # but the size of its file is on the card
    table = app.dataframe[0].value.set_index("id")
    assert table.loc[shipped.id, "bytes"] == shipped.size_bytes
    assert np.isnan(table.loc[shipped.id, "flops"])
    assert "Not shown" not in texts(app)
    now = opened(COST)
    assert [choice.options for choice in now.selectbox if choice.label == "Network"] == [["Dense"]]


def test_a_network_trained_for_channels_to_die_says_so_and_others_point_to_it(study):
    strong = checkpoints.load(entry("iterative-80").path)
    training = strong.card.recipe["training"] | {"decay": 0.01, "norm_decay": 0.04}
    recipe = strong.card.recipe | {"training": training}
    saved = checkpoints.save(
        strong.model(), replace(strong.card, recipe=recipe, recipe_hash="0a1b2c3d" * 2), masks=strong.masks
    )
    assert saved.id.endswith("iterative-80-0a1b2c3d")
    app = opened(COST, network="iterative-80")
    [choice] = [choice for choice in app.selectbox if choice.label == "Network"]
    assert choice.options == ["Dense", "Iterative, 80% zero, weight decay 0.01", "Iterative, 80% zero"]
    assert "choose **Iterative, 80% zero, weight decay 0.01** above" in texts(app)
    assert "To see channels that died" not in texts(opened(COST, network="iterative-80-0a1b2c3d"))
