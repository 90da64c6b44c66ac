import pytest
import torch
from torch import nn
from torchvision.models import DenseNet

from core.models import prunable
from core.pruning import Masks, bind, selection
from tests.core.tiny import Tiny


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(16)
        self.classifier = nn.Linear(16, 5)

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.norm2(self.conv2(x)))
        return self.classifier(x.mean((2, 3)))


@pytest.fixture
def net():
    torch.manual_seed(7)
    return SmallNet().eval()


@pytest.fixture
def images():
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=["numpy", "torch"])
def engine(request, monkeypatch):
    """Both ways of selecting: NumPy's, used on the CPU, and torch's, used on a GPU, here made to work on CPU tensors."""
    if request.param == "torch":
        monkeypatch.setattr(selection, "_on_host", lambda values: False)
    return request.param


EXACT = 1e-10


class Stock(nn.Module):
    """torchvision's VGG in small: its adaptive pool repeats, its head has three layers and dropout."""

    def __init__(self, norm=True, pool=3):
        super().__init__()
        norms = [nn.BatchNorm2d(6), nn.BatchNorm2d(5)] if norm else []
        convs = [nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 5, 3, padding=1)]
        parts = []
        for index, conv in enumerate(convs):
            parts += [conv, *norms[index : index + 1], nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*parts)
        self.avgpool = nn.AdaptiveAvgPool2d(pool)
        self.classifier = nn.Sequential(
            nn.Linear(5 * pool * pool, 7), nn.ReLU(True), nn.Dropout(), nn.Linear(7, 6), nn.ReLU(True), nn.Linear(6, 4)
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def small_densenet():
    return DenseNet(growth_rate=4, block_config=(3, 2, 2), num_init_features=6, bn_size=2, num_classes=4)


NETWORKS = {
    "vgg": lambda: Tiny(4),
    "vgg without norm": lambda: Stock(norm=False),
    "vgg, stock head": Stock,
    "densenet": small_densenet,
}


def network(name, seed=0):
    """In float64, with biases and batch norms in which nothing is 0 or 1, and an input that every layer still sees."""
    torch.manual_seed(seed)
    model = NETWORKS[name]().double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.7)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.5, 0.7)
    return model


def random_masks(model, seed, single, outputs, inputs):
    """Masks that prune shares of single weights, of whole outputs and of whole inputs of each layer."""
    generator = torch.Generator().manual_seed(seed)
    masks = {}
    for name, weight in prunable(model).items():
        flat = weight.reshape(*weight.shape[:2], -1)
        keep = torch.rand(flat.shape, generator=generator) >= single
        keep &= torch.rand(flat.shape[0], 1, 1, generator=generator) >= outputs
        keep &= torch.rand(1, flat.shape[1], 1, generator=generator) >= inputs
        masks[name] = keep.view(weight.shape)
    return Masks(masks)


def pictures(count=3, height=17, width=22, seed=1):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def error(model, masks, small, images):
    with torch.inference_mode():
        expected, got = bind(model, Masks(masks))(images), small(images)
    return ((got - expected).abs().max() / expected.abs().max()).item()


def weights_in(model):
    return sum(weight.numel() for weight in prunable(model).values())
