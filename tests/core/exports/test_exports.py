"""Files that leave the house: read by safetensors, torchvision and ONNX Runtime in a process that has no PruneScope."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

from core import checkpoints, exports, models, pruning
from core.checkpoints import Architecture, Card, DataInfo
from core.cost import cost_of
from core.errors import ExportFailed, MissingPackage, UnknownName
from core.evaluation import predict
from core.exports import onnx as onnx_files
from tests.core.pruning.conftest import Stock

CLASSES = ("bkl, benign", "mel", "nv")  # a folder may be called so
NETWORKS = {
    "vgg16": Architecture("vgg16", 3),
    "densenet169": Architecture("densenet169", 3, stem="small"),
}
SIZE = 32


def saved(name, root, size=SIZE, **architecture):
    """A pruned network with dead channels, whole dead dense layers among them, and answers that differ between images."""
    torch.manual_seed(0)
    network = replace(NETWORKS[name], **architecture)
    model = models.build(network.name, 3, head=network.head, stem=network.stem, norm=network.norm)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.bias, -0.2, 0.4)
            module.momentum = None
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    weights = models.prunable(model)
    with torch.no_grad():
        model.classifier.weight.mul_(0.2)  # answers that are not all 0 and 1
    masks = dict(pruning.magnitude(weights, 0.4, scope="channel"))
    for layer in masks:
        if "denselayer3." in layer:
            masks[layer] = torch.zeros_like(masks[layer])
    model = pruning.bind(model, pruning.Masks(masks) & pruning.magnitude(weights, 0.3))
    with torch.no_grad():
        model.train()(torch.randn(8, 3, size, size))
    models.set_normalisation(model, (0.7, 0.5, 0.4), (0.2, 0.3, 0.1))
    data = DataInfo("phantom", size, CLASSES, "lesion", "abc")
    card = Card(study=f"phantom-{size}/{name}", data=data, architecture=network, method="one_shot", sparsity=0.5)
    return checkpoints.save(model.eval(), card, root=root)


@pytest.fixture(scope="module", params=NETWORKS)
def checkpoint(request, tmp_path_factory):
    return saved(request.param, tmp_path_factory.mktemp("exports"))


WITHOUT_PRUNESCOPE = """
import sys
class Blocked:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("core", "pages", "app"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocked())
for file in sys.argv[1:]:
    exec(compile(open(file).read(), file, "exec"), {})
"""


def test_examples_of_all_formats_run_elsewhere_and_give_the_same_answers(checkpoint, tmp_path):
    pytest.importorskip("onnxruntime")
    pixels = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.jpg", format="PNG")
    expected = predict(checkpoint.model(), pixels[None], device="cpu", precision="float32")[0]
    assert expected.max() < 0.99, "answers this sure would hide a difference"
    for name, item in exports.FORMATS.items():
        file = exports.write(checkpoint, name, tmp_path / f"{name}{item.suffix}").name
        (tmp_path / f"{name}.py").write_text(exports.example(checkpoint.card, name, file))
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONPATH", "PRUNESCOPE"))}
    command = [sys.executable, "-c", WITHOUT_PRUNESCOPE, *(f"{name}.py" for name in exports.FORMATS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=clean)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line.replace("'", '"')) for line in done.stdout.splitlines()]
    for name, answer in zip(exports.FORMATS, answers, strict=True):
        assert tuple(answer) == CLASSES
        # Printed with four digits; halved weights of folded layers are rounded a second time.
        np.testing.assert_allclose(
            [*answer.values()], expected, atol=5e-3 if name == "compact16" else 1e-4, err_msg=name
        )


LOADER = """
import sys
class Blocked:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("core", "torchvision", "PIL", "pandas"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocked())
import json, math, torch
from safetensors import safe_open
exec(sys.stdin.read())
state, about = load(sys.argv[1])
torch.save(state, sys.argv[2])
"""


def test_a_sparse_coded_file_loads_with_only_torch_and_safetensors(checkpoint, tmp_path):
    file = exports.write(checkpoint, "sparse", tmp_path / "net.safetensors")
    code = exports.example(checkpoint.card, "sparse", file.name)
    loader = re.search(r"def load.*?return state, about\n", code, re.DOTALL)[0]
    command = [sys.executable, "-c", LOADER, str(file), str(tmp_path / "state.pt")]
    done = subprocess.run(command, input=loader, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found, expected = torch.load(tmp_path / "state.pt", weights_only=True), checkpoint.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name].to(tensor.dtype), tensor), name
        assert found[name].shape == tensor.shape


def test_prunescope_loads_its_own_sparse_file_again(checkpoint, tmp_path):
    again = checkpoints.load(exports.write(checkpoint, "sparse", tmp_path / "net.safetensors"))
    assert again.card == checkpoint.card
    found = again.state_dict()
    assert all(torch.equal(found[name], value) for name, value in checkpoint.state_dict().items())


def test_sizes_are_those_of_the_files(checkpoint, tmp_path):
    known = exports.sizes(checkpoint)
    assert set(known) == set(exports.FORMATS) - {"onnx"}
    for name, size in known.items():
        assert exports.write(checkpoint, name, tmp_path / f"{name}.safetensors").stat().st_size == size
    [entry] = checkpoints.list(checkpoint.path.parents[2])
    assert dict(cost_of(entry).bytes) == known
    assert known["sparse"] < known["plain16"] < known["plain"]
    assert known["compact"] < known["plain"]


def test_metadata_says_how_to_use_the_weights(checkpoint, tmp_path):
    for name in ("plain", "compact16", "sparse"):
        with safe_open(exports.write(checkpoint, name, tmp_path / "net.safetensors"), "pt") as file:
            about = file.metadata()
        assert json.loads(about["classes"]) == list(CLASSES)
        assert json.loads(about["size"]) == SIZE
        assert json.loads(about["mean"]) == pytest.approx([0.7, 0.5, 0.4])


def test_a_weight_too_large_for_half_precision_stays_in_full(checkpoint):
    small = pruning.compact(checkpoint.model(), checkpoint.masks)
    first, *_, last = models.layers(small)
    with torch.no_grad():
        models.layers(small)[first].weight[0, 0, 0, 0] = 1e6
    contents, _ = exports.FORMATS["compact16"].contents(checkpoint, small)
    assert contents[f"{first}.weight"].dtype == torch.float32
    assert contents[f"{last}.weight"].dtype == torch.float16


def test_a_head_of_several_layers_and_a_merged_pool_go_to_onnx(checkpoint):
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = models.set_normalisation(Stock().eval(), (0.7, 0.5, 0.4), (0.2, 0.3, 0.1))
    masks = pruning.magnitude(models.prunable(model), 0.3, scope="channel")
    small = pruning.compact(model, masks, size=4)  # one position left, which its pool repeats nine times
    names = ("a", "b", "c", "d")
    card = replace(
        checkpoint.card,
        data=replace(checkpoint.card.data, size=4, class_names=names),
        architecture=replace(checkpoint.card.architecture, classes=4),
    )
    data = onnx_files.build(replace(checkpoint, card=card), small).SerializeToString()
    assert onnx_files.check(data, small, 4) <= 1e-6


@pytest.mark.parametrize("size", [4, 12, 14, 20])
def test_a_pool_to_several_positions_goes_to_onnx(checkpoint, size):
    """Fewer positions than there are, as many, or more: torchvision's head pools to 7×7 whatever comes."""
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = models.set_normalisation(Stock().eval(), (0.7, 0.5, 0.4), (0.2, 0.3, 0.1))
    small = pruning.compact(model, pruning.magnitude(models.prunable(model), 0.3))
    card = replace(
        checkpoint.card,
        data=replace(checkpoint.card.data, size=size, class_names=("a", "b", "c", "d")),
        architecture=replace(checkpoint.card.architecture, classes=4),
    )
    data = onnx_files.build(replace(checkpoint, card=card), small).SerializeToString()
    assert onnx_files.check(data, small, size) <= 1e-6


