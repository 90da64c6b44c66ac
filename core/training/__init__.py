"""Training: settings, augmentation, and one loop that resumes exactly."""

from core.training.augment import AUGMENTATIONS
from core.training.loop import fit, learning_rate, shared_steps, steps_per_epoch
from core.training.sampling import calibration_rows, draw
from core.training.settings import Settings
from core.training.state import State, epochs_in, peek, rows_in

__all__ = [
    "AUGMENTATIONS",
    "Settings",
    "State",
    "calibration_rows",
    "draw",
    "epochs_in",
    "fit",
    "learning_rate",
    "peek",
    "rows_in",
    "shared_steps",
    "steps_per_epoch",
]
