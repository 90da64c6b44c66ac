import json

import numpy as np
import pytest
import torch

from core.checkpoints import Architecture, Card, DataInfo, recipe_hash
from core.errors import (
    CheckpointDamaged,
    CheckpointMismatch,
    InvalidSparsity,
    InvalidValue,
    PruneScopeError,
    UnknownName,
)


def test_a_card_survives_json(card):
    one = card(mean=(0.1, 0.2, 0.3), std=[1, 2, 3])
    assert Card.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_numbers_become_pythons_own(card):
    one = card(
        history=[{"loss": np.float32(0.5), "epoch": np.int64(1), "seen": torch.tensor([1, 2])}],
        metrics={"auc": {"estimate": float("nan"), "low": np.float64("-inf")}},
        recipe={"steps": (1, 2), 3: True},
        epochs=np.int64(4),
        sparsity=np.float32(0.5),
    )
    assert one.history == [{"loss": 0.5, "epoch": 1, "seen": [1, 2]}]
    assert one.metrics == {"auc": {"estimate": None, "low": None}}
    assert one.recipe == {"steps": [1, 2], "3": True}
    assert type(one.epochs) is int
    assert type(one.sparsity) is float
    json.dumps(one.to_dict(), allow_nan=False)


def test_keys_of_a_newer_minor_version_are_kept(card):
    values = card().to_dict() | {"format": "1.7", "weather": ["sunny"]}
    values["architecture"]["width"] = 1
    values["data"]["colour"] = "srgb"
    read = Card.from_dict(values)
    assert read.extra == {"weather": ["sunny"], "architecture": {"width": 1}, "data": {"colour": "srgb"}}
    assert read.to_dict() == values


def test_a_newer_major_version_asks_for_an_update(card):
    with pytest.raises(CheckpointMismatch, match="update PruneScope"):
        Card.from_dict({"format": "2.0"})
    with pytest.raises(CheckpointMismatch, match="update PruneScope"):
        Card.from_dict(card().to_dict() | {"architecture": {"name": "vit", "classes": 3}})


@pytest.mark.parametrize("text", [None, 1, "", "1", "0.1", "1.0.0", "x", "1.99999", "٣.١"])
def test_a_card_without_a_sane_format(text):
    with pytest.raises(CheckpointDamaged, match="format"):
        Card.from_dict({"format": text})


def test_wrong_values_in_a_file_are_named_errors(card):
    values = card(mean=(0, 0, 0), std=(1, 1, 1)).to_dict()
    for key in values:
        for wrong in (None, -1, "x/../y", [[]], {"a": 1}, True, 10**400, float("nan"), [1, 2], ["a", "b", "c"]):
            try:
                read = Card.from_dict(values | {key: wrong})
                read.to_dict()
            except PruneScopeError:
                continue
            assert json.loads(json.dumps(read.to_dict())) == read.to_dict(), (key, wrong)
    for key in ("data", "architecture"):
        for inner in values[key]:
            for wrong in (None, -1, [[]], {"a": 1}, 10**400):
                with pytest.raises((CheckpointDamaged, CheckpointMismatch)):
                    Card.from_dict(values | {key: values[key] | {inner: wrong}})
    for key in ("study", "data", "architecture", "method"):
        with pytest.raises(CheckpointDamaged, match=key):
            Card.from_dict({name: value for name, value in values.items() if name != key})


def test_wrong_values_are_refused_when_a_card_is_made(card):
    with pytest.raises(InvalidSparsity):
        card(sparsity=80)
    for name in ("../x", "a//b", "/a", "a/..", "a b\n", "", "x" * 61):
        with pytest.raises(InvalidValue, match="name a file"):
            card(study=name)
    with pytest.raises(InvalidValue, match="Linear"):
        card(recipe={"model": torch.nn.Linear(1, 1)})
    with pytest.raises(InvalidValue, match="2 class names"):
        card(data=DataInfo("x", 6, ("a", "b")))
    with pytest.raises(InvalidValue, match="estimate"):
        card(metrics={"auc": 0.5})
    with pytest.raises(InvalidValue, match="std"):
        card(std=(1, 0, 1))
    with pytest.raises(InvalidValue, match="seed"):
        card(seed=-1)
    with pytest.raises(UnknownName, match="did you mean vgg16"):
        Architecture("vgg", 7)
    with pytest.raises(InvalidValue, match="classes"):
        Architecture("vgg16", 1)


WHOLE = {"estimate": 0.5, "low": 0.4, "high": 0.6, "n": 10, "method": "Wilson"}


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": {"accuracy": WHOLE | {"low": None}}},
        {"metrics": {"accuracy": {"estimate": 0.5, "high": 0.6}}},
        {"metrics": {"accuracy": WHOLE | {"high": "0.6"}}},
        {"metrics": {"accuracy": WHOLE | {"n": "10"}}},
        {"metrics": {"accuracy": WHOLE | {"n": -1}}},
        {"metrics": {"accuracy": WHOLE | {"n": True}}},
        {"metrics": {"accuracy": WHOLE | {"method": 5}}},
        {"metrics": {"accuracy": {"low": 0.4, "high": 0.6}}},
        {"zeros": 2, "weights": 1},
        {"zeros": 10**400, "weights": 10**401},
        {"weights": 2**63},
        {"history": [1, 2]},
        {"history": [{}, None]},
        {"recipe": {"training": [1]}},
        {"recipe": {"training": "?"}},
    ],
    ids=str,
)
def test_what_would_stop_whoever_shows_a_card_is_refused(card, change):
    with pytest.raises(InvalidValue):
        card(**change)
    with pytest.raises(CheckpointDamaged):
        Card.from_dict(card().to_dict() | change)


@pytest.mark.parametrize(
    "metric", [WHOLE, {"estimate": None}, WHOLE | {"low": None, "high": None}, WHOLE | {"n": None}]
)
def test_metrics_that_are_whole_are_taken(card, metric):
    assert card(metrics={"accuracy": metric}, zeros=1, weights=1, recipe={}).metrics == {"accuracy": metric}


def test_recipe_hash_ignores_the_order_of_keys():
    assert recipe_hash({"a": 1, "b": {"c": 2.5, "d": (1, 2)}}) == recipe_hash({"b": {"d": [1, 2], "c": 2.5}, "a": 1})
    assert recipe_hash({"a": 1}) != recipe_hash({"a": 2})
