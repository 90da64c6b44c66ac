import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models import build, prunable
from core.pruning import Masks, Ranking, magnitude

sparsities = st.floats(0, 1, exclude_max=True)


def whole_channels(masks):
    return all(
        (mask.flatten(1).all(1) | ~mask.flatten(1).any(1)).all() and mask.any() for mask in masks.values()
    ) and bool(list(masks.values())[-1].all())


def filters(*means, size=4):
    """A layer whose channels have these mean magnitudes, with signs that cancel."""
    signs = torch.tensor([1.0, -1.0]).repeat(size // 2)
    return torch.tensor(means)[:, None] * signs


def test_lowest_filter_norms_go_first_across_layers():
    weights = {"a": filters(0.3, 0.1, 0.9), "b": filters(0.2, 0.4), "last": filters(0.001, 0.002)}
    ranking = Ranking({name: weight.abs() for name, weight in weights.items()}, scope="channel")
    seen = []
    for sparsity in (0.0, 4 / 28, 8 / 28, 12 / 28):
        masks = ranking.masks(sparsity)
        seen.append({name: (~mask).all(1).nonzero().flatten().tolist() for name, mask in masks.items()})
    assert seen == [
        {"a": [], "b": [], "last": []},
        {"a": [1], "b": [], "last": []},
        {"a": [1], "b": [0], "last": []},
        {"a": [0, 1], "b": [0], "last": []},
    ]


def test_norms_are_per_weight_so_that_large_filters_have_no_head_start():
    weights = {"small": filters(0.5, 9.0, size=2), "large": filters(0.4, 9.0, size=20), "last": filters(1.0)}
    masks = magnitude(weights, 20 / 48, scope="channel")
    assert masks["small"].all()
    assert not masks["large"][0].any()


@pytest.mark.parametrize(
    ("sparsity", "zeros"), [(0.04, 0), (0.05, 0), (0.07, 4), (0.15, 4), (0.16, 4), (0.29, 12), (0.31, 12), (0.999, 28)]
)
def test_nearest_reachable_number_of_zeros_and_the_fewer_of_two(sparsity, zeros):
    weights = {"a": filters(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), "last": filters(1.0, 1.0)}
    assert magnitude(weights, sparsity, scope="channel").zeros == zeros


def test_equal_channels_go_by_position_and_one_of_each_layer_stays():
    weights = {"a": filters(1.0, 1.0, 1.0), "b": filters(1.0, 1.0), "last": filters(1.0)}
    ranking = Ranking({name: weight.abs() for name, weight in weights.items()}, scope="channel")
    kept = [[int(mask.any(1).sum()) for mask in ranking.masks(k * 4 / 24).values()] for k in range(6)]
    assert kept == [[3, 2, 1], [2, 2, 1], [1, 2, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert ranking.masks(0.99)["a"].any(1).tolist() == [False, False, True]


def test_many_equal_channels_go_by_position():
    levels = torch.randint(1, 3, (1000, 1), generator=torch.Generator().manual_seed(0))
    masks = magnitude({"a": levels.float().expand(-1, 3), "last": torch.ones(1, 3)}, 600 / 3003, scope="channel")
    ones = [channel for channel, level in enumerate(levels) if level == 1]
    assert (~masks["a"]).any(1).nonzero().flatten().tolist() == ones[:200]


def test_weights_pruned_before_count_as_zero_in_their_channel():
    weights = {"a": filters(0.9, 0.5, 2.0), "last": filters(1.0)}
    keep = Masks(
        {"a": torch.tensor([[1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]).bool(), "last": torch.ones(1, 4).bool()}
    )
    scores = {name: weight.abs() for name, weight in weights.items()}
    # Channel 0 has 0.9 / 4 left, less than channel 1, and only one weight more to lose.
    masks = Ranking(scores, scope="channel", keep=keep).masks(4 / 16)
    assert masks["a"].any(1).tolist() == [False, True, True]
    assert masks.zeros == 4


@pytest.mark.parametrize("architecture", ["vgg16", "densenet169"])
@pytest.mark.parametrize("sparsity", [0.3, 0.8, 0.99])
def test_both_architectures(architecture, sparsity, build_once):
    weights = build_once(architecture)
    masks = magnitude(weights, sparsity, scope="channel")
    assert whole_channels(masks)
    largest = max(weight[0].numel() for weight in weights.values())
    reachable = sum(w.numel() - w[0].numel() for w in list(weights.values())[:-1])
    assert abs(masks.zeros - min(sparsity * masks.size, reachable)) <= largest / 2 + 1
    norms = torch.cat([weight.flatten(1).abs().double().mean(1) for weight in list(weights.values())[:-1]])
    gone = torch.cat([~mask.flatten(1).any(1) for mask in list(masks.values())[:-1]])
    best = torch.cat(
        [torch.arange(len(w)) == w.flatten(1).abs().double().mean(1).argmax() for w in list(weights.values())[:-1]]
    )
    assert norms[gone].max() <= norms[~gone & ~best].min() if (~gone & ~best).any() else True


@pytest.fixture(scope="module")
def build_once():
    torch.manual_seed(0)
    made = {}

    def weights(name):
        if name not in made:
            made[name] = prunable(build(name, 7))
        return made[name]

    return weights


@settings(deadline=None)
@given(sparsities, sparsities)
def test_what_is_pruned_stays_pruned_and_counts(before, after):
    generator = torch.Generator().manual_seed(0)
    weights = {f"layer{i}": torch.randn(6, 10, generator=generator) for i in range(3)}
    keep = magnitude(weights, before)
    scores = {name: weight.abs() for name, weight in weights.items()}
    masks = Ranking(scores, scope="channel", keep=keep).masks(after)
    assert masks & keep == masks
    # Whatever else went, went as a whole channel.
    for name, mask in masks.items():
        assert all(torch.equal(row, kept) or not row.any() for row, kept in zip(mask, keep[name], strict=True))
    if round(after * 180) <= keep.zeros:
        assert masks == keep
    elif round(after * 180) <= masks.zeros:
        assert masks.zeros - round(after * 180) <= 5


def test_a_single_layer_is_the_last_one():
    assert np.array_equal(magnitude({"a": filters(1.0, 2.0)}, 0.5, scope="channel")["a"], np.ones((2, 4), dtype=bool))
    assert isinstance(magnitude({"a": torch.ones(3)}, 0.5, scope="channel"), Masks)
