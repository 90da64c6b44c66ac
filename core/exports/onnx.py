"""The compacted network as ONNX, built node by node from the steps that compaction knows, and checked against torch.

Not traced: ``torch.onnx.export`` replaces methods of ``nn.Module`` for the whole process while it looks on, which would
reach networks that run in other threads, and it takes minutes for a DenseNet.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.checkpoints import Checkpoint
from core.errors import ExportFailed, MissingPackage
from core.evaluation import predict
from core.files import atomic_path
from core.pruning import private
from core.pruning.compaction.operations import Concatenation, Norm, Operation, Weighted
from core.pruning.compaction.wiring import wire

OPSET, IR = 17, 8
"""Of 2022: read by every runtime that is still maintained."""
TOLERANCE = 1e-4
"""Of probabilities, between ONNX Runtime and torch, both in float32."""
INPUT, OUTPUT = "images", "probabilities"
PACKAGES = ("onnx", "onnxruntime")
"""That writing and checking ONNX needs; PruneScope itself does not."""


def write(checkpoint: Checkpoint, small: nn.Module, path: str | os.PathLike) -> Path:
    """Write ``small`` as ONNX: uint8 images [N, H, W, 3] in, float32 probabilities [N, classes] out.

    Args:
        checkpoint: where it comes from; its card becomes the file's metadata.
        small: its compacted network for images of the card's size.
        path: the file; an older one is replaced, but only by one that gave the right answers.

    Raises:
        MissingPackage: onnx or onnxruntime is not installed.
        ExportFailed: ONNX Runtime's answers to random images differ from torch's.
        StorageFull: no room or no permission.
    """
    _import()
    model = build(checkpoint, small)
    data = model.SerializeToString()
    check(data, small, checkpoint.card.data.size)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def build(checkpoint: Checkpoint, small: nn.Module):
    """The ``onnx.ModelProto`` of a compacted network."""
    onnx, _ = _import()
    card, size = checkpoint.card, checkpoint.card.data.size
    graph = _Graph(onnx, _maps(small, size))
    scale = (1 / (255 * small.std)).view(1, 3, 1, 1)
    x = graph.add("Cast", INPUT, to=onnx.TensorProto.FLOAT)
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = graph.add("Mul", x, graph.constant("normalise.scale", scale))
    x = graph.add("Add", x, graph.constant("normalise.shift", (-small.mean / small.std).view(1, 3, 1, 1)))
    steps = wire(small)
    names = {steps[0]: x}
    with torch.no_grad():
        for step in steps[1:]:
            names[step] = graph.step(step, [names[source] for source in step.sources])
    graph.add("Softmax", names[steps[-1]], output=OUTPUT, axis=1)
    images = onnx.helper.make_tensor_value_info(INPUT, onnx.TensorProto.UINT8, ["N", size, size, 3])
    answers = onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, ["N", len(card.data.class_names)])
    whole = onnx.helper.make_graph(graph.nodes, "network", [images], [answers], graph.weights)
    model = onnx.helper.make_model(
        whole, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="PruneScope"
    )
    about = {
        "id": card.id,
        "classes": json.dumps(list(card.data.class_names)),
        "use": "research and teaching, not for diagnosis",
    }
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model)
    return model


def check(data: bytes, small: nn.Module, size: int) -> float:
    """The largest difference of a probability between ONNX Runtime and torch, over random images.

    Raises:
        ExportFailed: more than :data:`TOLERANCE`.
    """
    _, runtime = _import()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (5, size, size, 3), dtype=np.uint8)
    expected = predict(small, images, device="cpu", precision="float32")
    found = session.run([OUTPUT], {INPUT: images})[0]
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE:
        raise ExportFailed(
            "The ONNX file gives other answers than the network, so it was not written",
            given=f"probabilities that differ by up to {difference:.2g}",
            expected=f"{TOLERANCE:g} at most",
            remedy="take the plain state_dict instead, and tell us which checkpoint and versions this was",
        )
    return difference


class _Graph:
    """Nodes and weights so far; every method gives the name of the tensor that it adds."""

    def __init__(self, onnx, maps: Mapping):
        self._onnx, self._maps = onnx, maps
        self.nodes, self.weights = [], []

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes) -> str:
        output = output or f"{kind.lower()}.{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: torch.Tensor) -> str:
        array = np.ascontiguousarray(values.detach().cpu().float().numpy())
        self.weights.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def step(self, step: Operation, inputs: list[str]) -> str:
        """The node of one step of the network; the tensors that came before are its ``inputs``."""
        if isinstance(step, Concatenation):
            return inputs[0] if len(inputs) == 1 else self.add("Concat", *inputs, axis=1)
        if isinstance(step, Weighted | Norm):
            parameters = {"weight": step.module.weight, "bias": step.module.bias}
            if isinstance(step, Norm):
                parameters |= {"mean": step.module.running_mean, "variance": step.module.running_var}
            named = [
                self.constant(f"{step.name}.{key}", value) for key, value in parameters.items() if value is not None
            ]
            return self._computed(step, [*inputs, *named])
        return self._channelwise(step.module, inputs[0])

    def _computed(self, step: Weighted | Norm, inputs: list[str]) -> str:
        module = step.module
        if isinstance(step, Norm):
            return self.add("BatchNormalization", *inputs, epsilon=module.eps)
        if isinstance(module, nn.Linear):
            return self.add("Gemm", self.add("Flatten", inputs[0]), *inputs[1:], transB=1)
        shape = {"kernel_shape": list(module.kernel_size), "strides": list(module.stride)}
        shape |= {"pads": [*module.padding, *module.padding], "dilations": list(module.dilation)}
        return self.add("Conv", *inputs, **shape)

    def _channelwise(self, module: nn.Module, x: str) -> str:
        if isinstance(module, nn.ReLU):
            return self.add("Relu", x)
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            sides = [module.kernel_size, module.stride, module.padding]
            kernel, stride, padding = (value if isinstance(value, tuple) else (value, value) for value in sides)
            kind = "MaxPool" if isinstance(module, nn.MaxPool2d) else "AveragePool"
            return self.add(
                kind,
                x,
                kernel_shape=[*kernel],
                strides=[*stride],
                pads=[*padding, *padding],
                ceil_mode=int(module.ceil_mode),
            )
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
            return self.add("GlobalAveragePool", x)
        if isinstance(module, nn.AdaptiveAvgPool2d):
            return self._pooled(module, x)
        return x  # dropout, flattening before a linear layer, and what compaction folded away

    def _pooled(self, pool: nn.AdaptiveAvgPool2d, x: str) -> str:
        """ONNX knows no pool to so many positions, but each is a mean of rows of means of columns: two products."""
        before, after = self._maps[pool]
        if before == after:
            return x
        rows, columns = (
            nn.functional.adaptive_avg_pool1d(torch.eye(old)[None], new)[0].T
            for old, new in zip(before, after, strict=True)
        )
        place = len(self.nodes)
        x = self.add("MatMul", self.constant(f"pool.{place}.rows", rows), x)
        return self.add("MatMul", x, self.constant(f"pool.{place}.columns", columns.T))


def _maps(network: nn.Module, size: int) -> dict[nn.Module, tuple[tuple[int, int], tuple[int, int]]]:
    """Height and width of the map before and after each average pool to a number of positions, for images of ``size``."""
    copy, found = private(network).eval().to("meta"), {}
    for name, module in copy.named_modules():
        if isinstance(module, nn.AdaptiveAvgPool2d):

            def note(_, given, result, name=name):
                found[network.get_submodule(name)] = tuple(given[0].shape[2:]), tuple(result.shape[2:])

            module.register_forward_hook(note)
    copy(torch.empty(1, 3, size, size, device="meta"))
    return found


def _import():
    """The optional packages.

    Raises:
        MissingPackage: one is not installed.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise MissingPackage(
            "Writing ONNX needs packages that are not installed",
            given=str(error),
            expected=" and ".join(PACKAGES),
            remedy=f"pip install {' '.join(PACKAGES)}",
        ) from error
    return onnx, onnxruntime
