"""Similarity: are two layers alike in what they tell apart? CKA with the unbiased HSIC, and how sure it is."""

from core.similarity.grams import Grams, grams
from core.similarity.hsic import cka, hsic
from core.similarity.levels import LEVELS, layer_names
from core.similarity.matrix import CKAMatrix, cka_matrix, compare_means

__all__ = ["LEVELS", "CKAMatrix", "Grams", "cka", "cka_matrix", "compare_means", "grams", "hsic", "layer_names"]
