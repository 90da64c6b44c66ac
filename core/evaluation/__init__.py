"""Evaluation: predictions, what they are worth, and how sure that is."""

from core.evaluation.changes import flips, harm
from core.evaluation.intervals import Interval, wilson
from core.evaluation.metrics import METRICS, Metric, threshold_for_sensitivity
from core.evaluation.paired import Comparison, McNemar, compare, mcnemar
from core.evaluation.predict import Predictor, predict
from core.evaluation.recalibration import has_batch_norm, recalibrate
from core.evaluation.report import Report, evaluate

__all__ = [
    "METRICS",
    "Comparison",
    "Interval",
    "McNemar",
    "Metric",
    "Predictor",
    "Report",
    "compare",
    "evaluate",
    "flips",
    "harm",
    "has_batch_norm",
    "mcnemar",
    "predict",
    "recalibrate",
    "threshold_for_sensitivity",
    "wilson",
]
