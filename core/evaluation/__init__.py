"""Evaluation: predictions, what they are worth, and how sure that is."""

from core.evaluation.changes import flips, harm
from core.evaluation.intervals import Interval, mover, wilson
from core.evaluation.ledger import FalseAlarms, false_alarms, in_groups, ledger, taken_for
from core.evaluation.metrics import METRICS, Metric, headlines, threshold_for_sensitivity
from core.evaluation.paired import Comparison, McNemar, compare, mcnemar
from core.evaluation.predict import Predictor, predict
from core.evaluation.recalibration import has_batch_norm, recalibrate
from core.evaluation.reliability import reliability
from core.evaluation.report import Report, evaluate
from core.evaluation.scoreboard import Score, balanced_accuracy, scoreboard
from core.evaluation.watching import curve, watch

__all__ = [
    "METRICS",
    "Comparison",
    "FalseAlarms",
    "Interval",
    "McNemar",
    "Metric",
    "Predictor",
    "Report",
    "Score",
    "balanced_accuracy",
    "compare",
    "curve",
    "evaluate",
    "false_alarms",
    "flips",
    "harm",
    "has_batch_norm",
    "headlines",
    "in_groups",
    "ledger",
    "mcnemar",
    "mover",
    "predict",
    "recalibrate",
    "reliability",
    "scoreboard",
    "taken_for",
    "threshold_for_sensitivity",
    "watch",
    "wilson",
]
