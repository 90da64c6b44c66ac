"""Each method against its formula, computed without Captum and on the network itself."""

import numpy as np
import pytest
import torch
from torch import nn

from core import checkpoints
from core.attribution import METHODS, Explainer, attribute, attribute_all, cam_layers, skeleton
from core.attribution.methods.occlusion import window_of
from core.attribution.skeleton import pools_apart
from core.data import phantom
from core.errors import InvalidValue, UnknownName
from core.files import PROJECT
from core.models import set_normalisation
from tests.core.attribution.conftest import normalised, pictures, stock, tiny

NETWORKS = ("vgg16", "densenet169")


class Small(nn.Module):
    """A 1×1 convolution to four channels, ReLU, mean over the image, linear: every attribution of it has a formula."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(4, 3)
        set_normalisation(self, (0.5, 0.4, 0.6), (0.2, 0.3, 0.25))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    def by_hand(self, image):
        """Float64: normalised x [3, P], before the ReLU z [4, P], conv weight [4, 3] and bias [4], linear weight [3, 4]."""
        weight, bias = (value.detach().double().numpy() for value in self.features[0].parameters())
        x = normalised(self, image[None])[0].double().numpy().reshape(3, -1)
        weight = weight[:, :, 0, 0]
        return x, weight @ x + bias[:, None], weight, bias, self.classifier.weight.detach().double().numpy()


def gradient(model: nn.Module, images: np.ndarray, target: int) -> np.ndarray:
    x = normalised(model, images).requires_grad_()
    model(x)[:, target].sum().backward()
    return x.grad.numpy()


@pytest.mark.parametrize("name", ["tiny", *NETWORKS])
def test_saliency_is_the_gradient(name, image):
    model = tiny() if name == "tiny" else stock(name)
    expected = np.abs(gradient(model, image[None], 2)[0]).max(axis=0)
    found = attribute(model, image, method="saliency", target=2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_smoothgrad_is_the_mean_gradient_of_noisy_copies(image):
    model, options = tiny(), {"samples": 5, "noise": 0.1, "seed": 3}
    found = attribute(model, image, method="smoothgrad", target=1, **options)
    x = normalised(model, image[None])
    noise = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 0.1 * (x.max() - x.min())
    noisy = (x + noise).requires_grad_()
    model(noisy)[:, 1].sum().backward()
    expected = noisy.grad.mean(dim=0).abs().amax(dim=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_guided_backpropagation_lets_only_what_is_positive_through(image):
    model = Small()
    x, z, weight, _, head = model.by_hand(image)
    back = np.maximum(head[1][:, None] / x.shape[1], 0) * (z > 0)
    expected = np.abs(weight.T @ back).max(axis=0).reshape(32, 32)
    found = attribute(model, image, method="guided_backprop", target=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_deeplift_is_the_rescale_rule_by_hand(image):
    model = Small()
    x, z, weight, bias, head = model.by_hand(image)
    before = bias[:, None]  # the baseline is zero everywhere
    multiplier = (np.maximum(z, 0) - np.maximum(before, 0)) / (z - before)
    expected = (x * (weight.T @ (head[2][:, None] * multiplier / x.shape[1]))).sum(axis=0).reshape(32, 32)
    found = attribute(model, image, method="deeplift", target=2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


def test_integrated_gradients_are_the_integral_by_hand(image):
    """On the way from zero a unit of the small network switches once, at a place that is known."""
    model = Small()
    x, z, weight, bias, head = model.by_hand(image)
    switch = -bias[:, None] / (z - bias[:, None])
    inside = (switch > 0) & (switch < 1)
    on = np.where(inside, np.where(z > 0, 1 - switch, switch), (z > 0).astype(float))  # share of the way it is on
    expected = (x * (weight.T @ (head[0][:, None] * on / x.shape[1]))).sum(axis=0).reshape(32, 32)
    found = attribute(model, image, method="integrated_gradients", target=0, steps=400)
    np.testing.assert_allclose(found, expected, atol=4e-3 * np.abs(expected).max())


def completeness(model: nn.Module, image: np.ndarray, method: str, baseline: str, **options) -> tuple[float, ...]:
    """By how much the sum of a map misses; the difference of the logits; the sum of all magnitudes."""
    x = normalised(model, image[None])
    empty = torch.zeros_like(x) if baseline == "mean" else (-model.mean / model.std).view(1, 3, 1, 1).expand_as(x)
    with torch.no_grad():
        difference = float((model(x) - model(empty))[0, 1])
    found = attribute(model, image, method=method, target=1, baseline=baseline, **options).astype(np.float64)
    return abs(found.sum() - difference), abs(difference), np.abs(found).sum()


@pytest.mark.parametrize("baseline", ["mean", "black"])
def test_integrated_gradients_are_complete(baseline, image):
    miss, difference, _ = completeness(tiny(), image, "integrated_gradients", baseline, steps=256)
    assert miss < 0.005 * difference


@pytest.mark.parametrize("name", NETWORKS)
def test_integrated_gradients_of_the_networks_of_the_paper_are_complete(name, image):
    """With random weights the logits hardly differ and the way between them is rough: measured by what is added up."""
    miss, _, total = completeness(stock(name), image, "integrated_gradients", "mean", steps=64)
    assert miss < 0.03 * total


def test_integrated_gradients_of_a_trained_network_are_complete():
    model = checkpoints.load(PROJECT / "checkpoints/ham10000-64/vgg16/dense.safetensors").model()
    image = phantom.render(phantom.preset("mel"), 32).images[0]
    miss, difference, _ = completeness(model, image, "integrated_gradients", "mean", steps=64)
    assert difference > 0.5
    assert miss < 0.05 * difference


@pytest.mark.parametrize("baseline", ["mean", "black"])
@pytest.mark.parametrize("name", ["tiny", *NETWORKS])
def test_deeplift_is_complete(name, baseline, image):
    model = tiny() if name == "tiny" else stock(name)
    miss, difference, total = completeness(model, image, "deeplift", baseline)
    assert miss < 1e-3 * difference
    assert miss < 1e-5 * total


@pytest.mark.parametrize(("name", "broken"), [("vgg16", "pools"), ("densenet169", "pools"), ("densenet169", "relu")])
def test_without_the_skeleton_captum_s_deeplift_misses_its_sum(name, broken, image):
    """What the skeleton is for; if one of these stops failing, Captum was mended and that part of it can go."""
    from captum.attr import DeepLift

    model = stock(name)
    attribute(tiny(), image, method="deeplift", target=0)  # silences Captum's word on hooks, as the app does
    plain = skeleton(model) if broken == "pools" else Explainer(model).apart
    if broken == "relu":
        plain.features = plain.features[:-1]
        plain.forward = lambda images: type(model).forward(plain, images)  # torchvision's, with the functional ReLU
    x = normalised(model, image[None])
    empty = (-model.mean / model.std).view(1, 3, 1, 1).expand_as(x)
    with torch.no_grad():
        difference = float((model(x) - model(empty))[0, 1])
    theirs = float(DeepLift(plain).attribute(x.requires_grad_(), empty, 1).detach().sum()) - difference
    ours = float(attribute(model, image, method="deeplift", target=1, baseline="black").sum()) - difference
    assert abs(theirs) > 0.01 * abs(difference)
    assert abs(theirs) > 10 * abs(ours)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_pools_laid_apart_pool_the_same(size, stride, padding):
    pool = nn.MaxPool2d(size, stride, padding)
    x = torch.randn(2, 4, 11, 14)
    network = nn.Sequential(nn.Conv2d(4, 4, 1), pool)
    np.testing.assert_array_equal(pools_apart(network)[1](x), pool(x))
    assert network[1] is pool


@pytest.mark.parametrize("stage", ["stage 1", "stage 2"])
def test_grad_cam_is_its_formula(stage, image):
    model = tiny()
    x = normalised(model, image[None])
    layer = int(cam_layers(skeleton(model))[stage].split(".")[1])
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    features = model.features[: layer + 1](x).detach().requires_grad_()
    rest = torch.flatten(model.avgpool(model.features[layer + 1 :](features)), 1)
    model.classifier(rest)[0, 2].backward()
    weights = features.grad.mean(dim=(2, 3), keepdim=True)
    cam = torch.relu((weights * features).sum(dim=1, keepdim=True)).detach()
    expected = nn.functional.interpolate(cam, (32, 32), mode="bilinear", align_corners=False)[0, 0]
    found = attribute(model, image, method="grad_cam", target=2, layer=stage)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * float(expected.max()))


@pytest.mark.parametrize(("window", "stride", "baseline"), [(8, 4, "mean"), (7, 5, "black"), (None, None, "white")])
def test_occlusion_is_what_covering_costs(window, stride, baseline, image):
    model = tiny()
    side, step = window_of(32, window, stride)
    x = normalised(model, image[None])
    fill = {"mean": model.mean, "black": 0.0, "white": 1.0}[baseline]
    fill = ((fill - model.mean) / model.std).view(1, 3, 1, 1)
    total, times = np.zeros((32, 32)), np.zeros((32, 32))
    with torch.no_grad():
        whole = model(x)[0, 1]
        starts = range(0, 32 - side + step, step)  # the last square may reach over the edge
        for top in starts:
            for left in starts:
                covered = x.clone()
                covered[:, :, top : top + side, left : left + side] = fill
                total[top : top + side, left : left + side] += float(whole - model(covered)[0, 1])
                times[top : top + side, left : left + side] += 1
    found = attribute(model, image, method="occlusion", target=1, window=window, stride=stride, baseline=baseline)
    np.testing.assert_allclose(found, total / times, atol=2e-5 * np.abs(total).max())


@pytest.mark.parametrize("method", METHODS)
def test_several_images_get_the_maps_that_each_gets_alone(method):
    model, images, targets = tiny(), pictures(5), np.array([0, 2, 1, 1, 0])
    together = attribute_all(model, images, method=method, targets=targets)
    for image, target, found in zip(images, targets, together, strict=True):
        alone = attribute(model, image, method=method, target=int(target))
        np.testing.assert_allclose(found, alone, rtol=1e-3, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("method", METHODS)
def test_little_memory_means_small_batches_and_the_same_map(method, image):
    model = tiny()
    cramped = Explainer(model, memory=1)
    sizes = []
    network = cramped.apart if method == "deeplift" else cramped.network
    network.register_forward_pre_hook(lambda _module, inputs: sizes.append(len(inputs[0])))
    found = attribute(cramped, image, method=method, target=1)
    roomy = attribute(model, image, method=method, target=1)
    np.testing.assert_allclose(found, roomy, rtol=1e-3, atol=1e-5 * np.abs(roomy).max())
    assert max(sizes) <= (2 if method == "deeplift" else 1)  # DeepLift takes image and baseline together


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.signed])
def test_signed_maps_of_a_class_and_its_opposite_are_opposite(method, image):
    """Two logits that sum to a constant: what speaks for one speaks against the other."""
    model = tiny()
    with torch.no_grad():
        model.classifier.weight[1] = -model.classifier.weight[0]
    a, b = (attribute(model, image, method=method, target=target) for target in (0, 1))
    assert a.min() < 0 < a.max()
    np.testing.assert_allclose(a, -b, rtol=1e-3, atol=1e-5 * np.abs(a).max())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "grad_camm"}, UnknownName, "grad_cam"),
        ({"steps": 3}, UnknownName, "option of Saliency"),
        ({"method": "integrated_gradients", "steps": 0}, InvalidValue, "steps is out of range"),
        ({"method": "integrated_gradients", "steps": 2.5}, InvalidValue, "steps is out of range"),
        ({"method": "integrated_gradients", "baseline": "blue"}, UnknownName, "baseline"),
        ({"method": "smoothgrad", "noise": 0}, InvalidValue, "noise is out of range"),
        ({"method": "grad_cam", "layer": "stage 9"}, UnknownName, "stage 1"),
        ({"target": 3}, InvalidValue, "0 to 2"),
        ({"target": -1}, InvalidValue, "0 to 2"),
        ({"target": 0.5}, InvalidValue, "not a class"),
        ({"target": [0, 1]}, InvalidValue, "not a class"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(options, error, words, image):
    with pytest.raises(error, match=words):
        attribute(tiny(), image, **({"method": "saliency", "target": 0} | options))


@pytest.mark.parametrize("shape", [(32, 32), (1, 32, 32, 3), (32, 32, 4), (16, 16, 3)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(InvalidValue, match="image"):
        attribute(tiny(), np.zeros(shape, np.uint8), method="saliency", target=0)
    with pytest.raises(InvalidValue, match="image"):
        attribute(tiny(), np.zeros((32, 32, 3), np.float32), method="saliency", target=0)
