import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from core.data.ham10000 import CLASSES
from core.data.phantom import RANGES, RARITY, SIGNS, SIGNS_OF, Parameters, preset, render, sample
from core.data.phantom.dataset import sign_masks
from core.data.phantom.sampling import LOOKS
from core.errors import InvalidValue, UnknownName


def test_each_class_has_its_signs():
    assert tuple(SIGNS_OF) == tuple(sorted(SIGNS_OF)) == CLASSES
    assert {sign for signs in SIGNS_OF.values() for sign in signs} == set(SIGNS)
    for name in CLASSES:
        textbook = preset(name)
        assert textbook.diagnosis == name
        assert set(textbook.signs) == set(SIGNS_OF[name]) == set(LOOKS[name].signs)
        assert not set(LOOKS[name].also) - set(SIGNS)
    with pytest.raises(UnknownName, match="did you mean mel"):
        preset("mela")


@pytest.mark.parametrize("name", RANGES)
def test_bad_values_are_named(name):
    low, high = RANGES[name]
    for bad in (low - 0.01, high + 1, float("nan"), "much", None, True):
        with pytest.raises(InvalidValue, match=f"parameter {name} of a phantom.*Given: .*Expected: a .*number from"):
            Parameters(**{name: bad})
    for good in (low, high):
        assert getattr(Parameters(**{name: good}), name) == good
    assert isinstance(Parameters(**{name: np.float32(high)}).record()[name], int if name in ("seed", "view") else float)


def test_names_that_are_none():
    with pytest.raises(UnknownName, match="no class of this name"):
        Parameters(diagnosis="naevus")
    with pytest.raises(UnknownName, match="did you mean streaks"):
        Parameters().but(streak=0.5)
    with pytest.raises(UnknownName, match=r"no sign of this name.*globules"):
        Parameters().without("globule")
    with pytest.raises(InvalidValue, match=r"parameter seed .*whole number"):
        Parameters(seed=1.5)


@pytest.mark.parametrize("size", [31, 257, 64.5, "64", True, None, float("nan"), float("inf")])
def test_sizes_that_are_not_drawn(size):
    with pytest.raises(InvalidValue, match=r"not drawn at this size.*32 to 256"):
        render(Parameters(), size)


def test_render_wants_parameters():
    with pytest.raises(InvalidValue, match="no phantom"):
        render([{"streaks": 1}])
    assert render([], 32).images.shape == (0, 32, 32, 3)


def test_records_round_trip():
    for item in sample(20, 5):
        assert Parameters.of(json.loads(json.dumps(item.record()))) == item
    assert Parameters.of({"skin": 5.6, "other": 1}).fitzpatrick == 6


def test_samples_depend_on_the_seed_alone_and_begin_alike():
    assert sample(40, 1) == sample(60, 1)[:40]
    assert sample(40, 1) != sample(40, 2)
    assert sample(0) == []


def test_classes_are_as_rare_as_asked():
    drawn = [item.diagnosis for item in sample(4000, 3)]
    for name, share in RARITY.items():
        assert drawn.count(name) / 4000 == pytest.approx(share, abs=3 * (share * (1 - share) / 4000) ** 0.5)
    assert {item.diagnosis for item in sample(50, 3, classes={"df": 2, "nv": 0})} == {"df"}


@pytest.mark.parametrize(
    "classes", [{"nv": -1}, {"nv": 0}, {}, {"nv": "1"}, {"nv": float("nan")}, {"nv": float("inf")}]
)
def test_weights_that_are_not_possible(classes):
    with pytest.raises(InvalidValue):
        sample(3, classes=classes)


def test_other_bad_arguments():
    with pytest.raises(UnknownName):
        sample(3, classes={"naevus": 1})
    for bad in (-1, 2.5, True, "3"):
        with pytest.raises(InvalidValue, match="count"):
            sample(bad)


@pytest.mark.parametrize(
    "call",
    [
        lambda: render(5),
        lambda: render(None),
        lambda: sample(3, classes=["mel"]),
        lambda: sample(3, classes="mel"),
        lambda: sample(3, views="a"),
        lambda: sample(3, views=-1),
        lambda: sample(3, views=float("nan")),
        lambda: sample(3, seed=None),
        lambda: sample(3, seed=1.5),
        lambda: sign_masks(5),
    ],
)
def test_arguments_of_another_kind_are_named(call):
    with pytest.raises(InvalidValue):
        call()


def test_second_views_are_of_the_same_lesion():
    drawn = sample(400, 7, views=0.5)
    pairs = [(a, b) for a, b in pairwise(drawn) if a.seed == b.seed]
    assert 80 < len(pairs) < 190
    for first, second in pairs:
        assert (first.view, second.view > 0) == (0, True)
        same = ("diagnosis", "asymmetry", "border", "colour", "diameter", "pigment", "redness", "skin", *SIGNS)
        assert all(getattr(first, name) == getattr(second, name) for name in same)


def test_a_lesion_never_lacks_its_classs_sign_and_then_has_its_middle_strength(monkeypatch):
    look = LOOKS["vasc"]
    monkeypatch.setitem(LOOKS, "vasc", replace(look, signs={"lacunae": (0.0, 0.35, 1.0)}))
    strengths = [lesion.lacunae for lesion in sample(200, 3, classes={"vasc": 1})]
    # The middle of 0.35 and 1, as clear as the lesion is: from 0.6 to 1.2 times.
    assert min(strengths) == pytest.approx(0.6 * 0.675, abs=0.02)
    assert max(strengths) == pytest.approx(1.2 * 0.675, abs=0.02)
