"""Two masks of one network: where they agree, and how much agreement chance alone would give."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.pruning import Masks

COUNTS = ("weights", "both", "only_first", "only_second", "neither")


def overlap(first: Masks, second: Masks) -> pd.DataFrame:
    """Zeros of two masks by layer, counted over all weights: nothing is sampled, so nothing has an interval.

    Args:
        first, second: for the same layers and shapes.

    Returns:
        One row a layer, in order: layer, weights; both, only_first, only_second (zero in …), neither (counts);
        by_chance, the zeros in both that are expected if each mask had as many zeros in this layer, at random places.

    Raises:
        InvalidValue: masks of other layers or shapes.
    """
    first.check(second)
    rows = []
    for layer, keeps in first.items():
        one, two = ~keeps, ~second[layer].to(keeps.device)
        both, zeros = int((one & two).sum()), (int(one.sum()), int(two.sum()))
        rows.append(
            {
                "layer": layer,
                "weights": one.numel(),
                "both": both,
                "only_first": zeros[0] - both,
                "only_second": zeros[1] - both,
                "neither": one.numel() - zeros[0] - zeros[1] + both,
                "by_chance": zeros[0] * zeros[1] / one.numel(),
            }
        )
    return pd.DataFrame(rows)


def grouped(frame: pd.DataFrame, parts: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The layers of :func:`overlap`, several together: of many, single ones are too small to see.

    Args:
        frame: of :func:`overlap`.
        parts: name -> its layers; every layer belongs to one of them.

    Returns:
        The same columns, one row a part in their order; ``by_chance`` is the sum of its layers', each drawn from at random by itself.
    """
    of = {layer: part for part, layers in parts.items() for layer in layers}
    columns = [*COUNTS, "by_chance"]
    return frame.groupby(frame["layer"].map(of), sort=False)[columns].sum().rename_axis("layer").reset_index()


def total(frame: pd.DataFrame) -> dict[str, float]:
    """The layers of :func:`overlap` together.

    Returns:
        The sums of its counts and of ``by_chance``; and ``shared`` and ``shared_by_chance``: zeros in both as a share of the zeros
        in either (Jaccard's index), found and expected where zeros lay at random within each layer. NaN without zeros.
    """
    sums = {name: int(frame[name].sum()) for name in COUNTS}
    chance = float(frame["by_chance"].sum())
    zeros = 2 * sums["both"] + sums["only_first"] + sums["only_second"]
    return sums | {
        "by_chance": chance,
        "shared": sums["both"] / (zeros - sums["both"]) if zeros else np.nan,
        "shared_by_chance": chance / (zeros - chance) if zeros else np.nan,
    }
