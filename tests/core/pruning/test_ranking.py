import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from core.errors import InvalidSparsity, InvalidValue, UnknownName
from core.models import build, layers, prunable
from core.pruning import CRITERIA, Masks, Ranking, magnitude

SPARSITIES = [0, 0.1, 1 / 3, 0.5, 0.8, 0.95, 0.999]


def reference(scores, count, gone=None):
    """The first ``count`` of a stable sort in float64 (those already gone before all others), as False."""
    flat = np.concatenate([score.detach().double().numpy().ravel() for score in scores.values()])
    if gone is not None:
        flat[gone] = -np.inf
    keep = np.ones(len(flat), dtype=bool)
    keep[np.argsort(flat, kind="stable")[:count]] = False
    return keep


def flat(masks):
    return np.concatenate([mask.numpy().ravel() for mask in masks.values()])


def torch_pruning(model, sparsity):
    """Masks of torch's own global pruning; changes ``model``."""
    found = layers(model)
    prune.global_unstructured(
        [(layer, "weight") for layer in found.values()], pruning_method=prune.L1Unstructured, amount=sparsity
    )
    return {name: layer.weight_mask.bool() for name, layer in found.items()}


@pytest.mark.parametrize("sparsity", SPARSITIES[1:])
def test_same_as_torch_on_a_small_network(net, sparsity, engine):
    weights = prunable(net)
    one_off = magnitude(weights, sparsity)
    ranked = Ranking(CRITERIA["magnitude"](weights)).masks(sparsity)
    theirs = torch_pruning(net, sparsity)
    assert list(one_off) == list(theirs)
    assert all(torch.equal(one_off[name], mask) for name, mask in theirs.items())
    assert one_off == ranked


def test_same_as_torch_on_vgg16_up_to_ties():
    torch.manual_seed(3)
    model = build("vgg16", 7)
    weights = {name: weight.clone() for name, weight in prunable(model).items()}
    ours = magnitude(weights, 0.8)
    theirs = torch_pruning(model, 0.8)
    assert ours.zeros == round(0.8 * ours.size) == sum(int((~mask).sum()) for mask in theirs.values())
    threshold = max(float(weights[name][~mask].abs().max()) for name, mask in theirs.items())
    differ = torch.cat([weights[name][ours[name] != mask].abs() for name, mask in theirs.items()])
    assert (differ == threshold).all()
    assert ours == Ranking(CRITERIA["magnitude"](weights)).masks(0.8)


layer_shapes = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4)
sparsities = st.floats(0, 1, exclude_max=True)


