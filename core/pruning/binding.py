"""A network with pruned weights that leaves the original alone: a private copy that shares what it does not change."""

import copy
from collections import OrderedDict

import torch
from torch import nn

from core.errors import InvalidValue
from core.models import layers
from core.pruning.masks import Masks
from core.pruning.zeroing import zeroed

# Looked up by name: torch has no public way to ask for a module's hooks.
_HOOKS = (
    "_forward_hooks",
    "_forward_hooks_always_called",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


def private(model: nn.Module) -> nn.Module:
    """A copy of the modules only: every parameter shares the storage of its twin in ``model``.

    Buffers (batch norm's statistics, mean and std) are copied, so training mode and recalibration on the copy do not
    reach the original. Forward and backward hooks are not carried over. Training flags are. Costs milliseconds and
    kilobytes, and may be called from many threads on one model at once.

    The copy may be moved or converted (``.to``): it then has storage of its own. Do not optimise it or load into it: that
    writes into the shared storage. Train ``copy.deepcopy`` of it.

    Raises:
        InvalidValue: a layer's weight is computed by a hook or a parametrisation instead of being a parameter.
    """
    for name, layer in layers(model).items():
        if "weight" not in layer._parameters:
            raise InvalidValue(
                "The weight of a layer is no parameter of its own",
                given=name,
                expected="an nn.Parameter",
                remedy="make the reparametrisation permanent, as torch.nn.utils.prune.remove(layer, 'weight') does",
            )
    with torch.inference_mode(False), torch.no_grad():
        # Each parameter becomes an object of its own over the same storage: `copy.to(bfloat16)` puts another tensor
        # into a parameter object, and would reach everybody who holds the same object. So would a gradient.
        memo = {id(p): nn.Parameter(p.detach(), requires_grad=p.requires_grad) for p in model.parameters()}
        # What the memo holds already, deepcopy takes as the copy. Hooks are replaced before it looks into them, because
        # they may hold anything, and another user may be adding one just now.
        for module in model.modules():
            memo |= {id(getattr(module, hooks)): OrderedDict() for hooks in _HOOKS}
        return _twin(model, memo)


def _twin(module: nn.Module, memo: dict[int, object]) -> nn.Module:
    """``copy.deepcopy(module, memo)``, three times as fast: nearly all that a module holds is empty or cannot change."""
    if id(module) in memo:
        return memo[id(module)]
    kind = type(module)
    if hasattr(kind, "__deepcopy__") or getattr(kind, "__getstate__", _PLAIN_STATE) is not _PLAIN_STATE:
        return copy.deepcopy(module, memo)  # it has its own idea of a copy
    twin = memo[id(module)] = kind.__new__(kind)
    for name, value in vars(module).items():
        if id(value) in memo:
            own = memo[id(value)]
        elif isinstance(value, _UNCHANGING):
            own = value
        elif name == "_compiled_call_impl":
            continue  # compiled for the module that it is of
        elif name == "_parameters":
            own = type(value)((key, None if part is None else memo[id(part)]) for key, part in value.items())
        elif name == "_modules":
            own = type(value)((key, None if child is None else _twin(child, memo)) for key, child in value.items())
        elif name == "_buffers":
            own = type(value)((key, _buffer(buffer, memo)) for key, buffer in value.items())
        elif type(value) is tuple and all(map(_unchanging, value)):
            own = value
        elif type(value) in _CONTAINERS and not value:
            own = type(value)()
        else:
            own = copy.deepcopy(value, memo)
        vars(twin)[name] = own
    return twin


def _unchanging(value) -> bool:
    return isinstance(value, _UNCHANGING)


def _buffer(buffer: torch.Tensor | None, memo: dict[int, object]) -> torch.Tensor | None:
    if buffer is None or id(buffer) in memo:
        return None if buffer is None else memo[id(buffer)]
    memo[id(buffer)] = buffer.detach().clone()
    return memo[id(buffer)]


_PLAIN_STATE = getattr(nn.Module, "__getstate__", None)
_UNCHANGING = (bool, int, float, str, type(None), torch.dtype, torch.device)
_CONTAINERS = (dict, OrderedDict, set, list, tuple)


def bind(model: nn.Module, masks: Masks) -> nn.Module:
    """``model`` with the weights that ``masks`` prunes at zero, as a private copy; the original is untouched.

    Layers that lose a weight get storage of their own; all other parameters, biases and batch norm's included, share
    the original's, as told at :func:`private`, which also says what else is copied and what is not.

    Do not optimise the copy: a step would write into the shared storage. Train ``copy.deepcopy`` of it.

    Args:
        model: any module; its training flags are kept.
        masks: for exactly the layers of ``core.models.prunable(model)``; moved to the model's device as needed.

    Raises:
        InvalidValue: ``masks`` has other layers or shapes, or a layer's weight is not a parameter of its own.
    """
    masks.check(model)
    pruned = private(model)
    with torch.inference_mode(False):
        for name, layer in layers(pruned).items():
            keep = masks[name].to(layer.weight.device)
            # NumPy's stops at the first zero, torch's reads on to the end.
            if not (keep.numpy() if keep.device.type == "cpu" else keep).all():
                layer.weight = nn.Parameter(zeroed(layer.weight, keep), requires_grad=layer.weight.requires_grad)
    return pruned
