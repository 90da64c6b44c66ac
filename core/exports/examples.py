"""The few lines that load a file and run it, written for one checkpoint and one format; they need no PruneScope."""

from core.checkpoints import Card
from core.errors import check_choice

_RUN = """\
image = Image.open("image.jpg").convert("RGB")
image = resize(center_crop(image, min(image.size)), [size, size])
x = (pil_to_tensor(image)[None] / 255 - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
with torch.inference_mode():
    probabilities = model.eval()(x).softmax(1)[0]
print({name: round(p, 4) for name, p in zip(classes, probabilities.tolist())})
"""

_IMPORTS = """\
import json, math, torch, torchvision
from PIL import Image
from safetensors import safe_open
from torchvision.transforms.functional import center_crop, pil_to_tensor, resize
"""

_SPARSE = """\
def load(path):  # torch and safetensors are all it needs
    with safe_open(path, "pt") as file:
        about = {key: json.loads(text) for key, text in file.metadata().items() if key != "format"}
        stored = {name: file.get_tensor(name) for name in file.keys()}
    state = {name: tensor for name, tensor in stored.items() if not name.endswith((".mask", ".values"))}
    for name, shape in about["shapes"].items():  # one bit a weight, then the weights that are kept
        bits = stored[name + ".mask"][:, None] >> torch.arange(7, -1, -1, dtype=torch.uint8) & 1
        kept = bits.flatten()[: math.prod(shape)].bool()
        state[name] = torch.zeros(len(kept)).masked_scatter(kept, stored[name + ".values"].float()).view(shape)
    return state, about

state, about = load("{file}")
"""

_PLAIN = """\
with safe_open("{file}", "pt") as file:
    about = {{key: json.loads(text) for key, text in file.metadata().items() if key != "format"}}
    state = {{name: file.get_tensor(name) for name in file.keys()}}
"""

_SHRINK = """\
for name, old in reversed(list(model.named_modules())):  # the same names, smaller shapes
    weight, bias = state.get(name + ".weight"), name + ".bias" in state
    if isinstance(old, torch.nn.Conv2d) and weight is not None:
        shape = weight.shape[1], weight.shape[0], old.kernel_size, old.stride, old.padding
        model.set_submodule(name, torch.nn.Conv2d(*shape, bias=bias))
    elif isinstance(old, torch.nn.Linear):
        model.set_submodule(name, torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias))
    elif isinstance(old, torch.nn.BatchNorm2d):  # those that are gone were folded into the convolution before them
        model.set_submodule(name, torch.nn.Identity() if weight is None else torch.nn.BatchNorm2d(len(weight)))
    elif type(old).__name__ == "_DenseLayer" and name + ".conv2.weight" not in state:
        del model.get_submodule(name.rpartition(".")[0])[name.rpartition(".")[2]]
"""

_FINISH = """\
model.load_state_dict(state)
mean, std, size, classes = torch.tensor(about["mean"]), torch.tensor(about["std"]), about["size"], about["classes"]
"""

_ONNX = """\
import json, numpy as np, onnxruntime
from PIL import Image

network = onnxruntime.InferenceSession("{file}", providers=["CPUExecutionProvider"])
size, classes = network.get_inputs()[0].shape[1], json.loads(network.get_modelmeta().custom_metadata_map["classes"])
image = Image.open("image.jpg").convert("RGB")
side, middle = min(image.size), (image.width / 2, image.height / 2)
box = [centre + sign * side / 2 for sign in (-1, 1) for centre in middle]
pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box))
probabilities = network.run(None, {{"images": pixels[None]}})[0][0]  # it normalises by itself
print({{name: round(float(p), 4) for name, p in zip(classes, probabilities)}})
"""


def example(card: Card, format: str, file: str) -> str:
    """Python that loads ``file`` and prints the probabilities for ``image.jpg``.

    Args:
        card: of the checkpoint.
        format: a name in :data:`core.exports.FORMATS`.
        file: name of the file, as it lies beside the code.

    Raises:
        UnknownName: no such format.
    """
    check_choice("format", format, ("sparse", "plain", "plain16", "compact", "compact16", "onnx"))
    if format == "onnx":
        return _ONNX.format(file=file)
    load = _SPARSE.replace("{file}", file) if format == "sparse" else _PLAIN.format(file=file)
    shrink = _SHRINK if format.startswith("compact") else ""
    imports = _IMPORTS if format == "sparse" else _IMPORTS.replace("json, math, torch", "json, torch")
    return f"{imports}\n{load}{network(card, merged=bool(shrink))}{shrink}{_FINISH}{_RUN}"


def network(card: Card, *, merged: bool = False) -> str:
    """The lines that make torchvision's own network fit for these weights.

    Args:
        card: of the checkpoint.
        merged: for the compacted network, whose head may hold the pool before it.
    """
    architecture = card.architecture
    classes = architecture.classes
    if architecture.name == "densenet169":
        small = "model.features.pool0 = torch.nn.Identity()  # the small stem\n" if architecture.stem == "small" else ""
        return f"model = torchvision.models.densenet169(num_classes={classes})\n{small}"
    name = "vgg16_bn" if architecture.norm else "vgg16"
    lines = f"model = torchvision.models.{name}(num_classes={classes})\n"
    if architecture.head == "compact":
        lines += f"model.avgpool, model.classifier = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(512, {classes})\n"
    elif merged and card.data.size < 224:
        lines += "model.avgpool = torch.nn.Identity()  # merged into the first linear layer\n"
    return lines


def fits(card: Card) -> str:
    """What of torchvision's these weights fit, in a sentence or two."""
    architecture = card.architecture
    if architecture.name == "densenet169":
        if architecture.stem == "small":
            return "They fit torchvision's `densenet169` whose first pool, `features.pool0`, is an `Identity`."
        return "They fit torchvision's `densenet169` as it is."
    name = "vgg16_bn" if architecture.norm else "vgg16"
    if architecture.head == "stock":
        return f"They fit torchvision's `{name}` as it is."
    return (
        f"The convolutions fit torchvision's `{name}`. Its head does not fit: this network has the compact one, a global average "
        "pool and one linear layer, which takes the place of `avgpool` and `classifier`."
    )
