"""Where and how networks run: the device, the precision it is fast in, and the number of threads."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from typing import TypeVar

from core.errors import InvalidValue, MemoryFull, check_choice

PRECISIONS = ("auto", "float32", "bfloat16")
T = TypeVar("T")


def cores() -> int:
    """How many processor cores this process may use: those of a container or of ``taskset``, where there is such a limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pick(device=None):
    """The torch device to use: the one named, else ``PRUNESCOPE_DEVICE``, else a GPU where there is one, else the CPU.

    Raises:
        InvalidValue: a device that this machine does not have.
    """
    import torch

    name = device or os.environ.get("PRUNESCOPE_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.zeros(1, device=chosen).item()  # the device "meta" holds no numbers
    except (RuntimeError, AssertionError, TypeError, ValueError, ImportError) as error:
        # ImportError: torch knows the names of add-ons, such as "hpu", that are not installed.
        raise InvalidValue(
            "This machine cannot compute there", given=repr(name), expected="cpu, or cuda with a GPU and its driver"
        ) from error
    return chosen


@cache
def bfloat16_is_fast(kind: str = "cpu") -> bool:
    """Whether the device does arithmetic in bfloat16 itself (AMX or AVX512-BF16; a GPU from Ampere on)."""
    import torch

    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return kind == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def precision(name: str = "auto", device=None):
    """The torch dtype for inference: ``"auto"`` is bfloat16 where the device is fast in it and float32 elsewhere.

    Raises:
        UnknownName: not one of :data:`PRECISIONS`.
    """
    import torch

    check_choice("precision", name, PRECISIONS)
    if name == "auto":
        name = "bfloat16" if bfloat16_is_fast(pick(device).type) else "float32"
    return getattr(torch, name)


_TURNS: dict[str, threading.Lock] = {}


def turn(device) -> threading.Lock:
    """A lock to hold while one batch is computed: several users take turns on a device.

    Two forward passes at once would each start as many threads as there are cores, and take several times as long.
    """
    return _TURNS.setdefault(str(device), threading.Lock())


_DESKS: dict[str, ThreadPoolExecutor] = {}
_NAME = "computes-on-"
_NICE = 5  # jobs in the background have 10
# A forked process has none of its parent's threads, and may have inherited a lock that somebody held.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: (_DESKS.clear(), _TURNS.clear()))


def compute(device, work: Callable[..., T], *given) -> T:
    """``work(*given)``, carried out by the one thread that computes on ``device`` for everybody, in its :func:`turn`.

    That thread gives way to all others of the process, so that pages are drawn while somebody's images are predicted;
    and there is one pool of OpenMP threads instead of one for each user. Modes that belong to a thread
    (``inference_mode``, ``autocast``) have to be entered by ``work`` itself.
    """
    if threading.current_thread().name.startswith(_NAME):
        return work(*given)
    desk = _DESKS.get(str(device)) or _DESKS.setdefault(
        str(device), ThreadPoolExecutor(1, thread_name_prefix=f"{_NAME}{device}", initializer=_give_way)
    )
    return desk.submit(_in_turn, device, work, given).result()


def _in_turn(device, work, given):
    with turn(device):
        return work(*given)


def _give_way() -> None:
    """Lower the priority of the calling thread alone: Linux keeps one for each, which OpenMP's threads inherit."""
    if sys.platform != "linux":
        return  # elsewhere a priority is of a whole process
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def is_memory_full(error: BaseException) -> bool:
    """Whether ``error`` says that there was no memory left, on whatever device."""
    if isinstance(error, MemoryError):
        return True
    # torch has a class of its own for CUDA; other backends and the CPU's allocator only say so in words.
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _FULL)


_FULL = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def memory_named(remedy: str) -> Iterator[None]:
    """Within, and within what it decorates, running out of memory is a :class:`core.errors.MemoryFull`.

    Args:
        remedy: what to do, besides closing other programs or ``PRUNESCOPE_DEVICE=cpu``.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory_full(error):
            raise
        free_memory()
        first = str(error).strip().partition("\n")[0][:200]
        raise MemoryFull(
            "There is no memory left for this computation",
            given=first or type(error).__name__,
            remedy=f"{remedy}, close other programs that use the device, or set PRUNESCOPE_DEVICE=cpu",
        ) from error


def free_memory() -> None:
    """Give the driver back what torch keeps of a GPU's memory for later."""
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def autocast(device, dtype) -> AbstractContextManager:
    """Mixed precision in ``dtype`` on ``device``; nothing for float32."""
    import torch

    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def describe(device=None) -> str:
    """The device in words for a person: ``"NVIDIA H100, bfloat16"`` or ``"CPU, 2 threads, bfloat16"``."""
    import torch

    chosen = pick(device)
    kind = str(precision("auto", chosen)).removeprefix("torch.")
    if chosen.type == "cuda":
        return f"{torch.cuda.get_device_name(chosen)}, {kind}"
    threads = torch.get_num_threads()
    return f"{chosen.type.upper()}, {threads} thread{'s' if threads > 1 else ''}, {kind}"
