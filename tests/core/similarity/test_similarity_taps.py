import copy
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import Cancelled, InvalidValue, UnknownName
from core.evaluation.fusing import _QuickReLU
from core.models import build, layers, normalise, set_normalisation
from core.similarity import LEVELS, cka_matrix, grams, layer_names
from core.similarity.hsic import Gram
from core.similarity.taps import Tapped, measure
from tests.core.similarity.conftest import plain_features, tiny_network

CPU = torch.device("cpu")
ALL = ["features.0", "features.1", "features.2", "features.3", "features.4", "features.5", "features.6", "avgpool"]


def measured(model, names, images, dtype=torch.float32, **options) -> dict[str, Gram]:
    found: dict[str, Gram] = {}
    measure(Tapped(model, names, dtype, CPU), torch.from_numpy(images), found.__setitem__, **options)
    return found


def distances(products) -> np.ndarray:
    """Of all pairs of images: the same whatever point the features are taken from."""
    products = np.asarray(products, np.float64)
    own = np.diagonal(products)
    return own[:, None] + own[None] - 2 * products


def test_every_output_is_what_it_was_before_the_relu_overwrote_it(noise):
    model, images = tiny_network(), noise(9)
    assert all(module.inplace for module in model.modules() if isinstance(module, nn.ReLU))
    expected, got = plain_features(model, images), measured(model, ALL, images)
    assert list(got) == ALL
    for name, matrix in got.items():
        truth = distances(expected[name] @ expected[name].T)
        np.testing.assert_allclose(distances(matrix.products), truth, rtol=0, atol=1e-4 * truth.max(), err_msg=name)
    norm, relu = (distances(got[name].products) for name in ("features.1", "features.2"))
    assert np.abs(norm - relu).max() > 0.1 * norm.max()  # the test could tell


@pytest.mark.parametrize("memory", [20_000, 400_000, 1_200_000])
def test_little_memory_takes_more_passes_and_gives_the_same(noise, memory):
    model, images, told = tiny_network(), noise(10), []
    whole = measured(model, ALL, images)
    parts = measured(model, ALL, images, memory=memory, report=told.append)
    assert list(parts) == list(whole)
    assert told[-1].unit == "images"
    assert told[-1].done == told[-1].total
    assert told[-1].total > 10  # more than one pass
    for name in ALL:
        truth = distances(whole[name].products)
        np.testing.assert_allclose(
            distances(parts[name].products), truth, rtol=0, atol=1e-5 * truth.max(), err_msg=name
        )
        assert parts[name].relief == pytest.approx(whole[name].relief, rel=0.02)


def hooks(model) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_the_model_is_left_as_it_was(noise):
    model = tiny_network().train()
    before = {name: value.clone() for name, value in [*model.named_parameters(), *model.named_buffers()]}
    measured(model, ALL, noise(5), torch.bfloat16)
    assert hooks(model) == 0
    assert model.training
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name]), name


def test_a_hook_of_somebody_else_is_neither_called_nor_removed(noise):
    model, calls = tiny_network(), Counter()
    model.features[0].register_forward_hook(lambda *_: calls.update(["theirs"]))
    measured(model, ALL, noise(5))
    assert not calls
    assert hooks(model) == 1


def test_each_layer_is_told_and_a_report_may_cancel(noise):
    told = []
    measured(tiny_network(), ALL, noise(5), report=told.append)
    assert [(moment.done, moment.total) for moment in told] == [(i + 1, len(ALL)) for i in range(len(ALL))]

    def stop(progress):
        raise Cancelled("Comparing")

    model = tiny_network()
    with pytest.raises(Cancelled):
        measured(model, ALL, noise(5), report=stop)
    assert measured(model, ALL, noise(5))  # the device was given back


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.twice, self.unused = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(2, 2)
        self.pair = nn.LSTM(4, 4, batch_first=True)

    def forward(self, x):
        return self.pair(self.twice(self.twice(self.conv(x))).mean(3).transpose(1, 2))[0]


@pytest.mark.parametrize(
    ("name", "says"),
    [("twice", "runs more than once"), ("unused", "no part of the forward pass"), ("pair", "gives a tuple")],
)
def test_what_cannot_be_listened_to_is_named(name, says, noise):
    model = set_normalisation(Odd(), (0.5,) * 3, (0.2,) * 3)
    with pytest.raises(InvalidValue, match=says):
        measured(model, ["conv", name], noise(4))


def test_images_too_small_are_named(noise):
    with pytest.raises(InvalidValue, match=r"16×16.*32×32"):
        grams(build("vgg16", 2), noise(4, size=16))


