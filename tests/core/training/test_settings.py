import json

import numpy as np
import pytest

from core.errors import InvalidValue, UnknownName
from core.training import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", -1),
        ("epochs", float("nan")),
        ("epochs", "8"),
        ("rate", 11),
        ("rate", None),
        ("batch", 1),
        ("batch", 8.5),
        ("batch", True),
        ("momentum", 1.0),
        ("balance", 1.5),
        ("seed", -1),
        ("seed", 0.5),
        ("precise", -1),
        ("norm_decay", 1.5),
        ("norm_decay", -1e-9),
        ("precise", 1),
        ("precise", 2.5),
    ],
)
def test_values_out_of_range_are_named(name, value):
    with pytest.raises(InvalidValue, match=name):
        Settings(**{name: value})


def test_an_unknown_augmentation_is_named():
    with pytest.raises(UnknownName, match="dermoscopy"):
        Settings(augment="dermascopy")


def test_a_number_has_one_text_however_it_is_written():
    written = Settings(epochs=8.0, rate=1, warmup=0, floor=0, momentum=0, decay=0, balance=1, smoothing=0, seed=3.0)
    meant = Settings(
        epochs=8, rate=1.0, warmup=0.0, floor=0.0, momentum=0.0, decay=0.0, balance=1.0, smoothing=0.0, seed=3
    )
    assert json.dumps(written.as_dict()) == json.dumps(meant.as_dict())
    assert '"epochs": 8,' in json.dumps(written.as_dict())
    assert Settings(epochs=0.5).epochs == 0.5
    numpy = Settings(epochs=np.float32(8), rate=np.float64(1), seed=np.int64(3), batch=np.int32(32))
    assert json.dumps(numpy.as_dict()) == json.dumps(Settings(epochs=8, rate=1.0, seed=3, batch=32).as_dict())


def test_what_is_younger_than_the_first_runs_leaves_their_hashes_alone():
    assert not {"precise", "norm_decay"} & Settings().as_dict().keys()
    assert Settings(**Settings(precise=64).as_dict()).precise == 64
    assert Settings(**Settings(norm_decay=1e-3).as_dict()).norm_decay == 1e-3
