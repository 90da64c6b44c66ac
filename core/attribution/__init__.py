"""Attribution: which pixels a network's answer rests on, how far two networks agree on it, and whether to believe it."""

from core.attribution.agreement import rank_correlation, share_inside, top_overlap
from core.attribution.explainer import Explainer
from core.attribution.faithfulness import completeness_error, infidelity, sensitivity
from core.attribution.maps import attribute, attribute_all
from core.attribution.methods import BASELINES, METHODS, Method
from core.attribution.randomisation import check, random_maps, randomised
from core.attribution.scales import reach
from core.attribution.skeleton import cam_layers, cam_sizes, default_stage, skeleton, stages
from core.attribution.trust import Trust, examine
from core.attribution.truth import average_precision, pointing_game

__all__ = [
    "BASELINES",
    "METHODS",
    "Explainer",
    "Method",
    "Trust",
    "attribute",
    "attribute_all",
    "average_precision",
    "cam_layers",
    "cam_sizes",
    "check",
    "completeness_error",
    "default_stage",
    "examine",
    "infidelity",
    "pointing_game",
    "random_maps",
    "randomised",
    "rank_correlation",
    "reach",
    "sensitivity",
    "share_inside",
    "skeleton",
    "stages",
    "top_overlap",
]
