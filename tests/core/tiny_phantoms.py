"""Checkpoints of tiny untrained networks that take drawings, for tests that ask and do not train."""

import torch

from core import checkpoints, models
from core.checkpoints import Architecture, Card, DataInfo
from core.data.phantom import CLASSES
from core.pruning import bind, magnitude

SIZE = 32


def card(study: str, method: str, sparsity: float = 0.0, parent: str | None = None, balance: float = 0.0) -> Card:
    """A card without numbers, for a network of the seven diagnoses."""
    return Card(
        study=study,
        data=DataInfo(study.split("-")[0], SIZE, CLASSES, "lesion", "none"),
        architecture=Architecture("vgg16", len(CLASSES)),
        method=method,
        sparsity=sparsity,
        parent=parent,
        recipe={"training": {"balance": balance}},
        seed=0,
    )


def save(study: str = f"phantom-{SIZE}/vgg16", methods: tuple[str, ...] = ("iterative", "one_shot"), seed: int = 0):
    """Save a dense network and one pruned to 80% for each method; inside ``tiny.registered``. Returns the dense one's card."""
    torch.manual_seed(seed)
    model = models.build("vgg16", len(CLASSES))
    with torch.no_grad():
        model.classifier.weight.mul_(15)  # untrained answers are all alike
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.3)
                module.running_var.uniform_(0.5, 2)
    dense = checkpoints.save(model, card(study, "dense")).card
    for number, method in enumerate(methods):
        pruned = bind(model, magnitude(models.prunable(model), 0.8))
        with torch.no_grad():
            pruned.classifier.bias.add_(torch.randn(len(CLASSES)) * (1 + number))
        checkpoints.save(pruned, card(study, method, 0.8, dense.id))
    return dense
