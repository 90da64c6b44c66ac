"""The paper whose claims are put to the test: what it published, and what of it our runs do otherwise.

T. Akhtar and D. R. Bathula, IIT Ropar: "Exploring the Impact of Network Pruning Techniques on Model Efficiency and
Layer Similarity in Medical Image Analysis". ``accuracy.csv`` is its table of results, top-1 accuracy on test images in
percent; ``layerwise_progress.csv`` its accuracy after each layer (or block) of the layerwise method at 80%, with the
global sparsity by then, in percent and as a share. Both hold the numbers as published, without intervals: the paper
gives none.
"""

from core.paper.facts import (
    CITATION,
    METHODS,
    accuracy,
    best,
    layerwise_progress,
    published,
    tally,
    units,
    usual_best,
    worst,
)
from core.paper.protocol import Deviation, budget, deviations
from core.paper.units import layer_name, unit_names

__all__ = [
    "CITATION",
    "METHODS",
    "Deviation",
    "accuracy",
    "best",
    "budget",
    "deviations",
    "layer_name",
    "layerwise_progress",
    "published",
    "tally",
    "unit_names",
    "units",
    "usual_best",
    "worst",
]
