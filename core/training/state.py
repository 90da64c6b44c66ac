"""The state of a training run between two epochs: one safetensors file, replaced in one step."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core.files import atomic_path, check_space


class State:
    """Keeps a run on disk, epoch by epoch.

    Args:
        path: the file; an older state stays whole until the new one is.
        name: JSON-able; names the run and its phase, so that another's state is never taken for this one's.
        carry: JSON-able; what the caller wants back with the state, such as the history of earlier phases.
    """

    def __init__(self, path: Path, name, carry=None):
        self.path, self.name, self.carry = Path(path), name, carry

    def save(
        self, model: nn.Module, optimizer: torch.optim.SGD, masks: Mapping[str, Tensor] | None, history: list[dict]
    ) -> None:
        """Write weights, momentum, masks and history.

        Raises:
            StorageFull: no room; the older state is still there.
        """
        tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
        tensors |= {f"mask.{name}": value for name, value in (masks or {}).items()}
        for name, parameter in model.named_parameters():
            momentum = optimizer.state.get(parameter, {}).get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum
        check_space(self.path.parent, sum(t.numel() * t.element_size() for t in tensors.values()))
        metadata = {key: json.dumps(getattr(self, key), sort_keys=True) for key in ("name", "carry")}
        metadata["history"] = json.dumps(history)
        with atomic_path(self.path) as temporary:
            try:
                save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, temporary, metadata)
            except SafetensorError as error:
                # Its own class for a full disk too; the number of the system's error is in its text.
                code = re.search(r"os error (\d+)", str(error))
                if code is None:
                    raise
                raise OSError(int(code[1]), os.strerror(int(code[1]))) from error

    def load(self, model: nn.Module, optimizer: torch.optim.SGD) -> list[dict]:
        """Put the state into ``model`` and ``optimizer`` and return its history.

        Returns:
            The epochs done so far; empty, with nothing changed, if there is no state, it is damaged, or another's.
        """
        metadata, tensors = _read(self.path, ("model.", "momentum."))
        _, history = _noted(metadata)
        own = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        known = {name: value.shape for name, value in model.state_dict().items()}
        fits = {name: value.shape for name, value in own.items()} == known
        if metadata.get("name") != json.dumps(self.name, sort_keys=True) or not history or not fits:
            return []
        model.load_state_dict(own)
        for name, parameter in model.named_parameters():
            momentum = tensors.get(f"momentum.{name}")
            if momentum is not None:
                # In the memory format of its weight, as the optimiser keeps it: sums in another order differ in a bit.
                optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(momentum)
        return history


def peek(path: Path) -> tuple[dict | None, dict[str, Tensor]]:
    """What the file at ``path`` carries besides weights: (its ``carry``, its masks); (None, {}) if it cannot be read."""
    metadata, tensors = _read(path, ("mask.",))
    carry, history = _noted(metadata)
    if not history:
        return None, {}
    return carry, {name.removeprefix("mask."): value for name, value in tensors.items()}


def epochs_in(path: Path) -> float:
    """How many epochs the state at ``path`` has behind it in its phase; 0 if it cannot be read."""
    _, rows = _noted(_read(path, ())[0])
    return rows[-1]["epoch"] if rows else 0.0


def rows_in(path: Path) -> list[dict]:
    """The epochs that the state at ``path`` has behind it, earlier phases' first; each says in ``phase`` which it was of."""
    carry, rows = _noted(_read(path, ())[0])
    carry = carry or {}
    own = [{"phase": carry.get("phase", 0), **row} for row in rows]
    return [{"phase": row.get("step", 1) - 1, **row} for row in carry.get("history", [])] + own


def _noted(metadata: Mapping[str, str]) -> tuple[dict | None, list[dict]]:
    """The ``carry`` and the history in a state; (None, []) if they cannot be what :meth:`State.save` wrote."""
    try:
        carry, rows = json.loads(metadata.get("carry", "null")), json.loads(metadata.get("history", "[]"))
    except (ValueError, RecursionError):
        return None, []
    earlier = carry.get("history", []) if isinstance(carry, dict) else []
    lists = isinstance(rows, list) and isinstance(earlier, list)
    phase = carry.get("phase", 0) if isinstance(carry, dict) else 0
    if not lists or type(phase) is not int or not all(map(_is_row, [*rows, *earlier])):
        return None, []
    return carry, rows


def _is_row(row) -> bool:
    if not isinstance(row, dict) or type(row.get("step", 1)) is not int:
        return False
    return type(row.get("epoch")) in (int, float) and 0 <= row["epoch"] < 1e9


def _read(path: Path, prefixes: tuple[str, ...]) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.startswith(prefixes)]  # noqa: SIM118 (not a mapping)
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError):
        return {}, {}
