"""Occlusion: cover a part of the image and see what becomes of the score."""

import torch
from torch import Tensor

from core.attribution.explainer import Explainer, captum
from core.attribution.methods import base
from core.attribution.methods.base import Method


def window_of(size: int, window: int | None, stride: int | None) -> tuple[int, int]:
    """Side and step of the covering square in pixels: three sixteenths and a sixteenth of the image where not given."""
    side = min(size, window or max(1, round(size * 3 / 16)))
    return side, min(side, stride or max(1, round(size / 16)))


def _positions(size: int, window: int | None, stride: int | None) -> int:
    side, step = window_of(size, window, stride)
    return (-(-(size - side) // step) + 1) ** 2


def _occlusion(
    explainer: Explainer, x: Tensor, target: Tensor, *, window: int | None, stride: int | None, baseline: str
) -> Tensor:
    side, step = window_of(min(x.shape[-2:]), window, stride)
    method = captum().Occlusion(explainer.forward)
    with torch.no_grad():
        found = method.attribute(
            x,
            (3, side, side),
            (3, step, step),
            baselines=base.baseline(explainer, x, baseline),
            target=target,
            perturbations_per_eval=max(1, explainer.batch(x) // len(x)),
        )
    return found[:, 0]  # the three channels are covered together and share one value


OCCLUSION = Method(
    name="occlusion",
    title="Occlusion",
    sentence="Covers one square of the image after the other and shows how far the score of the target falls.",
    source="Zeiler & Fergus 2014, arXiv:1311.2901",
    signed=True,
    complete=False,
    maps=_occlusion,
    passes=lambda options, size: 1 + _positions(size, options["window"], options["stride"]),
    options={"window": None, "stride": None, "baseline": "mean"},
)
