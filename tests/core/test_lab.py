import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from core import checkpoints, data, evaluation, lab
from core.data import phantom
from core.data.phantom import CLASSES, RANGES, Parameters, preset, render, sample
from core.data.phantom.parameters import NAMES
from core.errors import InvalidSparsity, InvalidValue, UnknownName
from core.evaluation import Predictor
from core.files import PROJECT
from core.lab import codes
from core.whatif import Subject
from tests.core import tiny_phantoms


@pytest.fixture
def dense(tiny):
    """A tiny network of the seven diagnoses."""
    tiny_phantoms.save()
    return Subject(checkpoints.load("phantom-32/vgg16/dense"))


def test_a_lesion_comes_back_from_its_text():
    random = np.random.default_rng(1)
    lesions = [*sample(80, 3, views=0.3), *(preset(name, 5) for name in CLASSES), *(lab.drawn(k) for k in range(30))]
    for item in list(lesions[:40]):
        name = random.choice([name for name in RANGES if name != "seed"])
        low, high = RANGES[name]
        lesions.append(
            item.but(**{name: int(random.integers(999)) if name == "view" else round(random.uniform(low, high), 3)})
        )
    for lesion in lesions:
        text = lab.encode(lesion)
        assert lab.decode(text) == lesion
        assert lab.encode(lab.decode(text)) == text
        assert len(text) < 200
        assert not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")  # nothing that a link would escape


def test_the_longest_text_is_still_read():
    everything = {name: high for name, (low, high) in RANGES.items() if name != "seed"}
    lesion = Parameters(diagnosis="akiec", seed=10**15 - 1, **everything)
    text = lab.encode(lesion)
    assert len(text) < codes._LONGEST
    assert lab.decode(text) == lesion


def test_what_comes_straight_from_somewhere_has_a_short_text():
    assert lab.encode(preset("bcc", 12)) == "bcc.12"
    assert lab.encode(lab.drawn(4711)) == "random.4711"
    assert lab.encode(lab.drawn(4711).but(border=0.25)) == "random.4711.b250"
    assert lab.encode(preset("nv").but(streaks=0.12345)) == "nv.0.st123"


def test_old_links_keep_their_meaning():
    """Links that people have: a letter must never come to mean something else."""
    expected = preset("mel", 7).but(
        border=0.8, streaks=0.0, skin=6.0, view=12, x=-0.1, pigment=1.5, blue_white_veil=1.0
    )
    assert lab.decode("mel.7.b800.st0.k6000.w12.x-100.p1500.bv1000") == expected
    assert set(codes.LETTERS) == set(NAMES) - {"diagnosis", "seed"}
    assert len(set(codes.LETTERS.values())) == len(codes.LETTERS)
    assert " ".join(codes.LETTERS[name] for name in codes.LETTERS) == (
        "a b c d p r e x y w k l v h u m f pn gl an st bv re av on ul mc co fi sp sc wp dn la"
    )


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", lab.START),
        ("nonsense", lab.START),
        ("mel", "mel.0"),
        ("mel.", "mel.0"),
        ("mel.-3", "mel.0"),
        ("mel.1e9", "mel.0"),
        ("mel.9999999999999999999999", "mel.0"),
        ("mel.٣", "mel.0"),
        (" MEL.7.B800 ", "mel.7.b800"),
        ("mel.7.b1001.b-1.b.b8x.zz500.w1000.500..", "mel.7"),
        ("mel.7.b100.b200", "mel.7.b200"),
        ("mel.7.b100.b99999", "mel.7.b100"),
        ("random", "random.0"),
        ("../../etc/passwd", lab.START),
        ("mel.7.<script>alert(1)</script>", "mel.7"),
        ("mel.7" + ".b100" * 10_000, "mel.7.b100"),
        ("x" * 1_000_000, lab.START),
    ],
)
def test_nonsense_is_passed_over(text, meaning):
    assert lab.encode(lab.decode(text)) == meaning


