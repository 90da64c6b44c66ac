import pytest
import torch

from core import checkpoints, models, pruning
from core.checkpoints import Architecture, Card, DataInfo


@pytest.fixture
def entry(tiny, tmp_path):
    """A saved tiny network at 32 pixels of which four of eight first channels are dead, and some single weights."""
    torch.manual_seed(3)
    model = models.build("vgg16", 3)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 32, 32))
    weights = models.prunable(model.eval())
    masks = dict(pruning.magnitude(weights, 0.3))
    masks["features.0"] = torch.ones_like(masks["features.0"])
    masks["features.0"][:4] = False
    masks["classifier"][:, 10:] = False
    masks = pruning.Masks(masks)
    data = DataInfo("colours", 32, ("blue", "green", "red"))
    metrics = {"balanced_accuracy": {"estimate": 0.6, "low": 0.5, "high": 0.7, "n": 90, "method": "Wilson 95%"}}
    card = Card(
        study="colours-32/vgg16",
        data=data,
        architecture=Architecture("vgg16", 3),
        method="one_shot",
        sparsity=0.4,
        metrics=metrics,
    )
    checkpoints.save(pruning.bind(model, masks), card, masks=masks)
    [found] = checkpoints.list()
    return found
