"""A network with pruned weights that leaves the original alone: a private copy that shares what it does not change."""

import copy
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.errors import InvalidValue
from core.models import check_shapes, layers, prunable
from core.pruning.layout import check_weights
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
        InvalidValue: a layer's weight is computed by a hook or a parametrisation instead of being a parameter; or a parameter
            has no shape yet (a lazy layer's), or was made in inference mode, so that no other can share its storage.
    """
    for name, layer in layers(model).items():
        if "weight" not in layer._parameters:
            raise InvalidValue(
                "The weight of a layer is no parameter of its own",
                given=name,
                expected="an nn.Parameter",
                remedy="make the reparametrisation permanent, as torch.nn.utils.prune.remove(layer, 'weight') does",
            )
    parameters = dict(model.named_parameters())
    check_shapes(parameters.items())
    for name, parameter in parameters.items():
        if parameter.is_inference() and parameter.requires_grad:
            raise InvalidValue(
                "A parameter of this model was made in inference mode, so that no other can share its storage",
                given=name,
                expected="a parameter that can be trained",
                remedy="build or load the model outside of torch.inference_mode()",
            )
    with torch.inference_mode(False), torch.no_grad():
        return _Twins(model).of(model)


class _Twins:
    """``copy.deepcopy`` of a model's modules, five times as fast: nearly all that a module holds is empty or cannot change."""

    def __init__(self, model: nn.Module):
        self._model, self._hooks_are_known = model, False
        # Each parameter becomes an object of its own over the same storage: `copy.to(bfloat16)` puts another tensor
        # into a parameter object, and would reach everybody who holds the same object. So would a gradient.
        self._memo: dict[int, object] = {
            id(p): nn.Parameter(p.detach(), requires_grad=p.requires_grad) for p in model.parameters()
        }

    def of(self, module: nn.Module) -> nn.Module:
        """The copy of a module, the same one each time."""
        if id(module) in self._memo:
            return self._memo[id(module)]
        kind = type(module)
        if hasattr(kind, "__deepcopy__") or getattr(kind, "__getstate__", _PLAIN_STATE) is not _PLAIN_STATE:
            return self._deep(module)  # it has its own idea of a copy
        twin = self._memo[id(module)] = kind.__new__(kind)
        own = vars(twin)
        for name, value in vars(module).items():
            if type(value) in _CONSTANT:
                own[name] = value
            elif name in _HOOKS:
                own[name] = OrderedDict()
            elif name == "_parameters":
                own[name] = type(value)(
                    {key: part if part is None else self._memo[id(part)] for key, part in value.items()}
                )
            elif name == "_modules":
                own[name] = type(value)({key: part if part is None else self.of(part) for key, part in value.items()})
            elif name == "_buffers":
                own[name] = type(value)(
                    {key: part if part is None else self._buffer(part) for key, part in value.items()}
                )
            elif name != "_compiled_call_impl":  # that is compiled for the module that it is of
                own[name] = self._attribute(value)
        return twin

    def _attribute(self, value):
        if id(value) in self._memo:
            return self._memo[id(value)]
        kind = type(value)
        if kind in _FLAT and all(type(part) in _CONSTANT for part in value):
            return value if kind is tuple else kind(value)
        if kind in _KEYED and not value:
            return kind()
        return self._deep(value)

    def _buffer(self, buffer: torch.Tensor) -> torch.Tensor:
        if id(buffer) not in self._memo:
            self._memo[id(buffer)] = buffer.detach().clone()
        return self._memo[id(buffer)]

    def _deep(self, value):
        # What the memo holds already, deepcopy takes as the copy. Hooks are replaced before it looks into them, because
        # they may hold anything, and another user may be adding one just now.
        if not self._hooks_are_known:
            for module in self._model.modules():
                self._memo |= {id(getattr(module, hooks)): OrderedDict() for hooks in _HOOKS}
            self._hooks_are_known = True
        return copy.deepcopy(value, self._memo)


_PLAIN_STATE = getattr(nn.Module, "__getstate__", None)
_CONSTANT = frozenset((bool, int, float, str, type(None), torch.dtype, torch.device))
_FLAT, _KEYED = (list, tuple, set), (dict, OrderedDict)


def bind(model: nn.Module, masks: Mapping[str, Tensor]) -> nn.Module:
    """``model`` with the weights that ``masks`` prunes at zero, as a private copy; the original is untouched.

    Layers that lose a weight get storage of their own; all other parameters, biases and batch norm's included, share
    the original's, as told at :func:`private`, which also says what else is copied and what is not.

    Do not optimise the copy: a step would write into the shared storage. Train ``copy.deepcopy`` of it.

    Args:
        model: any module; its training flags are kept.
        masks: layer name -> bool, True keeps, for exactly the layers of ``core.models.prunable(model)``; moved to the
            model's device as needed. Any mapping; quickest as :class:`core.pruning.Masks`, which are not copied.

    Raises:
        InvalidValue: ``masks`` has other layers or shapes or is not boolean; or a weight cannot be shared, as told at
            :func:`private`, or is not a dense tensor of floats.
    """
    masks, weights = Masks.of(masks), prunable(model)
    masks.check(weights)
    check_weights(weights)
    pruned = private(model)
    with torch.inference_mode(False):
        for name, layer in layers(pruned).items():
            keep = masks[name].to(layer.weight.device)
            # NumPy's stops at the first zero, torch's reads on to the end.
            if not (keep.numpy() if keep.device.type == "cpu" else keep).all():
                layer.weight = nn.Parameter(zeroed(layer.weight, keep), requires_grad=layer.weight.requires_grad)
    return pruned
