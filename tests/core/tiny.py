"""A network and pictures that train in seconds, for tests and for the processes that tests start."""

import contextlib

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from core.checkpoints import architecture
from core.data import ImageSet
from core.models import ARCHITECTURES
from core.recipes import Recipe, dense

STUDY = "colours-32/vgg16"
CLASSES = ("blue", "green", "red")
PER_CLASS = {"train": 12, "validation": 4, "test": 6}


class Tiny(nn.Module):
    """Two convolutions with batch norm, a pool, dropout and a linear layer: 1,560 weights for three classes."""

    def __init__(self, classes: int, norm: bool = True):
        super().__init__()
        norms = [nn.BatchNorm2d(8), nn.BatchNorm2d(16)] if norm else [nn.Identity(), nn.Identity()]
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            norms[0],
            nn.ReLU(inplace=True),
            nn.MaxPool2d(4),
            nn.Conv2d(8, 16, 3, padding=1),
            norms[1],
            nn.ReLU(inplace=True),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(16, classes)

    def forward(self, x):
        return self.classifier(self.dropout(torch.flatten(self.avgpool(self.features(x)), 1)))


@contextlib.contextmanager
def registered():
    """Let ``vgg16`` mean the tiny network, so that everything above the registry runs in seconds."""
    forget = (architecture.layout, architecture._skeleton)
    before = ARCHITECTURES["vgg16"]
    ARCHITECTURES["vgg16"] = lambda classes, head, stem, norm: Tiny(classes, norm)
    for cached in forget:
        cached.cache_clear()
    try:
        yield
    finally:
        ARCHITECTURES["vgg16"] = before
        for cached in forget:
            cached.cache_clear()


def pictures(count: int, seed: int = 0, size: int = 32, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Noise with one bright channel a class: uint8 [N, size, size, 3] and labels, class after class."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), count)
    images = random.integers(0, 120, (len(labels), size, size, 3))
    images[np.arange(len(labels)), :, :, 2 - labels % 3] += 110
    return images.astype(np.uint8), labels.astype(np.int64)


def image_set(count: int = 12, seed: int = 0, split: str = "train", size: int = 32) -> ImageSet:
    """An image set in memory with ``count`` images of each of three colours."""
    images, labels = pictures(count, seed, size)
    ids = np.array([f"{split}/{number}" for number in range(len(labels))])
    table = pd.DataFrame({"id": ids, "label": labels, "split": split})
    return ImageSet(
        name="colours",
        split=split,
        size=size,
        images=images,
        labels=labels,
        ids=ids,
        class_names=CLASSES,
        groups=None,
        table=table,
        split_by="image",
    )


def write_pictures(root, per_class=PER_CLASS, size: int = 32):
    """The folder data set ``colours`` under ``root``: split/class/number.png."""
    for seed, (split, count) in enumerate(per_class.items()):
        for number, (image, label) in enumerate(zip(*pictures(count, seed, size), strict=True)):
            path = root / "colours" / split / CLASSES[label] / f"{number % count}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return root


def parent(**changes) -> Recipe:
    """The recipe of the dense network of :data:`STUDY`, of two epochs."""
    return dense(STUDY, **{"epochs": 2, "batch": 8, "rate": 0.05, "warmup": 0.5, **changes})
