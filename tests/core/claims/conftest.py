"""Networks whose answers are known beforehand, and the claims judged on them."""

import numpy as np
import pytest

from core import claims
from core.replication import Stored, lines
from tests.core import invented
from tests.core.invented import STUDY, answers, entry

LESIONS = 400
COHORT = invented.cohort(LESIONS)


FULL = {"one_shot": 300, "layerwise": 240, "iterative": 360, "dense_trained_on": 322, "one_shot-random": 200}


def right(lesions: int) -> np.ndarray:
    """bool [N]: the first so many lesions of both classes are right."""
    return np.repeat(np.arange(LESIONS) < lesions, 2)


@pytest.fixture
def shelf():
    return invented.Shelf()


def put(shelf, id, lesions, *args, **changes):
    return shelf.put(entry(id, *args, **changes), answers(COHORT.labels, right(lesions)))


def network(shelf, right_lesions: dict[str, int], seed: int = 0) -> list:
    """A dense network with 320 lesions right and what was made of it at 80%, with as many right as is said."""
    dense = put(shelf, f"{STUDY}/dense-{seed}" if seed else f"{STUDY}/dense", 320, seed=seed, epochs=24)
    made = [dense]
    for method, lesions in right_lesions.items():
        given = {"parent": dense, "seed": seed}
        sparsity = 0.0 if method == "dense_trained_on" else 0.8
        made.append(put(shelf, f"{STUDY}/{method}-80-{seed}", lesions, method, sparsity, **given))
    return made


def judged(entries, shelf, measure="accuracy") -> dict:
    own = lines(STUDY, entries)
    found = claims.judge(claims.claims(STUDY, own[0].sparsities), own, Stored(COHORT, shelf.read), measure)
    return {(f.claim.group, f.claim.subject): f for f in found if f.claim.sparsity == 0.8}
