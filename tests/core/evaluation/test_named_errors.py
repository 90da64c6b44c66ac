"""What a caller may slip into measurements: each is named, and nothing wrong is computed from it."""

import numpy as np
import pandas as pd
import pytest
import torch

from core import evaluation
from core.errors import InvalidValue
from core.evaluation.bootstrap import cluster_bootstrap, resample
from core.evaluation.intervals import wilson
from core.evaluation.scoreboard import balanced_accuracy
from core.models import build

P = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
Y = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: evaluation.ledger(P, P[::-1].copy(), Y, seed=-1),
        lambda: evaluation.ledger(P, P[::-1].copy(), Y, seed="a"),
        lambda: evaluation.ledger(P, P[::-1].copy(), Y, ["same", "same"]),
        lambda: evaluation.evaluate(P, Y, draws=True),
        lambda: evaluation.evaluate(P, Y, "ab"),
        lambda: evaluation.evaluate(P, Y, 5),
        lambda: evaluation.evaluate(P.astype(complex), Y),
        lambda: evaluation.evaluate(P.astype(str), Y),
        lambda: evaluation.evaluate(P, Y, positive=1, threshold=True),
        lambda: evaluation.evaluate(P, Y, positive=1, threshold="0.5"),
        lambda: evaluation.evaluate(P, Y, positive=1, threshold=float("nan")),
        lambda: evaluation.reliability(P, Y, bins=1.5),
        lambda: evaluation.reliability(P, Y, bins="a"),
        lambda: evaluation.reliability(P, Y, bins=10**9),
        lambda: evaluation.threshold_for_sensitivity(P, Y, 1, "0.9"),
        lambda: evaluation.threshold_for_sensitivity(P, Y, 1, None),
        lambda: evaluation.threshold_for_sensitivity(P, Y, 1, True),
        lambda: balanced_accuracy(P, Y[:2]),
        lambda: balanced_accuracy(P, Y + 5),
        lambda: balanced_accuracy(P[:0], Y[:0]),
        lambda: wilson("a", 5),
        lambda: wilson(1, 5, confidence="a"),
        lambda: wilson(1, np.inf),
        lambda: evaluation.recalibrate(build("vgg16", 2), np.zeros((4, 32, 32, 3), np.uint8), batch=-4),
        lambda: evaluation.recalibrate(build("vgg16", 2), np.zeros((4, 32, 32, 3), np.uint8), batch="8"),
        lambda: evaluation.recalibrate(build("vgg16", 2), np.zeros((4, 8, 8, 3), np.uint8)),
        lambda: evaluation.predict(build("vgg16", 2), np.array([None])),
        lambda: evaluation.predict(build("vgg16", 2), np.array([["a"]])),
        lambda: evaluation.predict(build("vgg16", 2), torch.empty(1, 32, 32, 3, dtype=torch.uint8, device="meta")),
        lambda: evaluation.watch(P, P, Y, [0], "a"),
        lambda: evaluation.watch(P, P, Y, [0], None),
        lambda: evaluation.watch(P, P, Y, 0, 0.5),
        lambda: evaluation.curve(P, P, Y, [0], "a"),
        lambda: wilson(1, 3, [0.9]),
        lambda: resample("abc"),
        lambda: resample([[1], [1, 2]]),
        lambda: cluster_bootstrap(np.ones((0, 2)), lambda sums: sums[..., 0], 0),
    ],
)
def test_slips_are_named(call):
    with pytest.raises(InvalidValue):
        call()


def test_what_torch_gives_is_taken():
    exact = evaluation.evaluate(P, Y, iter("ab")).as_dict()
    assert evaluation.evaluate(torch.tensor(P, requires_grad=True), Y, ["a", "b"]).as_dict() == exact
    rough = evaluation.evaluate(torch.tensor(P).bfloat16(), Y)
    assert rough.metrics["accuracy"].estimate == exact["metrics"]["accuracy"]["estimate"]
    assert evaluation.evaluate(P, Y, positive=1, threshold=0).threshold == 0


@pytest.mark.parametrize("kind", ["string", "Int64", "boolean", object])
def test_missing_values_of_every_kind_are_in_no_group(kind):
    names = {"string": ["x", pd.NA, "y", "x"], "Int64": [1, pd.NA, 2, 1], "boolean": [True, pd.NA, False, True]}
    members = pd.DataFrame({"kind": pd.Series(names.get(kind, ["x", None, "y", "x"]), dtype=kind)})
    table = evaluation.in_groups(P, P[::-1].copy(), Y, members)
    assert sorted(table["lesions"]) == [1, 2]


def test_balanced_accuracy_is_the_mean_over_the_classes_that_are_there():
    wide = np.pad(P, ((0, 0), (0, 1)))
    assert balanced_accuracy(wide, Y) == pytest.approx((1 / 2 + 1 / 2) / 2)
