"""Cost: what a pruned network weighs, computes and takes, and whether pruning changed any of it.

``cost_of`` counts (zeros, channels that are dead, parameters, bytes, floating-point operations), ``measure`` times networks
against each other on this machine, and ``conclusion`` says in one sentence what came of it.
"""

from core.cost.conclusion import SAME, conclusion, head_conclusion, percent
from core.cost.counts import Cost, cost_of
from core.cost.flops import UNIT, flops
from core.cost.heads import compare_heads, own_head, stand_in_head
from core.cost.machine import Machine, machine
from core.cost.pareto import front, pareto
from core.cost.speed import Speed, as_table, measure
from core.cost.timing import Times, interleaved

__all__ = [
    "SAME",
    "UNIT",
    "Cost",
    "Machine",
    "Speed",
    "Times",
    "as_table",
    "compare_heads",
    "conclusion",
    "cost_of",
    "flops",
    "front",
    "head_conclusion",
    "interleaved",
    "machine",
    "measure",
    "own_head",
    "pareto",
    "percent",
    "stand_in_head",
]
