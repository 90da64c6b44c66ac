import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSparsity, InvalidValue, UnknownName
from core.models import prunable
from core.pruning import METHODS, Masks, Step, magnitude, plan, step_masks

UNITS = [["conv1"], ["conv2", "conv3"], ["classifier"]]
LAYERS = ("conv1", "conv2", "conv3", "classifier")


def test_one_shot_is_one_step():
    assert plan("one_shot", UNITS, 0.8, epochs=5) == [Step(LAYERS, 0.8, 5.0)]


def test_layerwise_takes_the_units_in_order():
    assert plan("layerwise", UNITS, 0.8, epochs=6) == [
        Step(("conv1",), 0.8, 2.0),
        Step(("conv2", "conv3"), 0.8, 2.0),
        Step(("classifier",), 0.8, 2.0),
    ]


def test_iterative_rises_linearly():
    steps = plan("iterative", UNITS, 0.8, steps=4, epochs=8)
    assert [step.sparsity for step in steps] == [0.2, 0.4, 0.6, 0.8]
    assert {step.layers for step in steps} == {LAYERS}
    assert [step.epochs for step in steps] == [2.0] * 4


@pytest.mark.parametrize(
    ("sparsity", "sparsities"),
    [
        (0.8, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
        (0.3, [0.1, 0.2, 0.3]),
        (0.7, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (0.95, [0.095, 0.19, 0.285, 0.38, 0.475, 0.57, 0.665, 0.76, 0.855, 0.95]),
        (0.1 + 0.2, [0.1, 0.2, 0.1 + 0.2]),
        (0.05, [0.05]),
        (0.0, [0.0]),
    ],
)
def test_iterative_takes_ten_points_a_step_by_default(sparsity, sparsities):
    assert [step.sparsity for step in plan("iterative", UNITS, sparsity, epochs=1)] == sparsities


@settings(deadline=None)
@given(
    st.sampled_from(sorted(METHODS)),
    st.one_of(st.integers(0, 500), st.floats(1e-3, 500)),
    st.integers(1, 60),
    st.floats(0, 1, exclude_max=True),
)
def test_every_method_spends_the_same_budget(method, epochs, count, sparsity):
    units = [[f"layer{i}"] for i in range(count)]
    steps = plan(method, units, sparsity, steps=count if method == "iterative" else None, epochs=epochs)
    assert len(steps) == (1 if method == "one_shot" else count)
    assert math.isclose(sum(step.epochs for step in steps), epochs, rel_tol=1e-15)
    assert all(step.epochs >= 0 for step in steps)
    assert max(step.epochs for step in steps) - min(step.epochs for step in steps) <= 1e-9 * epochs
    assert steps[-1].sparsity == sparsity
    sparsities = [step.sparsity for step in steps]
    assert sparsities == sorted(sparsities)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"method": "oneshot"}, UnknownName, "did you mean one_shot"),
        ({"method": None}, UnknownName, "one of iterative, layerwise, one_shot"),
        ({"sparsity": 1.0}, InvalidSparsity, "out of range"),
        ({"sparsity": float("nan")}, InvalidSparsity, "out of range"),
        ({"sparsity": "a"}, InvalidSparsity, "out of range"),
        ({"epochs": -1}, InvalidValue, "Epochs"),
        ({"epochs": float("nan")}, InvalidValue, "Epochs"),
        ({"epochs": float("inf")}, InvalidValue, "Epochs"),
        ({"epochs": "3"}, InvalidValue, "Epochs"),
        ({"epochs": 10**400}, InvalidValue, "Epochs"),
        ({"epochs": True}, InvalidValue, "Epochs"),
        ({"method": "one_shot", "steps": 1}, InvalidValue, "not a choice"),
        ({"method": "layerwise", "steps": 3}, InvalidValue, "not a choice"),
        ({"steps": 0}, InvalidValue, "number of steps"),
        ({"steps": 2.5}, InvalidValue, "number of steps"),
        ({"steps": True}, InvalidValue, "number of steps"),
        ({"units": []}, InvalidValue, "needs layers"),
        ({"units": [["a"], []]}, InvalidValue, "needs layers"),
        ({"units": ["a", "b"]}, InvalidValue, "groups of layers"),
        ({"units": [["a"], ["b", "a"]]}, InvalidValue, "twice"),
    ],
)
def test_what_is_no_plan_is_refused(change, error, said):
    arguments = {"method": "iterative", "units": UNITS, "sparsity": 0.8, "epochs": 4} | change
    with pytest.raises(error, match=said):
        plan(arguments.pop("method"), arguments.pop("units"), arguments.pop("sparsity"), **arguments)


