"""The reliability diagram: of the answers given with some confidence, how many were right.

DeGroot, M. H. & Fienberg, S. E. (1983). The comparison and evaluation of forecasters. The Statistician 32; with the bins of
Guo et al. (2017), so that the expected calibration error is the distance from the diagonal averaged over its points.
"""

import numpy as np
import pandas as pd

from core.evaluation.calibration import BINS, bins_of
from core.evaluation.checks import checked
from core.evaluation.proportions import proportions


def reliability(probabilities, labels, groups=None, *, bins: int = BINS) -> pd.DataFrame:
    """How often a network is right, by how sure it says it is.

    Args:
        probabilities: float [N, C]. labels: int [N].
        groups: [N] lesion ids, or None: each image is a lesion.
        bins: of equal width, from 0 to 1.

    Returns:
        One row a bin that holds an answer: from, to (its bounds, (from, to]), images, confidence (mean probability of the
        answers), accuracy, low, high (Wilson 95%, adjusted for lesions).

    Raises:
        InvalidValue: inputs that do not fit together, or less than one bin.
    """
    predictions = checked(probabilities, labels, groups)
    confidence, bin_of = bins_of(predictions, bins)
    sizes = predictions.sums(np.ones(predictions.images), bin_of, bins)
    images = sizes.sum(axis=0)
    accuracy, low, high = proportions(predictions.sums(predictions.right, bin_of, bins), sizes)
    mean = np.bincount(bin_of, weights=confidence, minlength=bins) / np.maximum(images, 1)
    table = pd.DataFrame(
        {
            "from": np.arange(bins) / bins,
            "to": np.arange(1, bins + 1) / bins,
            "images": images.astype(np.int64),
            "confidence": mean,
            "accuracy": accuracy,
            "low": low,
            "high": high,
        }
    )
    return table[table["images"] > 0].reset_index(drop=True)
