from fractions import Fraction

import numpy as np
import pytest
import torch

from core.errors import (
    InvalidSparsity,
    InvalidValue,
    PruneScopeError,
    StorageFull,
    UnknownName,
    check_choice,
    check_sparsity,
    check_whole,
)


def test_a_message_says_what_was_given_expected_and_to_be_done():
    error = PruneScopeError("It is wrong", given=3, expected="4", remedy="take 4")
    assert str(error) == "It is wrong. Given: 3. Expected: 4. What to do: take 4."
    assert str(PruneScopeError("It is wrong")) == "It is wrong."


def test_near_names_are_suggested_and_far_ones_are_not():
    with pytest.raises(UnknownName) as caught:
        check_choice("method", "oneshot", ["one_shot", "layerwise"])
    assert caught.value.near == ["one_shot"]
    assert str(caught.value).endswith("did you mean one_shot?")
    with pytest.raises(UnknownName) as caught:
        check_choice("method", "xyz", ["one_shot", "layerwise"])
    assert "did you mean" not in str(caught.value)
    assert "layerwise, one_shot" in str(caught.value)


@pytest.mark.parametrize("name", [None, 3, ["one_shot"], "ONE_SHOT", ""])
def test_only_the_exact_text_is_a_choice(name):
    with pytest.raises(UnknownName):
        check_choice("method", name, ["one_shot"])
    with pytest.raises(UnknownName, match="none exists yet"):
        check_choice("method", name, [])


def test_a_message_stays_short_however_many_names_there_are():
    with pytest.raises(UnknownName, match=r"one of 510 names, such as .*did you mean") as caught:
        check_choice("layer", "layer1010", [f"layer{k:03d}" for k in range(510)])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("sparsity", [0, 0.0, 0.999999, np.float32(0.5), np.array(0.25), Fraction(1, 4)])
def test_a_share_is_a_sparsity(sparsity):
    assert check_sparsity(sparsity) == float(sparsity)


@pytest.mark.parametrize(
    "sparsity", [1, -0.1, 1.0, 80, float("nan"), float("inf"), None, "much", "0.5", b"0.5", True, False, [0.5]]
)
def test_anything_else_is_not(sparsity):
    with pytest.raises(InvalidSparsity, match="Sparsity is out of range"):
        check_sparsity(sparsity)


def test_python_code_may_catch_the_usual_classes():
    assert issubclass(InvalidSparsity, ValueError)
    assert issubclass(StorageFull, OSError)


@pytest.mark.parametrize("sparsity", [80, 80.0, "80", b"80", np.float32(80)])
def test_a_percentage_is_told_how_to_be_written(sparsity):
    with pytest.raises(InvalidSparsity, match=r"for 80 percent write 0\.8"):
        check_sparsity(sparsity)


@pytest.mark.parametrize("sparsity", ["0.5", b"0.5", bytearray(b"0.5")])
def test_text_is_told_the_number_to_write(sparsity):
    with pytest.raises(InvalidSparsity, match=r"write the number 0\.5"):
        check_sparsity(sparsity)


@pytest.mark.parametrize("sparsity", [np.array([0.5, 0.5]), torch.tensor([0.5, 0.5])])
def test_many_numbers_are_no_sparsity(sparsity):
    with pytest.raises(InvalidSparsity, match="out of range"):
        check_sparsity(sparsity)


def test_whole_numbers():
    assert [check_whole(value, "Wrong", 1, 3) for value in (1, np.int64(3))] == [1, 3]
    assert type(check_whole(np.int64(3), "Wrong", 1, 3)) is int
    for value in (0, 4, 1.0, True, "2", None, float("nan")):
        with pytest.raises(InvalidValue, match=r"Wrong.*a whole number from 1 to 3"):
            check_whole(value, "Wrong", 1, 3)
