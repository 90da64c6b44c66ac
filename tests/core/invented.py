"""Networks that were never trained: cards and answers made up, so that a test knows what must come out."""

from pathlib import Path

import numpy as np
import pandas as pd

from core.checkpoints import Architecture, Card, DataInfo, Entry
from core.cohort import Cohort
from core.responses import Response

STUDY = "ham10000-64/vgg16"
CLASSES = ("mel", "nv")
DIGEST = "the test images"


def cohort(lesions: int, pictures: int = 2) -> Cohort:
    """``lesions`` lesions of ``pictures`` images each, one melanoma for every naevus."""
    groups = np.repeat([f"HAM_{number}" for number in range(lesions)], pictures)
    labels = np.repeat(np.arange(lesions) % 2, pictures).astype(np.int64)
    ids = np.array([f"ISIC_{number}" for number in range(len(labels))])
    return Cohort("ham10000", "test", DIGEST, CLASSES, labels, ids, groups, pd.DataFrame({"id": ids}))


def answers(labels: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float16 [N, 2]: probabilities whose largest is at the truth where ``right``, bool [N]."""
    return np.where(np.arange(2) == np.where(right, labels, 1 - labels)[:, None], 0.75, 0.25).astype(np.float16)


def entry(id: str, method: str = "dense", sparsity: float = 0.0, *, parent=None, seed=0, epochs=8, **changes) -> Entry:
    """A checkpoint of :data:`STUDY` of which only the card exists."""
    training = {"epochs": epochs, "rate": 0.01, "momentum": 0.9, "decay": 5e-4, "balance": 0.5, "seed": seed}
    recipe = {"method": method, "sparsity": sparsity, "training": training, "start": None, "parent": None}
    if parent is not None:
        recipe["parent"] = parent.card.recipe
    study, split_by = changes.pop("study", STUDY), changes.pop("split_by", "lesion")
    size = int(study.split("/")[0].split("-")[1])
    values = {
        "study": study,
        "data": DataInfo("ham10000", size, CLASSES, split_by),
        "architecture": Architecture("vgg16", 2),
        "method": method,
        "sparsity": sparsity,
        "parent": None if parent is None else parent.id,
        "seed": seed,
        "epochs": epochs,
        "recipe": recipe,
        "digest": f"digest of {id}",
        "id": id,
    }
    return Entry(id, Path(f"/nowhere/{id}.safetensors"), 0, card=Card(**values | changes), weights=False)


class Shelf:
    """Stored answers by hand: what :func:`core.responses.read` would give.

    Attributes:
        known: checkpoint id -> float16 [N, classes], its answers as it is.
    """

    def __init__(self):
        self.known: dict[str, np.ndarray] = {}

    def put(self, entry: Entry, values: np.ndarray) -> Entry:
        """Keep the answers of ``entry`` and return it."""
        self.known[entry.id] = values
        return entry

    def read(self, entry: Entry) -> Response | None:
        """The response of ``entry``."""
        if entry.id not in self.known:
            return None
        step = (round(100 * entry.card.sparsity), False)
        return Response(entry.card.digest, DIGEST, 0, {step: self.known[entry.id]}, len(CLASSES))
