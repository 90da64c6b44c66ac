"""The files that a checkpoint can be taken home as, and writing them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from core.checkpoints import Checkpoint, container
from core.errors import check_choice
from core.exports import onnx, tensors
from core.pruning import compact

Contents = tuple[Mapping[str, Tensor], Mapping[str, str]]


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: in code, file names and links.
        title, about: what people read: a few words, and what it is good for in a sentence.
        compacted: whether it holds the network without its dead channels.
        contents: (checkpoint, compacted network or None) -> tensors and metadata of a safetensors file; None for ONNX.
    """

    name: str
    title: str
    about: str
    compacted: bool = False
    contents: Callable[[Checkpoint, nn.Module | None], Contents] | None = None

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return ".safetensors" if self.contents else ".onnx"


FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format(
            "sparse",
            "Sparse-coded",
            "One bit for each weight and the kept ones in half precision, as PruneScope stores it. The smallest that "
            "keeps the network's shape; a few lines of torch unpack it.",
            contents=lambda checkpoint, _: tensors.sparse(checkpoint),
        ),
        Format(
            "plain",
            "Plain state_dict",
            "Every weight in 32 bits, zeros spelt out: what load_state_dict of torchvision's own network takes.",
            contents=lambda checkpoint, _: tensors.plain(checkpoint, half=False),
        ),
        Format(
            "plain16",
            "Plain state_dict, half precision",
            "The same with convolution and linear weights in 16 bits.",
            contents=lambda checkpoint, _: tensors.plain(checkpoint, half=True),
        ),
        Format(
            "compact",
            "Compacted",
            "Without dead channels, batch norm folded in, 32 bits: the same answers from a network that is really smaller, "
            "as far as channels died.",
            compacted=True,
            contents=lambda checkpoint, small: tensors.compacted(checkpoint, small, half=False),
        ),
        Format(
            "compact16",
            "Compacted, half precision",
            "The same with convolution and linear weights in 16 bits: rounded once more, after folding.",
            compacted=True,
            contents=lambda checkpoint, small: tensors.compacted(checkpoint, small, half=True),
        ),
        Format(
            "onnx",
            "ONNX, compacted",
            "The compacted network for other runtimes: takes pixels as they are and gives probabilities, with the "
            "normalisation inside.",
            compacted=True,
        ),
    )
}


def sizes(checkpoint: Checkpoint, small: nn.Module | None = None) -> dict[str, int]:
    """Bytes of every safetensors file that :func:`write` would make, without writing any.

    Args:
        checkpoint: what to export.
        small: its compacted network for its image size, where it was made already.
    """
    small = small if small is not None else _compacted(checkpoint)
    return {
        name: container.size_of(*item.contents(checkpoint, small)) for name, item in FORMATS.items() if item.contents
    }


def write(checkpoint: Checkpoint, format: str, path: str | os.PathLike) -> Path:
    """Write ``checkpoint`` in a format of :data:`FORMATS`, in one step. An older file is replaced.

    Returns:
        The path.

    Raises:
        UnknownName: no such format.
        MissingPackage: ONNX needs packages that are not installed.
        ExportFailed: the ONNX file gave other answers than the network.
        StorageFull: no room or no permission; an older file stays as it was.
    """
    item, path = FORMATS[check_choice("format", format, FORMATS)], Path(path)
    small = _compacted(checkpoint) if item.compacted else None
    if item.contents:
        container.write(path, *item.contents(checkpoint, small))
    else:
        onnx.write(checkpoint, small, path)
    return path


def _compacted(checkpoint: Checkpoint) -> nn.Module:
    return compact(checkpoint.model(), checkpoint.masks, size=checkpoint.card.data.size)
