import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from core.errors import InvalidValue
from core.models import build, layers, prunable
from core.pruning import Masks, bind, magnitude, private


def pruned_in_place(model, masks):
    """The plain way: a full copy, its weights multiplied in place."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for name, layer in layers(model).items():
            layer.weight.mul_(masks[name])
    return model


def snapshot(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same_state(model, before):
    return all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@torch.no_grad()
def outputs(model, images):
    return model(images)


def test_pruned_layers_are_its_own_and_all_else_is_shared(net):
    masks = magnitude(prunable(net), {"conv2": 0.5}, scope="layer")
    pruned = bind(net, masks)
    own, shared = dict(pruned.named_parameters()), dict(net.named_parameters())
    assert own.keys() == shared.keys()
    for name, parameter in own.items():
        assert (parameter.data_ptr() == shared[name].data_ptr()) == (name != "conv2.weight")
    assert isinstance(own["conv2.weight"], nn.Parameter)
    for name, buffer in pruned.named_buffers():
        assert buffer.data_ptr() != net.get_buffer(name).data_ptr()
        assert torch.equal(buffer, net.get_buffer(name))


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
def test_outputs_are_those_of_pruning_in_place(net, images, sparsity):
    masks = magnitude(prunable(net), sparsity)
    before, answers = snapshot(net), outputs(net, images)
    pruned = bind(net, masks)
    assert torch.equal(outputs(pruned, images), outputs(pruned_in_place(net, masks), images))
    assert torch.equal(outputs(net, images), answers)
    assert same_state(net, before)
    assert Masks.from_zeros(prunable(pruned)) == masks
    assert torch.equal(outputs(pruned, images), answers) == (sparsity == 0)


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_real_architectures(name):
    torch.manual_seed(0)
    model = build(name, 7)
    images = torch.randn(2, 3, 32, 32)
    masks = magnitude(prunable(model), 0.7)
    pruned = bind(model, masks)
    assert torch.equal(outputs(pruned, images), outputs(pruned_in_place(model, masks), images))
    assert pruned.mean.data_ptr() != model.mean.data_ptr()
    assert Masks.from_zeros(prunable(pruned)) == masks


def test_training_mode_of_the_copy_does_not_reach_the_original(net, images):
    before = snapshot(net)
    pruned = bind(net, magnitude(prunable(net), 0.5)).train()
    pruned(images)
    assert int(pruned.norm1.num_batches_tracked) == 1
    assert not torch.equal(pruned.norm1.running_mean, net.norm1.running_mean)
    assert same_state(net, before)
    assert not any(module.training for module in net.modules())


@pytest.mark.parametrize("copying", [private, lambda model: bind(model, magnitude(prunable(model), 0.5))])
def test_training_flags_are_kept(net, copying):
    net.train()
    net.norm1.eval()
    made = copying(net)
    assert {n: m.training for n, m in made.named_modules()} == {n: m.training for n, m in net.named_modules()}
    assert made.training
    assert not made.norm1.training


def test_frozen_parameters_stay_frozen(net):
    net.conv2.weight.requires_grad_(False)
    pruned = bind(net, magnitude(prunable(net), 0.5))
    assert not pruned.conv2.weight.requires_grad
    assert pruned.conv1.weight.requires_grad


def test_a_deepcopy_of_the_copy_trains_without_touching_the_original(net, images):
    before = snapshot(net)
    student = copy.deepcopy(bind(net, magnitude(prunable(net), 0.5))).train()
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    student(images).square().mean().backward()
    optimizer.step()
    assert same_state(net, before)
    assert not torch.equal(student.classifier.bias, net.classifier.bias)
    assert all(parameter.grad is None for parameter in net.parameters())


class Recorder:
    """A hook that cannot be copied, as those that hold locks, files or other networks."""

    def __init__(self):
        self.calls = 0
        self.lock = threading.Lock()

    def __call__(self, *_):
        self.calls += 1


@pytest.mark.parametrize("copying", [private, lambda model: bind(model, magnitude(prunable(model), 0.5))])
def test_hooks_are_not_carried_over(net, images, copying):
    hook = Recorder()
    handles = [
        net.register_forward_hook(hook),
        net.conv1.register_forward_pre_hook(hook),
        net.conv2.register_forward_hook(hook, always_call=True),
        net.classifier.register_full_backward_hook(hook),
        net.norm1.register_full_backward_pre_hook(hook),
    ]
    made = copying(net)
    made(images).sum().backward()
    assert hook.calls == 0
    net(images).sum().backward()
    assert hook.calls == len(handles)
    # And the other way round.
    made.conv1.register_forward_hook(hook)
    outputs(net.conv1, images)
    assert hook.calls == len(handles) + 1


def test_private_shares_every_parameter(net, images):
    made = private(net)
    assert made is not net
    assert [p.data_ptr() for p in made.parameters()] == [p.data_ptr() for p in net.parameters()]
    assert set(made.modules()).isdisjoint(net.modules())
    made.conv1 = nn.Identity()
    assert isinstance(net.conv1, nn.Conv2d)
    assert torch.equal(outputs(private(net), images), outputs(net, images))


def test_converting_the_copy_or_its_gradients_do_not_reach_the_original(net, images):
    before = snapshot(net)
    made = private(net)
    made(images).sum().backward()
    assert all(parameter.grad is None for parameter in net.parameters())
    made.to(torch.bfloat16)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}
    assert same_state(net, before)


def test_made_in_inference_mode_it_can_still_be_trained(net, images):
    with torch.inference_mode():
        pruned = bind(net, magnitude(prunable(net), 0.5)).train()
    pruned(images).sum().backward()
    assert pruned.conv2.weight.grad is not None
    assert int(pruned.norm1.num_batches_tracked) == 1


def test_nan_weights_that_are_pruned_are_gone(net, images):
    masks = magnitude(prunable(net), 0.5)
    with torch.no_grad():
        net.conv2.weight[~masks["conv2"]] = float("nan")
    assert outputs(bind(net, masks), images).isfinite().all()


def test_masks_of_another_network_are_refused(net):
    with pytest.raises(InvalidValue, match="no mask for conv1, conv2"):
        bind(net, Masks.dense({"classifier": torch.zeros(5, 16)}))
    with pytest.raises(InvalidValue, match="another shape in classifier"):
        bind(net, Masks.dense(prunable(net) | {"classifier": torch.zeros(6, 16)}))


def test_a_network_in_torchs_pruning_form_is_refused_with_the_way_out(net, images):
    masks = Masks.dense(prunable(net))
    prune.l1_unstructured(net.conv1, "weight", amount=0.5)
    with pytest.raises(InvalidValue, match=r"conv1.*prune\.remove"):
        bind(net, masks)
    prune.remove(net.conv1, "weight")
    assert torch.equal(outputs(bind(net, masks), images), outputs(net, images))


def test_eight_threads_on_one_model_each_get_their_own_answer(net, images):
    sparsities = [i / 8 for i in range(8)]

    def answer(sparsity):
        return outputs(bind(net, magnitude(prunable(net), sparsity)), images)

    alone = [answer(sparsity) for sparsity in sparsities]
    before = snapshot(net)
    barrier = threading.Barrier(8)

    def many(sparsity):
        barrier.wait()
        found = []
        for _ in range(20):
            handle = net.register_forward_hook(lambda *_: None)  # another user of the original comes and goes
            found.append(answer(sparsity))
            handle.remove()
        return found

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(many, sparsities))
    for expected, found in zip(alone, together, strict=True):
        assert all(torch.equal(answer, expected) for answer in found)
    assert same_state(net, before)


def test_any_mapping_is_taken_for_masks(net, images):
    masks = magnitude(prunable(net), 0.5)
    assert torch.equal(outputs(bind(net, dict(masks)), images), outputs(bind(net, masks), images))
    with pytest.raises(InvalidValue, match="not boolean"):
        bind(net, {name: mask.float() for name, mask in masks.items()})
    with pytest.raises(InvalidValue, match="not a mapping"):
        bind(net, None)


def test_a_model_made_in_inference_mode_is_refused_unless_it_is_frozen():
    with torch.inference_mode():
        model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    masks = magnitude(prunable(model), 0.5)
    for copying in (private, lambda model: bind(model, masks)):
        with pytest.raises(InvalidValue, match=r"made in inference mode.*0\.weight.*outside of torch\.inference_mode"):
            copying(model)
    assert Masks.from_zeros(prunable(bind(model.requires_grad_(False), masks))) == masks


def test_weights_that_are_not_there_or_not_dense_are_refused():
    masks = {"": torch.ones(8, 4, dtype=torch.bool)}
    with pytest.raises(InvalidValue, match="meta device"):
        bind(nn.Linear(4, 8, device="meta"), masks)
    layer = nn.Linear(4, 8)
    layer.weight = nn.Parameter(layer.weight.detach().to_sparse())
    with pytest.raises(InvalidValue, match=r"sparse_coo.*to_dense"):
        bind(layer, masks)
    with pytest.raises(InvalidValue, match="no weights yet"):
        private(nn.Sequential(nn.LazyLinear(3)))


def test_tied_weights_are_refused_rather_than_parted():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    masks = magnitude(prunable(model), 0.47)
    model[1].weight = model[0].weight
    with pytest.raises(InvalidValue, match="share one weight"):
        bind(model, masks)
