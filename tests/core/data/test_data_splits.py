import hashlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.splits import check_split, hashed, hashed_names
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


@pytest.mark.parametrize(
    ("given_name", "meant"), [("val", "validation"), ("valid", "validation"), ("Training", "train")]
)
def test_names_of_other_libraries(given_name, meant):
    with pytest.raises(UnknownName, match=f"did you mean {meant}") as caught:
        check_split(given_name)
    assert caught.value.near == [meant]


@pytest.mark.parametrize("name", ["tets", None, 3, ""])
def test_unknown_splits(name):
    with pytest.raises(UnknownName, match="one of all, test, train, validation"):
        check_split(name)
