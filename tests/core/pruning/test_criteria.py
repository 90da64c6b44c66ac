import pytest
import torch

from core.errors import InvalidValue
from core.models import prunable
from core.pruning import CRITERIA


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_every_criterion_keeps_shapes_and_is_written_for_people(name, net):
    criterion, weights = CRITERIA[name], prunable(net)
    scores = criterion(weights, seed=3)
    assert {layer: score.shape for layer, score in scores.items()} == {k: w.shape for k, w in weights.items()}
    assert all(score.dtype == torch.float32 and score.isfinite().all() for score in scores.values())
    assert criterion.name == name
    assert criterion.title
    assert criterion.description.endswith(".")


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_every_criterion_leaves_the_weights_alone_and_names_bad_ones(name, net):
    before = {layer: weight.clone() for layer, weight in prunable(net).items()}
    CRITERIA[name](prunable(net), seed=0)
    assert all(torch.equal(weight, before[layer]) for layer, weight in prunable(net).items())
    with pytest.raises(InvalidValue, match="a are not floats"):
        CRITERIA[name]({"a": torch.ones(2, dtype=torch.int64)}, seed=0)
    with pytest.raises(InvalidValue, match="empty"):
        CRITERIA[name]({}, seed=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_magnitude_is_the_absolute_value(dtype):
    scores = CRITERIA["magnitude"]({"a": torch.tensor([-2.0, 0.5, -0.0], dtype=dtype)})
    assert scores["a"].tolist() == [2.0, 0.5, 0.0]
    assert scores["a"].dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_random_depends_on_seed_and_layer_name_only():
    weights = {"a": torch.zeros(50, 40), "b": torch.zeros(50, 40)}
    first = CRITERIA["random"](weights, seed=5)
    torch.manual_seed(99)
    reordered = CRITERIA["random"](
        {"c": torch.ones(3), "b": torch.randn(50, 40), "a": torch.randn(50, 40).half()}, seed=5
    )
    assert torch.equal(first["a"], reordered["a"])
    assert torch.equal(first["b"], reordered["b"])
    assert not torch.equal(first["a"], first["b"])
    assert not torch.equal(first["a"], CRITERIA["random"](weights, seed=6)["a"])
    assert CRITERIA["random"](weights, seed=-1)["a"].shape == (50, 40)


def test_random_is_uniform():
    scores = CRITERIA["random"]({"a": torch.zeros(100_000)}, seed=0)["a"].double()
    assert scores.min() >= 0
    assert scores.max() < 1
    # Four standard errors of the mean of a uniform variable, and of the share below 0.1.
    assert abs(scores.mean() - 0.5) < 4 * 0.2887 / 316
    assert abs((scores < 0.1).double().mean() - 0.1) < 4 * 0.3 / 316