def tied_scores(shapes, seed, levels):
    """Scores of a few levels, so that most of them are ties; with zeros of both signs."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"layer{i}": torch.randint(-levels, levels + 1, shape, generator=generator) * torch.tensor(-0.5)
        for i, shape in enumerate(shapes)
    }


@settings(deadline=None)
@given(layer_shapes, sparsities, st.integers(0, 10_000), st.sampled_from([0, 1, 3, 10_000]), st.booleans())
def test_exact_count_and_earlier_position_first(shapes, sparsity, seed, levels, once):
    scores = tied_scores(shapes, seed, levels)
    masks = Ranking(scores, once=once).masks(sparsity)
    assert masks.zeros == round(sparsity * masks.size)
    assert np.array_equal(flat(masks), reference(scores, masks.zeros))


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_both_engines_break_ties_by_position(engine, once, scope):
    scores = tied_scores([[40, 5], [3, 3, 7]], 0, 2)
    ranking = Ranking(scores, scope=scope, once=once)
    for sparsity in SPARSITIES:
        masks = ranking.masks(sparsity)
        if scope == "global":
            assert np.array_equal(flat(masks), reference(scores, round(sparsity * 263)))
        else:
            for name, score in scores.items():
                count = round(sparsity * score.numel())
                assert np.array_equal(masks[name].numpy().ravel(), reference({name: score}, count))


@settings(deadline=None)
@given(layer_shapes, sparsities, sparsities, st.sampled_from(["global", "layer", "channel"]))
def test_nested(shapes, one, other, scope):
    scores = tied_scores(shapes, 1, 2)
    ranking = Ranking(scores, scope=scope)
    fewer, more = ranking.masks(min(one, other)), ranking.masks(max(one, other))
    assert fewer & more == more


@settings(deadline=None)
@given(layer_shapes, sparsities, st.booleans())
def test_layer_scope_prunes_each_layer_alike(shapes, sparsity, once):
    scores = tied_scores(shapes, 2, 50)
    masks = Ranking(scores, scope="layer", once=once).masks(sparsity)
    for name, score in scores.items():
        assert np.array_equal(masks[name].numpy().ravel(), reference({name: score}, round(sparsity * score.numel())))


def test_layer_scope_takes_a_sparsity_for_each_layer(net):
    weights = prunable(net)
    masks = magnitude(weights, {"conv2": 0.5, "conv1": 0.25}, scope="layer")
    assert masks.per_layer()["zeros"].tolist() == [54, 576, 0]
    with pytest.raises(UnknownName, match="did you mean conv1"):
        magnitude(weights, {"conv11": 0.5}, scope="layer")
    with pytest.raises(InvalidSparsity, match="Sparsity of conv1 is out of range"):
        magnitude(weights, {"conv1": 1.0}, scope="layer")
    for scope in ("global", "channel"):
        with pytest.raises(InvalidValue, match="layer scope"):
            magnitude(weights, {"conv1": 0.5}, scope=scope)


@settings(deadline=None)
@given(layer_shapes, sparsities, sparsities, st.sampled_from(["global", "layer"]), st.booleans())
def test_what_is_pruned_stays_pruned_and_counts(shapes, before, after, scope, once):
    scores = tied_scores(shapes, 4, 3)
    keep = Ranking(CRITERIA["random"](scores, seed=1)).masks(before)
    masks = Ranking(scores, scope=scope, keep=keep, once=once).masks(after)
    groups = [[name] for name in scores] if scope == "layer" else [list(scores)]
    for group in groups:
        part = {name: scores[name] for name in group}
        gone = ~flat({name: keep[name] for name in group})
        count = max(round(after * len(gone)), int(gone.sum()))
        assert np.array_equal(flat({name: masks[name] for name in group}), reference(part, count, gone))


def test_keep_may_list_the_layers_in_another_order(net):
    scores = CRITERIA["magnitude"](prunable(net))
    keep = Ranking(CRITERIA["random"](prunable(net), seed=0)).masks(0.3)
    reordered = Masks(dict(reversed(list(keep.items()))))
    assert Ranking(scores, keep=reordered).masks(0.6) == Ranking(scores, keep=keep).masks(0.6)
    with pytest.raises(InvalidValue, match="no mask for conv1"):
        Ranking(scores, keep=Masks({name: keep[name] for name in ("conv2", "classifier")}))


def test_channels_last_weights_are_pruned_alike(net):
    expected = magnitude(prunable(net), 0.7)
    assert magnitude(prunable(net.to(memory_format=torch.channels_last)), 0.7) == expected


@pytest.mark.parametrize("sparsity", [float("nan"), 1, 1.0, -0.1, "a", True, None, 80, float("inf")])
@pytest.mark.parametrize("scope", ["global", "layer", "channel"])
def test_sparsities_out_of_range(net, sparsity, scope):
    with pytest.raises(InvalidSparsity):
        magnitude(prunable(net), sparsity, scope=scope)
    with pytest.raises(InvalidSparsity):
        Ranking(prunable(net), scope=scope).masks(sparsity)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_scores_without_an_order_are_refused_by_layer_name(net, value):
    with torch.no_grad():
        net.conv2.weight[3, 2, 1, 0] = value
    with pytest.raises(InvalidValue, match="NaN or infinity in conv2"):
        magnitude(prunable(net), 0.5)


def test_huge_scores_are_finite():
    assert Ranking({"a": torch.tensor([3e38, -3e38, 3.4e38])}).masks(1 / 3)["a"].tolist() == [True, False, True]


def test_unknown_scopes_and_weights_that_are_none(net):
    with pytest.raises(UnknownName, match="did you mean global"):
        magnitude(prunable(net), 0.5, scope="globl")
    with pytest.raises(InvalidValue, match="empty"):
        magnitude({}, 0.5)
    with pytest.raises(InvalidValue, match="mapping"):
        magnitude(list(prunable(net).values()), 0.5)


def test_weights_are_left_alone(net):
    before = {name: weight.clone() for name, weight in prunable(net).items()}
    for scope in ("global", "layer", "channel"):
        magnitude(prunable(net), 0.5, scope=scope)
    assert all(torch.equal(weight, before[name]) for name, weight in prunable(net).items())


def test_masks_of_one_ranking_are_independent(net):
    ranking = Ranking(prunable(net))
    first = ranking.masks(0.2)
    digest = Masks(first).digest()
    ranking.masks(0.9)
    assert Masks(first).digest() == digest


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@settings(max_examples=20, deadline=None)
@given(sparsities, st.sampled_from(["global", "layer", "channel"]), st.booleans())
def test_a_gpu_gives_the_same_masks(sparsity, scope, once):
    scores = tied_scores([[40, 5], [3, 3, 7], [9, 4]], 0, 3)
    there = {name: score.cuda() for name, score in scores.items()}
    masks = Ranking(there, scope=scope, once=once).masks(sparsity)
    assert all(mask.is_cuda for mask in masks.values())
    assert Ranking(scores, scope=scope, once=once).masks(sparsity) == masks


def test_grad_requiring_parameters_are_accepted():
    layer = nn.Linear(4, 3)
    assert magnitude({"layer": layer.weight}, 0.5).zeros == 6


def test_earlier_masks_may_be_any_mapping(net):
    scores = {name: weight.abs() for name, weight in prunable(net).items()}
    keep = magnitude(prunable(net), 0.3)
    assert Ranking(scores, keep=dict(keep)).masks(0.6) == Ranking(scores, keep=keep).masks(0.6)


@pytest.mark.parametrize("text", ["50", b"50", "0.5"])
def test_text_is_no_sparsity(net, text):
    with pytest.raises(InvalidSparsity, match=r"0\.5"):
        magnitude(prunable(net), text)
    with pytest.raises(InvalidSparsity, match="Sparsity of conv1"):
        magnitude(prunable(net), {"conv1": text}, scope="layer")


def test_weights_that_cannot_be_ranked_are_named():
    with pytest.raises(InvalidValue, match="no channels"):
        magnitude({"a": torch.tensor(1.0)}, 0.5, scope="channel")
    for weight, said in (
        (torch.ones(2, 2).to_sparse(), "sparse_coo"),
        (torch.ones(2, 2, device="meta"), "meta device"),
    ):
        with pytest.raises(InvalidValue, match=said):
            magnitude({"a": weight}, 0.5)


def test_float64_weights_are_told_apart_below_float32():
    """torch prunes by the weights as they are: rounded to float32, half of these would be ties."""
    layer = nn.Linear(40, 25, bias=False).double()
    layer.weight.data = 1 + torch.rand(25, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 1e-9
    expected = layer.weight.detach().clone()
    smallest = expected.flatten().argsort()[:500]
    for once in (True, False):
        masks = Ranking(CRITERIA["magnitude"](prunable(nn.Sequential(layer))), once=once).masks(0.5)
        assert set((~masks["0"]).flatten().nonzero().flatten().tolist()) == set(smallest.tolist())