def test_no_text_breaks_it():
    random = np.random.default_rng(0)
    pieces = ["mel", "random", ".", "-", "b", "800", "st", "\x00", "é", "%00", "9" * 20, " ", "\n", "k", "w"]
    for _ in range(400):
        lesion = lab.decode("".join(random.choice(pieces, random.integers(0, 12))))
        assert lab.decode(lab.encode(lesion)) == lesion


def test_random_lesions_are_of_every_class_and_known_by_their_number():
    drawn = [lab.drawn(seed) for seed in range(140)]
    counts = [sum(item.diagnosis == name for item in drawn) for name in CLASSES]
    assert min(counts) >= 8
    assert [item.seed for item in drawn] == list(range(140))
    assert lab.drawn(33) == drawn[33]
    with pytest.raises(InvalidValue, match="seed"):
        lab.drawn(-1)


def test_a_portrait_says_what_it_shows():
    lesion = preset("vasc", 3).but(hair=0.5)
    image = render(lesion, 64).images[0]
    with Image.open(io.BytesIO(lab.portrait(lesion, image))) as picture:
        assert picture.format == "PNG"
        np.testing.assert_array_equal(np.asarray(picture), image)
        assert Parameters.of(json.loads(picture.text["phantom"])) == lesion


def test_the_grid_goes_from_end_to_end():
    np.testing.assert_allclose(lab.grid("border"), np.arange(17) / 16)
    np.testing.assert_allclose(lab.grid("skin", 6), [1, 2, 3, 4, 5, 6])
    for name in ("seed", "view", "diagnosis", "bordr"):
        with pytest.raises(UnknownName, match="parameter to change"):
            lab.grid(name)
    with pytest.raises(InvalidValue, match="two or more"):
        lab.grid("border", 1)


@pytest.mark.parametrize("along", ["border", "colour", "x", "skin", "lacunae", "hair"])
def test_a_sweep_is_the_lesion_drawn_one_by_one(along):
    """Byte for byte, although drawings in a row share their noise."""
    lesion = preset("mel", 2).but(view=5, vignette=0.8)
    drawings = lab.sweep(lesion, along, 48, 4)
    assert drawings.shape == (4, 48, 48, 3)
    for image, value in zip(drawings, np.linspace(*RANGES[along], 4), strict=True):
        np.testing.assert_array_equal(image, render(lesion.but(**{along: float(value)}), 48).images[0])


class Counting(Predictor):
    """Notes how many images it is asked about each time."""

    def __call__(self, images):
        self.asked = [*getattr(self, "asked", []), len(images)]
        return super().__call__(images)


def test_each_network_is_asked_once_about_everything(dense):
    lesion = preset("mel", 1)
    networks = {
        "dense": Counting(dense.model, precision="float32"),
        "pruned": Counting(dense.at(0.8), precision="float32"),
    }
    answers = lab.ask(networks, lesion, "border", 32)
    assert [network.asked for network in networks.values()] == [[18], [18]]
    for name, model in {"dense": dense.model, "pruned": dense.at(0.8)}.items():
        np.testing.assert_allclose(answers.own[name], plain(model, render(lesion, 32).images)[0], atol=1e-5)
        alone = [plain(model, render(lesion.but(border=k / 16), 32).images)[0] for k in range(17)]
        np.testing.assert_allclose(answers.along[name], alone, atol=1e-5)
    assert np.abs(answers.own["dense"] - answers.own["pruned"]).max() > 0.01
    given = lab.ask(networks, lesion, "border", 32, drawings=lab.sweep(lesion, "border", 32))
    np.testing.assert_array_equal(given.along["pruned"], answers.along["pruned"])


