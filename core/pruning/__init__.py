"""Pruning: which weights go, in which order, and a network without them.

``magnitude`` gives the :class:`Masks` at a sparsity, a :class:`Ranking` those at many, ``plan`` the steps of a method,
``bind`` a pruned copy of a network that shares with it whatever did not change, and ``compact`` a smaller network without
the channels that pruning has killed.
"""

from core.pruning.binding import bind, private
from core.pruning.compaction import channel_states, compact
from core.pruning.criteria import CRITERIA, Criterion
from core.pruning.masks import Masks
from core.pruning.methods import METHODS, Method, Step, plan, step_masks
from core.pruning.ranking import SCOPES, Ranking, magnitude

__all__ = [
    "CRITERIA",
    "METHODS",
    "SCOPES",
    "Criterion",
    "Masks",
    "Method",
    "Ranking",
    "Step",
    "bind",
    "channel_states",
    "compact",
    "magnitude",
    "plan",
    "private",
    "step_masks",
]
