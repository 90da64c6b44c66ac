"""Image sets: HAM10000, CIFAR-100, phantoms, and any folder or zip of class folders or with a list."""

from core.data.imageset import ImageSet
from core.data.sources import DATASETS, load, locate, summary
from core.data.splits import SPLITS

__all__ = ["DATASETS", "SPLITS", "ImageSet", "load", "locate", "summary"]
