"""Similarity: are two layers alike in what they tell apart? CKA with the unbiased HSIC, and how sure it is."""

from core.similarity.comparing import cka_matrix
from core.similarity.grams import Grams, grams, grams_of_samples
from core.similarity.hsic import cka, hsic
from core.similarity.influence import Influence, influential
from core.similarity.levels import LEVELS, layer_names
from core.similarity.matrix import CKAMatrix
from core.similarity.means import Images, Mean, mean_difference, pooled

__all__ = [
    "LEVELS",
    "CKAMatrix",
    "Grams",
    "Images",
    "Influence",
    "Mean",
    "cka",
    "cka_matrix",
    "grams",
    "grams_of_samples",
    "hsic",
    "influential",
    "layer_names",
    "mean_difference",
    "pooled",
]
