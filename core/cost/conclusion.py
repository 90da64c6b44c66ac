"""What the measurements say, in one plain sentence that is computed from them."""

from core.cost.counts import Cost
from core.cost.heads import CSR, DENSE
from core.cost.speed import Speed

SAME = 0.05
"""A difference below one in twenty is called none: one machine varies as much from one hour to the next."""

_FASTER, _SLOWER, _ALIKE = "faster", "slower", "no faster"


def conclusion(cost: Cost, speeds: list[Speed], dense: str, compacted: str) -> str:
    """Whether pruning made this network faster here, by how much, and why or why not.

    Args:
        cost: of the checkpoint.
        speeds: its networks timed together, a batch size each.
        dense, compacted: their names in ``speeds``.
    """
    verdict = _verdict(speeds, compacted, dense)
    return (
        f"Compacted, this network is {verdict} on this machine: it takes "
        f"{_shares(speeds, compacted, dense)}, {_reason(cost, verdict == _FASTER)} ({speeds[0].machine})."
    )


def head_conclusion(speeds: list[Speed], sparsity: float) -> str:
    """Whether sparse matrices make linear layers faster here.

    Args:
        speeds: from :func:`core.cost.compare_heads`.
        sparsity: of the head.
    """
    return (
        f"With {sparsity:.0%} zeros, CSR matrices are {_verdict(speeds, CSR, DENSE)} on this machine: they take "
        f"{_shares(speeds, CSR, DENSE)} ({speeds[0].machine})."
    )


def percent(share: float) -> str:
    """A share as people write it, with the digits that a small one needs: ``"5.9%"``, ``"0.03%"``, ``"0.0%"`` for none."""
    return f"{100 * share:.1g}%" if 0 < share < 0.001 else f"{share:.1%}"


def _reason(cost: Cost, faster: bool) -> str:
    if cost.merged:
        merged = (
            f"because the pool before its head only repeats what it gets and was merged into it, which takes {percent(cost.merged / cost.weights)} "
            "of the weights away, pruned or not"
        )
        return merged if not cost.zeros else f"{merged}; {_of_zeros(cost, 'and')}"
    # Where it is faster all the same, zeros are not why.
    return _of_zeros(cost, "although" if faster else "because")


def _of_zeros(cost: Cost, because: str) -> str:
    if not cost.zeros:
        return f"{because} nothing is pruned"
    if cost.effective < SAME:
        zero = percent(cost.nominal) if cost.nominal < 0.01 else f"{cost.nominal:.0%}"
        dead = f"only {percent(cost.effective)} make up" if cost.effective else "none make up"
        return (
            f"{because} of the {zero} of its weights that are zero {dead} dead channels, "
            "and a zero anywhere else is multiplied like any other number"
        )
    return (
        f"with {cost.nominal:.0%} of its weights zero and {cost.effective:.0%} in channels that can be left out, which takes "
        f"{1 - cost.flops_left / cost.flops:.0%} of the operations away"
    )


def _verdict(speeds: list[Speed], name: str, other: str) -> str:
    """Faster, slower or neither, and where batch sizes disagree, which for what."""
    found = {speed.batch: _one_verdict(*speed.share(name, other)) for speed in speeds}
    if len(set(found.values())) == 1:
        return next(iter(found.values()))
    return ", ".join(f"{verdict} for {_what(batch)}" for batch, verdict in found.items())


def _one_verdict(low: float, median: float, high: float) -> str:
    if abs(median - 1) < SAME or low <= 1 <= high:
        return _ALIKE
    return _FASTER if median < 1 else _SLOWER


def _shares(speeds: list[Speed], name: str, other: str) -> str:
    texts = []
    for speed in speeds:
        low, median, high = speed.share(name, other)
        of = "" if texts else " of the dense time"
        texts.append(f"{median:.0%}{of} for {_what(speed.batch)} (quartiles {low:.0%} to {high:.0%})")
    return " and ".join(texts)


def _what(batch: int) -> str:
    return "one image" if batch == 1 else f"{batch} images at once"
