"""What sets a run apart, as cards write it."""

import itertools

from core.paths import BY_LOT
from core.pruning import CRITERIA, METHODS, SCOPES, Criterion, labels


def test_a_label_comes_apart_as_it_was_put_together():
    for parts in itertools.product(METHODS, SCOPES, CRITERIA):
        assert labels.parted(labels.written(*parts)) == parts
    assert labels.written("one_shot") == "one_shot"
    assert labels.written("one_shot", criterion="random") == f"one_shot{BY_LOT}"
    assert labels.parted("dense_trained_on") == labels.Label("dense_trained_on")
    assert labels.parted("my-own-net") == labels.Label("my-own-net")


def test_a_title_that_begins_with_a_name_keeps_its_capital():
    assert CRITERIA["magnitude"].beside == ", smallest weights first"
    made = Criterion("l1", "L1 norm of the unit", "For a test.", None)
    assert made.beside == ", L1 norm of the unit"
