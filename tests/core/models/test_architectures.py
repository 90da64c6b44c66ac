import pytest
import torch
import torchvision

from core.errors import DownloadFailed, InvalidValue, UnknownName
from core.models import MAX_CLASSES, build, imagenet_weights, normalisation

STOCK = {
    "vgg16": ({"head": "stock", "norm": False}, torchvision.models.vgg16),
    "vgg16_bn": ({"head": "stock"}, torchvision.models.vgg16_bn),
    "densenet169": ({}, torchvision.models.densenet169),
}


def batch(count=2, size=32, seed=0):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("stock", STOCK)
def test_stock_network_is_torchvisions_own(stock):
    options, original = STOCK[stock]
    torch.manual_seed(0)
    ours = build(stock.removesuffix("_bn"), 5, **options)
    with torch.device("meta"):
        theirs = original(weights=None, num_classes=5)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict(), assign=True)
    with torch.inference_mode():
        torch.testing.assert_close(ours(batch()), theirs.eval()(batch()), rtol=0, atol=0)


@pytest.mark.parametrize("norm", [True, False])
def test_compact_vgg16_is_its_convolutions_a_mean_and_a_linear_layer(norm):
    torch.manual_seed(1)
    model = build("vgg16", 4, norm=norm)
    with torch.device("meta"):
        stock = (torchvision.models.vgg16_bn if norm else torchvision.models.vgg16)(weights=None).features
    features = {name.removeprefix("features."): t for name, t in model.state_dict().items() if "features" in name}
    assert list(features) == list(stock.state_dict())
    stock.load_state_dict(features, assign=True)
    with torch.inference_mode():
        pooled = stock.eval()(batch(size=64)).mean((2, 3))
        expected = pooled @ model.classifier.weight.T + model.classifier.bias
        torch.testing.assert_close(model(batch(size=64)), expected, rtol=1e-5, atol=1e-6)


def test_same_seed_same_network_another_seed_another():
    networks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        networks.append(build("densenet169", 3).state_dict())
    same = [torch.equal(a, b) for a, b in zip(networks[0].values(), networks[1].values(), strict=True)]
    assert all(same)
    assert not torch.equal(networks[0]["classifier.weight"], networks[2]["classifier.weight"])


def test_small_stem_keeps_twice_the_resolution():
    shapes = {}
    for stem in ("stock", "small"):
        model = build("densenet169", 3, stem=stem)
        model.features.denseblock1.register_forward_hook(
            lambda module, inputs, output, stem=stem: shapes.__setitem__(stem, output.shape[2:])
        )
        with torch.inference_mode():
            model(batch(1, 64))
    assert shapes == {"stock": (16, 16), "small": (32, 32)}


def test_is_built_in_evaluation_mode_with_imagenets_normalisation():
    model = build("vgg16", 2)
    assert not any(module.training for module in model.modules())
    assert normalisation(model) == (pytest.approx([0.485, 0.456, 0.406]), pytest.approx([0.229, 0.224, 0.225]))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("vgg61", 7), UnknownName, "did you mean vgg16"),
        (("vgg16", 1), InvalidValue, "classes"),
        (("vgg16", True), InvalidValue, "classes"),
        (("vgg16", 7.0), InvalidValue, "classes"),
        (("vgg16", 10**13), InvalidValue, "classes.*2 to 100,000"),
    ],
)
def test_bad_arguments_are_named(arguments, error, says):
    with pytest.raises(error, match=says):
        build(*arguments)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("vgg16", {"stem": "small"}, "one stem"),
        ("vgg16", {"head": "compakt"}, "did you mean compact"),
        ("densenet169", {"norm": False}, "without batch norm"),
    ],
)
def test_combinations_that_do_not_exist_are_named(name, options, says):
    with pytest.raises(InvalidValue if "did" not in says else UnknownName, match=says):
        build(name, 7, **options)


def test_imagenet_weights_under_their_old_names_reach_every_layer(monkeypatch):
    torch.manual_seed(3)
    source = torchvision.models.densenet169(weights=None).state_dict()
    published = {}
    for key, value in source.items():
        parts = key.split(".")
        if "denselayer" in key:  # norm1 was called norm.1 when the file was made
            kind = parts[-2]
            parts[-2:-1] = [kind[:4], kind[4:]]
        published[".".join(parts)] = value
    monkeypatch.setattr(torchvision.models.DenseNet169_Weights, "get_state_dict", lambda *a, **k: published)
    model = build("densenet169", 7)
    kept = imagenet_weights(model, "densenet169")
    assert kept == ["classifier.weight", "classifier.bias"]
    own = model.state_dict()
    assert all(torch.equal(own[key], value) for key, value in source.items() if "classifier" not in key)


def test_imagenet_weights_without_a_network_say_where_to_put_the_file(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torchvision.models.VGG16_BN_Weights, "get_state_dict", refuse)
    model = build("vgg16", 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(DownloadFailed, match=r"vgg16_bn-.*\.pth.*checkpoints"):
        imagenet_weights(model, "vgg16")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_checkpoint_may_have_as_many_classes_as_a_network():
    from core.checkpoints import architecture

    assert architecture.MAX_CLASSES == MAX_CLASSES