def test_levels_of_detail():
    vgg, dense = build("vgg16", 3), build("densenet169", 3)
    counts = {level: (len(layer_names(vgg, level)), len(layer_names(dense, level))) for level in LEVELS}
    assert counts == {"blocks": (6, 9), "standard": (14, 43), "convolutions": (14, 169), "all": (46, 510)}
    assert layer_names(vgg) == layer_names(vgg, "convolutions") == list(layers(vgg))
    standard = layer_names(dense)
    assert standard[0] == "features.conv0"
    assert standard[-1] == "classifier"
    assert all(name.endswith(".conv2") for name in standard[1:-1])
    assert all(int(name.split("denselayer")[1].split(".")[0]) % 2 == 0 for name in standard[1:-1])  # every second
    assert layer_names(build("vgg16", 3, head="stock"), "blocks")[-2:] == ["features.43", "classifier"]
    assert layer_names(build("densenet169", 3, stem="small"), "blocks") == layer_names(dense, "blocks")
    assert layer_names(nn.Sequential(nn.Linear(2, 2)), "blocks") == ["0"]
    assert layer_names(vgg, ["classifier", "features.0"]) == ["features.0", "classifier"]


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        ("convs", UnknownName, "level of detail.*blocks"),
        (["features.0", "clasifier"], UnknownName, "did you mean classifier"),
        ([""], UnknownName, "no layer"),
        ([3], UnknownName, "no layer"),
        ([], InvalidValue, "at least one"),
        (["features.0", "features.0"], InvalidValue, "2 names, 1 of them"),
    ],
)
def test_unknown_layers_are_named(wanted, error, says):
    with pytest.raises(error, match=says):
        layer_names(tiny_network(), wanted)


def test_blocks_are_in_the_order_in_which_they_end(noise):
    model = build("densenet169", 2)
    names = layer_names(model, "blocks")
    assert list(measured(model, [*names, "features.denseblock1.denselayer2.conv2"], noise(4)))[:3] == [
        "features.pool0",
        "features.denseblock1.denselayer2.conv2",
        "features.denseblock1",
    ]


def test_the_normalisation_is_the_models_own(noise):
    images = noise(6)
    model, other = tiny_network(), set_normalisation(tiny_network(), (0, 0, 0), (1, 1, 1))
    first, second = (measured(each, ["features.0"], images)["features.0"].products for each in (model, other))
    assert not torch.allclose(first, second, rtol=0.1)
    direct = model.features[0](normalise(model, torch.from_numpy(images))).flatten(1).detach()
    np.testing.assert_allclose(distances(first), distances(direct @ direct.T), rtol=1e-3, atol=1e-3 * first.max())


@pytest.mark.parametrize("inplace", [True, False])
def test_the_quick_relu_is_relu(inplace):
    every = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.bfloat16)
    every = every[~every.isnan()][:65280].view(2, 4, -1)
    for given in (every, every.transpose(1, 2), every.float()):
        mine = given.clone()
        assert torch.equal(_QuickReLU(inplace)(mine), torch.relu(given))
        assert torch.equal(mine, torch.relu(given) if inplace else given)


def test_networks_that_are_not_finite_keep_the_plain_relu(noise):
    model = tiny_network()
    kinds = [type(module) for module in Tapped(model, [], torch.bfloat16, CPU).network.features]
    assert kinds[2] is _QuickReLU
    with torch.no_grad():
        model.features[0].bias[0] = torch.nan
    assert type(Tapped(model, [], torch.bfloat16, CPU).network.features[2]) is nn.ReLU
    assert not measured(model, ["features.4"], noise(4), torch.bfloat16)["features.4"].finite


def test_networks_that_differ_in_what_no_shape_tells_are_measured_each_for_itself(noise):
    """A stock and a small stem have the same parameters; with little memory the sizes of features decide what is kept."""
    layers = ["features.conv0", "features.denseblock1", "features.denseblock4"]
    models = [build("densenet169", 3, stem=stem).eval() for stem in ("stock", "small")]
    images = noise(8)
    for model in models:
        whole, parts = (
            grams(model, images, layers=layers, memory=memory, precision="float32") for memory in (None, 3_000_000)
        )
        torch.testing.assert_close(parts.values, whole.values, atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_networks_of_other_precision_are_measured_in_float32_and_left_as_they_are(noise, name, kind):
    torch.manual_seed(0)
    model = build(name, 3).eval().to(kind)
    twin = copy.deepcopy(model).float()
    images, layers = noise(6), layer_names(model, "blocks")
    found, expected = (grams(own, images, layers=layers, precision="float32").values for own in (model, twin))
    torch.testing.assert_close(found, expected)
    assert {part.dtype for part in model.parameters()} == {kind}


@pytest.mark.parametrize("scale", [1e-13, 1e-20, 1e9, 1e15])
def test_faint_and_strong_layers_are_compared_like_others(noise, scale):
    class Net(nn.Module):
        def __init__(self, factor: float):
            super().__init__()
            self.a, self.b, self.factor = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), factor
            self.register_buffer("mean", torch.zeros(3))
            self.register_buffer("std", torch.ones(3))

        def forward(self, x):
            return self.b(self.a(x) * self.factor)

    torch.manual_seed(0)
    plain, scaled = Net(1.0), Net(scale)
    for layer in (plain.a, plain.b):
        nn.init.zeros_(layer.bias)
    scaled.load_state_dict(plain.state_dict())
    values = [cka_matrix(net.eval(), net, noise(16), layers=["a", "b"], precision="float32") for net in (plain, scaled)]
    np.testing.assert_allclose(values[1].values, values[0].values, atol=1e-5)
    assert values[1].row_reasons == values[0].row_reasons
