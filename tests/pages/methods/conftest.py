"""Networks made up so that the verdicts on the page about methods are known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from core import checkpoints, responses
from core.checkpoints import Entry, write_card
from core.data import ImageSet
from tests.core import invented
from tests.core.invented import STUDY

METHODS = "pages/methods.py"
LESIONS = 200


def images() -> ImageSet:
    """Test images of 200 lesions, of which half have two images."""
    pictures = 1 + np.arange(LESIONS) // 2 % 2
    groups = np.repeat([f"HAM_{number}" for number in range(LESIONS)], pictures)
    labels = np.repeat(np.arange(LESIONS) % 2, pictures).astype(np.int64)
    ids = np.array([f"ISIC_{number}" for number in range(len(labels))])
    table = pd.DataFrame({"id": ids, "lesion_id": groups})
    pixels = np.zeros((len(labels), 1, 1, 3), np.uint8)
    return ImageSet("ham10000", "test", 64, pixels, labels, ids, invented.CLASSES, groups, table, "lesion")


TEST = images()


def share(right: float, seed: int = 0) -> np.ndarray:
    """float16 [N, 2]: answers of which this share of lesions is right."""
    place = np.random.default_rng(seed).permutation(LESIONS) < round(right * LESIONS)
    return invented.answers(TEST.labels, np.array([place[int(name[4:])] for name in TEST.groups]))


@pytest.fixture
def put(tmp_path):
    """A function that keeps a card, with its metrics and answers if it is given any, where the app looks."""

    def keep(entry: Entry, answers: np.ndarray | None = None) -> Entry:
        path = checkpoints.path_of(entry.id)
        card = entry.card
        if answers is not None:
            from core.evaluation import evaluate

            report = evaluate(answers, TEST.labels, TEST.class_names, groups=TEST.groups)
            metrics = {name: value.as_dict() for name, value in report.metrics.items()}
            card = dataclasses.replace(card, metrics=metrics | {"validation/accuracy": metrics["accuracy"]})
        entry = dataclasses.replace(entry, path=path, card=card)
        write_card(path, card, 0)
        if answers is not None and card.data.split_by == "lesion":
            responses._write(entry, TEST, 0, {(round(100 * card.sparsity), False): answers})
        return entry

    return keep


def history(step_layers) -> list[dict]:
    return [
        {
            "step": n + 1,
            "last_layer": layer,
            "epoch": 1,
            "accuracy": 0.7 + n / 100,
            "balanced_accuracy": 0.6,
            "loss": 1.0,
        }
        | {"sparsity": 0.1 * n}
        for n, layer in enumerate(step_layers)
    ]


@pytest.fixture
def everything(put):
    """A study with everything: three methods, both controls and a second seed, at 80%."""
    plain = [{"epoch": n + 1, "accuracy": 0.5 + n / 100, "balanced_accuracy": 0.4, "loss": 2.0} for n in range(3)]
    made = {}
    for seed in (0, 1):
        tag = f"-{seed}" if seed else ""
        dense = put(invented.entry(f"{STUDY}/dense{tag}", seed=seed, epochs=3, history=plain), share(0.6))
        given = {"parent": dense, "seed": seed}
        layers = history(["features.0", "features.3", "classifier"])
        for method, right in (("iterative", 0.9), ("one_shot", 0.75), ("layerwise", 0.6)):
            own = invented.entry(f"{STUDY}/{method}-80{tag}", method, 0.8, history=layers, **given)
            made[method, seed] = put(own, share(right))
        if not seed:
            put(invented.entry(f"{STUDY}/one_shot-random-80", "one_shot-random", 0.8, **given), share(0.4))
            put(invented.entry(f"{STUDY}/dense_trained_on", "dense_trained_on", history=plain, **given), share(0.7))
    return made