def plain(model: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    """Probabilities as a tutorial would get them."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    pixels = (pixels - model.mean.view(1, 3, 1, 1)) / model.std.view(1, 3, 1, 1)
    with torch.no_grad():
        return torch.softmax(model.eval()(pixels), dim=1).numpy()


def test_spans_against_the_margin_on_a_fine_grid():
    random = np.random.default_rng(4)
    values = np.linspace(0.15, 0.95, 9)
    fine = np.linspace(0.15, 0.95, 40_001)
    for _ in range(200):
        logits = np.cumsum(random.normal(0, 1, (9, 4)), axis=0)
        given = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
        label = int(random.integers(4))
        margin = given[:, label] - np.delete(given, label, 1).max(1)
        inside = np.interp(fine, values, margin) > 0
        edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
        expected = fine[np.minimum(edges, len(fine) - 1)].reshape(-1, 2)
        found = lab.spans(values, given, label)
        assert len(found) == len(expected)
        np.testing.assert_allclose(np.reshape(found, (-1, 2)), expected, atol=5e-5)


def test_spans_at_the_ends_and_in_ties():
    values = np.array([0.0, 0.5, 1.0])
    sure, never, tie = [0.9, 0.1], [0.1, 0.9], [0.5, 0.5]
    assert lab.spans(values, np.array([never] * 3), 0) == []
    assert lab.spans(values, np.array([sure] * 3), 0) == [(0.0, 1.0)]
    assert lab.spans(values, np.array([never, sure, sure]), 0) == [(0.25, 1.0)]
    assert lab.spans(values, np.array([sure, never, sure]), 0) == [(0.0, 0.25), (0.75, 1.0)]
    # A tie is the first class's call, as argmax has it.
    assert lab.spans(values, np.array([tie] * 3), 0) == [(0.0, 1.0)]
    assert lab.spans(values, np.array([tie] * 3), 1) == []
    assert lab.spans(values, np.array([never, tie, never]), 0) == [(0.5, 0.5)]


def test_calibration_is_drawn_as_training_saw_the_classes():
    common = lab.calibration(tiny_phantoms.card("phantom-32/vgg16", "dense"), 12)
    expected = render(sample(12, 31, classes=phantom.RARITY), 32).images
    np.testing.assert_array_equal(common, expected)
    balanced = lab.calibration(tiny_phantoms.card("phantom-32/vgg16", "dense", balance=0.5), 12)
    shares = {name: share**0.5 for name, share in phantom.RARITY.items()}
    np.testing.assert_array_equal(balanced, render(sample(12, 31, classes=shares), 32).images)


def test_a_network_pruned_on_is_torch_s_own(dense):
    from torch.nn.utils import prune

    from core.models import layers

    images = lab.sweep(preset("nv", 4), "colour", 32)
    reference = checkpoints.load("phantom-32/vgg16/dense").model()
    pairs = [(layer, "weight") for layer in layers(reference).values()]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=0.6)
    ready = lab.network(dense, 0.6)
    np.testing.assert_allclose(evaluation.predict(ready, images), plain(reference, images), atol=0.02)
    again = lab.network(dense, 0.6, lab.sweep(preset("mel", 4), "colour", 32))
    assert np.abs(evaluation.predict(again, images) - evaluation.predict(ready, images)).max() > 0.01
    with pytest.raises(InvalidSparsity):
        lab.network(dense, 1.0)


def test_the_set_of_phantoms_can_be_opened_in_the_lab(monkeypatch):
    monkeypatch.setattr(phantom.dataset, "COUNT", 20)
    images = data.load("phantom", "all", size=32)
    for row, lesion in enumerate(phantom.parameters_of(images)):
        again = lab.decode(lab.encode(lesion))
        np.testing.assert_array_equal(render(again, 32).images[0], images.images[row])


def test_on_the_lesion_that_the_lab_opens_with_the_networks_that_ship_part():
    folder = PROJECT / "checkpoints" / "phantom-64" / "densenet169"
    networks = {name: checkpoints.load(folder / f"{name}.safetensors").model() for name in ("dense", "iterative-80")}
    answers = lab.ask(networks, lab.decode(lab.START), "border", 64)
    dense, pruned = (CLASSES[given.argmax()] for given in answers.own.values())
    assert dense == lab.decode(lab.START).diagnosis != pruned
