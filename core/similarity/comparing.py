"""Every layer of one model compared with every layer of another."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core import device as devices
from core.data import ImageSet
from core.errors import InvalidValue
from core.progress import Report, silent
from core.similarity import jackknife
from core.similarity.grams import Grams, grams
from core.similarity.matrix import CKAMatrix
from core.similarity.means import Images, Mean
from core.similarity.memory import give_back

_MANY = 16_000_000  # numbers gone through whose remains are worth giving back


def cka_matrix(
    model_a: nn.Module | Grams,
    model_b: nn.Module | Grams,
    images: ImageSet | np.ndarray | Tensor | None = None,
    *,
    layers: str | Sequence[str] | None = None,
    debiased: bool = True,
    groups=None,
    device=None,
    precision: str = "auto",
    report: Report = silent,
) -> CKAMatrix:
    """Compare the layers of two models, of any architecture, on the same images in the same order.

    Each model sees them once, in evaluation mode, under its own normalisation; a model with itself runs once.

    Args:
        model_a, model_b: networks of ours, untouched, or their :class:`core.similarity.Grams` for these images.
        images: uint8 [n, H, W, 3], or an image set; not needed if both models are given as Grams.
        layers: a level of detail, or names that both models have, see :func:`core.similarity.layer_names`. To compare
            other layers of each, give Grams.
        debiased, groups, device, precision, report: as for :func:`core.similarity.grams`.

    Returns:
        Rows are the layers of ``model_a``, columns those of ``model_b``.

    Raises:
        InvalidValue: as :func:`core.similarity.grams`; or Grams of other images, or of another kind of HSIC.
        UnknownName: as :func:`core.similarity.grams`.
    """

    def of(model: nn.Module | Grams) -> Grams:
        if isinstance(model, Grams):
            return model
        if images is None:
            raise InvalidValue("There are no images to compare on", given="None", expected="uint8 [n, H, W, 3]")
        options = {"debiased": debiased, "groups": groups, "device": device, "precision": precision}
        return grams(model, images, layers=layers, report=report, **options)

    left = of(model_a)
    right = left if model_b is model_a else of(model_b)
    if left.digest != right.digest:
        raise InvalidValue(
            "The two models saw different images",
            given=f"{left.n} and {right.n} images, digests {left.digest} and {right.digest}",
            expected="the same images at the same size in the same order",
            remedy="compare models of one study, and make the Grams of both from the same images",
        )
    if left.debiased != right.debiased:
        raise InvalidValue("One model has the biased HSIC and the other the unbiased one", expected="the same for both")
    with devices.turn("cpu"), torch.inference_mode():
        found = _compare(left, right)
    if left.n * found.values.size > _MANY:
        give_back()
    return found


def _compare(left: Grams, right: Grams) -> CKAMatrix:
    n, shape = left.n, (len(left.names), len(right.names))
    usable = np.array([[not (a or b) for b in right.reasons] for a in left.reasons])
    same = np.array(left.names)[:, None] == np.array(right.names)
    chosen = {"off_diagonal": usable & ~same, "twins_mean": usable & same}
    values, errors = np.empty(shape), np.empty(shape)
    without = {name: torch.zeros(n, dtype=torch.float64) for name in chosen}
    for part in jackknife.leave_out(left.values, right.values, debiased=left.debiased):
        at = (part.rows, part.columns)
        values[at], errors[at] = part.values, jackknife.standard_errors(part.without, left.groups)
        weights = np.ones(part.values.shape)
        if right is left:  # only what lies on and above the diagonal comes: the rest is its mirror image
            row, column = np.ogrid[at]
            weights[:] = np.where(row < column, 2, row == column)
            values.T[at], errors.T[at] = values[at], errors[at]
        for name, cells in chosen.items():
            without[name] += _total(part.without, weights * cells[at])
    images = Images(n, left.digest, left.groups, left.debiased)
    if n < jackknife.LEAST[left.debiased]:
        errors[:] = np.nan
    means = {name: _mean(values, cells, without[name], images) for name, cells in chosen.items()}
    return CKAMatrix(
        values=values,
        errors=errors,
        rows=left.names,
        columns=right.names,
        row_reasons=left.reasons,
        column_reasons=right.reasons,
        images=images,
        precision=(left.precision, right.precision),
        **means,
    )


def _mean(values: np.ndarray, cells: np.ndarray, without: Tensor, images: Images) -> Mean:
    count = int(cells.sum())
    estimate = float(values[cells].mean()) if count else float("nan")
    return Mean.of(estimate, (without / max(1, count)).numpy(), count, images)


def _total(without: Tensor, weights: np.ndarray) -> Tensor:
    """Weighted sum of the cells of [n, rows, columns], for each image; cells of weight 0 may be NaN."""
    if 2 * np.count_nonzero(weights) > weights.size:
        total = without.flatten(1) @ torch.from_numpy(weights).flatten()  # reads what an index would copy
        if not total.isnan().any():
            return total
    rows, columns = (torch.from_numpy(where) for where in np.nonzero(weights))
    return without[:, rows, columns] @ torch.from_numpy(weights[weights != 0])
