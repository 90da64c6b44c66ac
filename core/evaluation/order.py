"""Which modules of a network certainly run one right after the other. A network does not tell: its ``forward`` is code."""

from collections import Counter

from torch import nn
from torchvision.models import VGG, DenseNet
from torchvision.models.densenet import _DenseBlock, _DenseLayer, _Transition

from core.evaluation.concatenation import MergedBlock, MergedLayer
from core.models.architectures import CompactVGG16

# By exact type: whoever inherits from one of them may run its children otherwise.
_CHAINS = (nn.Sequential, _Transition, _DenseLayer, MergedLayer)
"""Run their children in the order in which these are registered (a dense layer: norm1, relu1, conv1, norm2, relu2, conv2)."""
_NETWORKS = (*_CHAINS, VGG, CompactVGG16, DenseNet, _DenseBlock, MergedBlock)
"""Use their children as a whole: nothing of theirs reads what happens within one."""

Chain = tuple[nn.Module, list[tuple[str, nn.Module]]]
"""A parent, and names and modules of children of it: each reads what the one before gives, and nothing else reads that."""


def chains(network: nn.Module) -> list[Chain]:
    """Every chain of ``network``; none in a network, or a part of one, of another make than VGG, DenseNet and ``nn.Sequential``.

    A module that is used in several places is in no chain, and ends those that it stands in: what is changed for one place would change
    the others.
    """
    uses = Counter(id(module) for _, module in network.named_modules(remove_duplicate=False))
    found: list[Chain] = []

    def look(parent: nn.Module) -> None:
        if type(parent) not in _NETWORKS or "forward" in vars(parent):
            return
        links: list[list[tuple[str, nn.Module]]] = [[]]
        # Not ``named_children``, which leaves out what was there before, and with it the end of a chain.
        for name, child in parent._modules.items():
            if child is None:
                continue
            if uses[id(child)] > 1:
                links.append([])
            else:
                links[-1].append((name, child))
                look(child)
        if type(parent) in _CHAINS:
            found.extend((parent, chain) for chain in links if chain)

    look(network)
    return found
