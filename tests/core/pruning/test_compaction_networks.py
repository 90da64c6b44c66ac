"""Compaction of the networks as they are used: full size, float32, at the sparsities and sizes that ship."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core import checkpoints, files
from core.evaluation import predict
from core.models import build, normalise, prunable
from core.pruning import Masks, bind, compact, magnitude

SHIPPED = files.PROJECT / "checkpoints"
STORED = [entry.id for entry in checkpoints.list(SHIPPED) if entry.card and entry.weights]
RELATIVE = 1e-4


def trained_like(name, seed=0, **options):
    """A network whose batch norms fit what they see, so that answers differ from image to image."""
    torch.manual_seed(seed)
    model = build(name, 7, **options)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.2, 0.4)
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.6, 1.4)
        nn.init.uniform_(norm.bias, -0.3, 0.5)
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(6, 3, 64, 64))
    return model.eval()


def answers(model, images):
    with torch.inference_mode():
        return model(images)


def differ(expected, got):
    return ((got - expected).abs().max() / expected.abs().max()).item()


def noise(size, count=3):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def networks():
    made = {}

    def make(name, **options):
        key = (name, *options.items())
        if key not in made:
            made[key] = trained_like(name, **options)
        return made[key]

    return make


@pytest.mark.parametrize(
    ("name", "options"),
    [("vgg16", {}), ("vgg16", {"norm": False}), ("densenet169", {"stem": "small"})],
    ids=["vgg16", "vgg16 without norm", "densenet169, small stem"],
)
@pytest.mark.parametrize(("scope", "sparsity"), [("global", 0.95), ("channel", 0.5)])
def test_same_answers_at_full_size(networks, name, options, scope, sparsity):
    model = networks(name, **options)
    masks = magnitude(prunable(model), sparsity, scope=scope)
    small, pruned = compact(model, masks), bind(model, masks)
    for size in (64, 50):
        expected = answers(pruned, noise(size))
        assert differ(expected, answers(small, noise(size))) <= RELATIVE
    left = sum(weight.numel() for weight in prunable(small).values()) / masks.size
    if scope == "channel":
        assert left < 1 - masks.sparsity
    else:
        assert left <= 1.01


def test_torchvisions_own_head_is_merged_49_fold_at_32_pixels():
    torch.manual_seed(0)
    model = build("vgg16", 7, head="stock", norm=False)
    with torch.no_grad():
        for module in model.features:
            if isinstance(module, nn.Conv2d):
                module.weight.mul_(1.4)  # as it is initialised, nothing of the image would reach the head
    masks = Masks.dense(prunable(model))
    small = compact(model, masks, size=32)
    assert small.classifier[0].weight.numel() * 49 == model.classifier[0].weight.numel()
    assert differ(answers(model, noise(32)), answers(small, noise(32))) <= RELATIVE


@pytest.mark.parametrize("id", STORED)
def test_stored_checkpoints_on_noise(id):
    checkpoint = checkpoints.load(id, root=SHIPPED)
    model = checkpoint.model()
    small = compact(model, checkpoint.masks)
    images = noise(checkpoint.card.data.size)
    assert differ(answers(model, images), answers(small, images)) <= RELATIVE
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    float32 = {"precision": "float32", "device": "cpu"}
    np.testing.assert_allclose(predict(small, pictures, **float32), predict(model, pictures, **float32), atol=1e-5)


@pytest.fixture(scope="module")
def dermatoscopic():
    """Eight real images, uint8 [8, 64, 64, 3], straight from the archive."""
    archive = files.data_root() / "ham10000" / "HAM10000_images_part_1.zip"
    with zipfile.ZipFile(archive) as images:
        names = [name for name in images.namelist() if name.endswith(".jpg")][:8]
        pictures = [Image.open(io.BytesIO(images.read(name))).convert("RGB").resize((64, 64)) for name in names]
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))


@pytest.mark.real
@pytest.mark.parametrize("id", [id for id in STORED if id.startswith("ham10000")])
def test_stored_checkpoints_on_real_images(id, dermatoscopic):
    checkpoint = checkpoints.load(id, root=SHIPPED)
    model = checkpoint.model()
    images = normalise(model, dermatoscopic)
    assert differ(answers(model, images), answers(compact(model, checkpoint.masks), images)) <= RELATIVE
