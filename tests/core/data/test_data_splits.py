import hashlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.splits import SPLITS, check_split, filled, hashed, hashed_names
from core.errors import UnknownName


def reference(key: str, shares=(0.7, 0.1, 0.2)) -> int:
    number = int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) / 16**16
    return 0 if number < shares[0] else 1 if number < shares[0] + shares[1] else 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=1, max_size=30))
@example(["000\0", "000"])
def test_each_key_falls_by_its_own_hash(keys):
    assert hashed(keys).tolist() == [reference(key) for key in keys]


def test_shares():
    split = hashed(map(str, range(20_000)))
    np.testing.assert_allclose(np.bincount(split) / len(split), [0.7, 0.1, 0.2], atol=0.01)
    assert set(hashed_names(map(str, range(300)), (0.9, 0.1, 0.0))) == {"train", "validation"}
    assert hashed([]).shape == (0,)


def test_half_characters_do_no_harm():
    assert hashed(["m\udcfcller.png", "a"]).shape == (2,)


def keys_of(counts: list[int], start: int) -> tuple[list[str], list[int]]:
    names = [(f"{label}/{start}-{number}.png", label) for label, own in enumerate(counts) for number in range(own)]
    return [name for name, _ in names], [label for _, label in names]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=5),
    st.integers(0, 10**6),
    st.sampled_from([(0.7, 0.1, 0.2), (0.9, 0.1, 0.0), (0.8, 0.0, 0.2)]),
    st.randoms(use_true_random=False),
)
def test_small_sets_have_each_split_and_training_images_of_each_class_in_any_order(counts, start, shares, random):
    keys, labels = keys_of(counts, start)
    split, moved = filled(keys, labels, shares)
    first = hashed(keys, shares)
    assert moved == (split != first).sum()
    assert split.dtype == np.int8
    wanted = [number for number in (0, 1, 2) if shares[number]]
    assert {label for label, own in zip(labels, split, strict=True) if own == 0} == set(range(len(counts)))
    if len(keys) >= len(counts) + len(wanted) - 1:
        assert set(split) == set(wanted)
    if set(first) == set(wanted) and {label for label, own in zip(labels, first, strict=True) if own == 0} == set(
        labels
    ):
        assert moved == 0  # what can be used stays as the hash says
    rows = list(range(len(keys)))
    random.shuffle(rows)
    again, _ = filled([keys[row] for row in rows], [labels[row] for row in rows], shares)
    assert again.tolist() == split[rows].tolist()


def test_the_nearest_by_hash_move():
    keys, labels = keys_of([3, 3], 4)
    split, moved = filled(keys, labels)
    numbers = {key: int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) / 16**16 for key in keys}
    assert moved
    for label in (0, 1):
        own = sorted((key for key, at in zip(keys, labels, strict=True) if at == label), key=numbers.get)
        assert split[keys.index(own[0])] == 0  # training has the smallest hashes


@pytest.mark.parametrize(
    ("given_name", "meant"), [("val", "validation"), ("valid", "validation"), ("Training", "train")]
)
def test_names_of_other_libraries(given_name, meant):
    with pytest.raises(UnknownName, match=f"did you mean {meant}") as caught:
        check_split(given_name)
    assert caught.value.near == [meant]


@pytest.mark.parametrize("name", ["tets", None, 3, "", np.zeros(2), ["train"]])
def test_unknown_splits(name):
    with pytest.raises(UnknownName, match="one of all, test, train, validation"):
        check_split(name)


def test_few_groups_move_as_a_whole():
    for seed in range(60):
        random = np.random.default_rng(seed)
        groups = [f"P{seed}-{number}" for number in random.integers(0, 7, 30)]
        labels = random.integers(0, 3, 30).tolist()
        split, moved = filled(groups, labels)
        assert len({*zip(groups, split.tolist(), strict=True)}) == len(set(groups))
        assert {label for label, part in zip(labels, split, strict=True) if part == 0} == set(labels)
        if len(set(groups)) >= 6:
            assert set(split.tolist()) == {0, 1, 2}
        rows = random.permutation(30)
        assert filled([groups[row] for row in rows], [labels[row] for row in rows])[0].tolist() == split[rows].tolist()
        if not moved:
            assert [SPLITS[part] for part in split] == hashed_names(groups)
