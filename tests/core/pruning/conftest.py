import pytest
import torch
from torch import nn

from core.pruning import selection


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