def test_without_the_packages_onnx_says_what_to_install(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPackage, match="pip install onnx onnxruntime"):
        exports.write(checkpoint, "onnx", tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_an_onnx_file_with_other_answers_is_not_written(checkpoint, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    right = onnx_files.build

    def wrong(checkpoint, small):
        with torch.no_grad():
            small.classifier.bias += torch.tensor([0.0, 0.1, 0.0])
        return right(checkpoint, small)

    def build(checkpoint, small):
        return wrong(checkpoint, pruning.compact(checkpoint.model(), checkpoint.masks))

    monkeypatch.setattr(onnx_files, "build", build)
    with pytest.raises(ExportFailed, match="other answers"):
        exports.write(checkpoint, "onnx", tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_unknown_formats_are_named(checkpoint, tmp_path):
    for call in (
        lambda: exports.write(checkpoint, "sparce", tmp_path / "net"),
        lambda: exports.example(checkpoint.card, "sparce", "net"),
    ):
        with pytest.raises(UnknownName, match="did you mean sparse"):
            call()


def test_the_model_card_says_what_the_card_knows(checkpoint):
    metrics = {
        "balanced_accuracy": {"estimate": 0.604, "low": 0.553, "high": 0.649, "n": 1973, "method": "Wilson 95%"},
        "sensitivity/mel": {"estimate": 0.488, "low": 0.405, "high": 0.571, "n": 203, "method": "Wilson 95%"},
        "macro_auc": {"estimate": None, "low": None, "high": None, "n": 0, "method": ""},
    }
    card = replace(
        checkpoint.card, parent="phantom-32/x/dense", recipe={"training": {"decay": 0.0005}}, metrics=metrics
    )
    harm = pd.DataFrame(
        {
            "class": ["mel"],
            "lesions": [113],
            "found_dense": [58],
            "found_pruned": [57],
            "newly_missed": [5],
            "newly_caught": [4],
        }
    )
    text = exports.model_card(replace(checkpoint, card=card), "plain", "net.safetensors", harm=harm)
    for expected in (
        "Not for diagnosis",
        "| Balanced accuracy | 60.4% [55.3, 64.9], n = 1,973 |",
        "| mel | 48.8% [40.5, 57.1], n = 203 |",
        "not defined",
        "| mel | 113 | 58 | 57 | 5 | 4 |",
        "Split by lesion",
        "`abc`",
        '"decay": 0.0005',
        card.digest,
        "net.safetensors",
        "```python",
    ):
        assert expected in text
    without = exports.model_card(replace(checkpoint, card=card), "plain", "net.safetensors")
    assert "are not stored" in without
    assert "| | |" not in text, "a table's head without words is read out as nothing"
    lower = exports.model_card(replace(checkpoint, card=card), "plain", "net.safetensors", harm=harm, level=3)
    assert lower.startswith(f"### {card.id}\n")
    assert "\n##### By class" in lower
    plain = exports.model_card(replace(checkpoint, card=card), "plain", "net.safetensors", harm=harm, code=False)
    assert "```" not in plain
    assert card.digest in plain
