"""PruneScope's engine: data, models, pruning, training and evaluation, with no screen in it.

``import core`` costs milliseconds: torch and the sub-packages are imported when they are first touched
(``core.pruning.magnitude`` imports ``core.pruning``), so that a page can be shown before they are.
"""

import importlib

__version__ = "0.1.0"

_PARTS = (
    "answerfile",
    "answers",
    "attribution",
    "breaking",
    "brought",
    "checkpoints",
    "claims",
    "cohort",
    "cost",
    "data",
    "device",
    "drift",
    "errors",
    "evaluation",
    "exemplars",
    "exports",
    "familiarity",
    "files",
    "finished",
    "inspection",
    "jobs",
    "lab",
    "leak",
    "learn",
    "matrices",
    "models",
    "own",
    "paper",
    "paths",
    "profiles",
    "progress",
    "pruning",
    "recipes",
    "replication",
    "report",
    "reproduce",
    "responses",
    "runfolder",
    "runs",
    "sensitivity",
    "similarity",
    "similarity_claims",
    "splitdigest",
    "spreadsheets",
    "studies",
    "subgroups",
    "sweeps",
    "tablefile",
    "training",
    "uploads",
    "verification",
    "whatif",
    "words",
)

__all__ = [*_PARTS, "__version__"]


def __getattr__(name: str):
    if name in _PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
