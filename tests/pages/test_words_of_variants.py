"""What sets a run apart, as people read it: the same words on every screen, a contributor's criterion among them."""

import pytest

from core import claims
from core.exports import modelcard
from core.pruning import CRITERIA
from core.pruning.criteria import criterion
from pages.components import generate_fields, look
from tests.core import invented


@pytest.fixture
def scaled(monkeypatch):
    """A criterion that a contributor adds: one function in one file."""
    monkeypatch.setitem(CRITERIA, "scaled", None)  # taken out again in the end
    criterion("scaled", title="Smallest for their layer first", description="For a test.")(
        lambda name, weight, seed: weight.abs()
    )


def test_words_of_variants():
    assert look.title("one_shot-random") == "One-shot at random (control)"
    assert look.short("one_shot-random") == "One-shot at random"
    assert look.title("layerwise-channel") == "Layer by layer, whole channels"
    assert claims.network("one_shot-layer") == "one-shot, each layer alike"
    assert look.title("one_shot-channel-random") == "One-shot, whole channels at random (control)"
    assert look.title("one_shot-of_the_future") == "One-shot, of the future"
    assert (look.title("my-net"), look.title("prune_only")) == ("My-net", "No fine-tuning")


def test_a_new_criterion_speaks_with_its_own_title_and_is_no_control(scaled):
    label = "one_shot-scaled"
    assert look.title(label) == look.short(label) == "One-shot, smallest for their layer first"
    assert claims.network(label) == "one-shot, smallest for their layer first"
    made = {"study": invented.STUDY, "parent": {}, "method": "one_shot", "sparsity": 0.8}
    heads = [generate_fields.heading({**made, "criterion": name}) for name in ("magnitude", "random", "scaled")]
    assert [head.split("80%")[1] for head in heads] == ["", " at random", ", smallest for their layer first"]
    assert look.colour(label) not in {look.colour(name) for name in ("one_shot-random", "one_shot", "one_shot-channel")}
    assert look.shape(label) not in {look.shape(name) for name in ("one_shot-random", "one_shot", "layerwise")}
    card = invented.entry("x", label, 0.8, criterion="scaled", weights=10, zeros=8).card
    assert " One-shot, smallest for their layer first. " in modelcard._network(card)
