"""Whether images show that a layer tells them apart at all, and if not, why: a CKA with such a layer is noise, or about a few images."""

import math

import numpy as np
import torch
from torch import Tensor

from core.similarity import jackknife

ALONE = 0.05
"""An image that takes part in more than this share of a layer's HSIC with itself stands out."""


def shares(matrix: Tensor) -> Tensor:
    """float64 [n]: the share that each image has in ⟨K, K⟩ of a centred matrix K [n, n], Σⱼ Kᵢⱼ² / ΣΣ Kᵢⱼ²; of K = 0 all are 0."""
    own = matrix.double().square().sum(1)
    return own / own.sum().clamp_min(torch.finfo(torch.float64).tiny)


def reasons(values: Tensor, lesions: np.ndarray | None, *, debiased: bool) -> list[str]:
    """For each layer, why the images do not show that it tells them apart; empty where they do.

    They do where the 95% interval of its HSIC with itself lies above 0.

    Args:
        values: [n, L, n], centred matrices, see :class:`core.similarity.Grams`.
        lesions: int64 [n], which lesion an image shows, or None where each is its own.
        debiased: how they were centred. The biased HSIC is above 0 for anything.
    """
    n, count = len(values), values.shape[1]
    if n < jackknife.LEAST[debiased]:
        return [f"{n} images give no band: {jackknife.LEAST[debiased]} are the least"] * count
    if not debiased:
        return [""] * count
    errors = jackknife.relative_errors(values, lesions, debiased=True).numpy() * jackknife.quantile(n, lesions)
    return [
        "" if error < 1 else f"{n:,} images cannot show that it tells images apart{_why(values[:, place], error)}"
        for place, error in enumerate(errors)
    ]


def _why(matrix: Tensor, error: float) -> str:
    """Few images that decide alone, and how many would be needed; ``error`` is the interval's half width, a share of HSIC."""
    if not math.isfinite(error):
        return ""
    own = shares(matrix)
    alone = own[own > ALONE]
    few = (
        f": {len(alone)} of them make{'s' if len(alone) == 1 else ''} up {float(alone.sum()):.0%} of what it does"
        if len(alone)
        else ""
    )
    return f"{few}; about {math.ceil(len(matrix) * error**2):,} images are needed"