def test_methods_are_written_for_people():
    assert [method.name for method in METHODS.values()] == list(METHODS) == ["one_shot", "layerwise", "iterative"]
    assert all(method.title and method.description.endswith(".") for method in METHODS.values())


def trained(weights, masks, seed):
    """Stands in for fine-tuning: other weights, zeros kept."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(w.shape, generator=generator) * masks[name] for name, w in weights.items()}


@pytest.mark.parametrize("criterion", ["magnitude", "random"])
@pytest.mark.parametrize("method", ["one_shot", "layerwise", "iterative"])
@pytest.mark.parametrize("sparsity", [0.0, 0.333, 0.8, 0.95])
def test_carried_out_every_plan_ends_at_its_target(net, method, criterion, sparsity):
    weights = prunable(net)
    units = [["conv1"], ["conv2", "classifier"]]
    masks = Masks.dense(weights)
    for number, step in enumerate(plan(method, units, sparsity, epochs=1)):
        before, masks = masks, step_masks(weights, masks, step, criterion=criterion, seed=number)
        assert masks & before == masks
        others = set(weights) - set(step.layers)
        assert all(torch.equal(masks[name], before[name]) for name in others)
        assert list(masks) == list(weights)
        weights = trained(weights, masks, number)
    zeros = masks.per_layer().set_index("layer")["zeros"]
    if method == "layerwise":
        assert zeros["conv1"] == round(sparsity * 216)
        assert zeros["conv2"] + zeros["classifier"] == round(sparsity * (1152 + 80))
    else:
        assert masks.zeros == round(sparsity * (216 + 1152 + 80))


def test_a_step_ranks_its_own_layers_together(net):
    weights = prunable(net)
    step = Step(("conv1", "conv2"), 0.5, 0)
    masks = step_masks(weights, Masks.dense(weights), step)
    expected = magnitude({name: weights[name] for name in step.layers}, 0.5)
    assert torch.equal(masks["conv1"], expected["conv1"])
    assert torch.equal(masks["conv2"], expected["conv2"])
    assert masks["classifier"].all()


def test_a_step_prunes_by_the_weights_it_is_given_not_by_older_ones():
    weights = {"a": torch.tensor([0.0, 1.0, 2.0, 3.0])}
    masks = Masks({"a": torch.tensor([True, True, True, False])})
    # The last weight was pruned before and stays so, however large the tensor says it is.
    assert step_masks(weights, masks, Step(("a",), 0.5, 0))["a"].tolist() == [False, True, True, False]


def test_the_seed_of_a_random_step_matters(net):
    weights = prunable(net)
    step = Step(tuple(weights), 0.5, 0)
    one, again, other = (
        step_masks(weights, Masks.dense(weights), step, criterion="random", seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert one != other


def test_bad_steps_are_refused(net):
    weights = prunable(net)
    dense = Masks.dense(weights)
    with pytest.raises(UnknownName, match="did you mean magnitude"):
        step_masks(weights, dense, Step(("conv1",), 0.5, 0), criterion="magnitud")
    with pytest.raises(UnknownName, match="did you mean conv"):
        step_masks(weights, dense, Step(("conv3",), 0.5, 0))
    with pytest.raises(InvalidSparsity):
        step_masks(weights, dense, Step(("conv1",), 1.5, 0))
    with pytest.raises(InvalidValue, match="no mask for classifier, conv2"):
        step_masks(weights, Masks.dense({"conv1": weights["conv1"]}), Step(("conv1",), 0.5, 0))


def test_more_steps_than_make_sense_are_refused_at_once():
    assert len(plan("iterative", UNITS, 0.8, steps=1000, epochs=1)) == 1000
    for steps in (1001, 10**6, 10**30):
        with pytest.raises(InvalidValue, match="from 1 to 1,000"):
            plan("iterative", UNITS, 0.8, steps=steps, epochs=1)


@pytest.mark.parametrize("epochs", [np.float32(3.3), Fraction(1, 3), np.int64(7)])
def test_epochs_of_any_kind_of_number_add_up(epochs):
    steps = plan("iterative", UNITS, 0.5, steps=1000, epochs=epochs)
    assert math.isclose(sum(step.epochs for step in steps), float(epochs), rel_tol=1e-15)


@pytest.mark.parametrize("units", [None, 5, [5], "conv1", ["conv1"], [[1]], [["conv1", 1]], [[["conv1"]]]])
def test_what_are_no_groups_of_layers_is_refused(units):
    with pytest.raises(InvalidValue, match="groups of layers"):
        plan("layerwise", units, 0.8, epochs=1)


def test_earlier_masks_may_be_any_mapping(net):
    weights = prunable(net)
    masks, step = magnitude(weights, 0.3), Step(("conv1", "conv2"), 0.6, 0.0)
    assert step_masks(weights, dict(masks), step) == step_masks(weights, masks, step)
