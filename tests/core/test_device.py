import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from core import device, files
from core.errors import InvalidValue, MemoryFull, UnknownName


def test_the_named_device_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DEVICE", "nonsense")
    assert device.pick("cpu") == torch.device("cpu")
    with pytest.raises(InvalidValue, match="nonsense"):
        device.pick()


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "hpu", "privateuseone", "xla", "", 3.5, 2**70])
def test_devices_that_cannot_compute_are_named(name, monkeypatch):
    if name == "":
        monkeypatch.setenv("PRUNESCOPE_DEVICE", "")
        assert device.pick(name).type in ("cpu", "cuda")  # empty means: choose
        return
    with pytest.raises(InvalidValue, match="cannot compute there"):
        device.pick(name)


def test_auto_is_half_precision_only_where_it_is_fast(monkeypatch):
    monkeypatch.setattr(device, "bfloat16_is_fast", lambda kind: False)
    assert device.precision("auto", "cpu") == torch.float32
    monkeypatch.setattr(device, "bfloat16_is_fast", lambda kind: True)
    assert device.precision("auto", "cpu") == torch.bfloat16
    assert device.precision("float32", "cpu") == torch.float32
    with pytest.raises(UnknownName, match="did you mean float32"):
        device.precision("float23")


def test_autocast_computes_in_the_precision_asked_for():
    a = torch.ones(2, 2)
    with device.autocast(torch.device("cpu"), torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
    with device.autocast(torch.device("cpu"), torch.float32):
        assert (a @ a).dtype == torch.float32


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore about it"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        MemoryError(),
    ],
)
def test_full_memory_is_named_on_every_device(error):
    @device.memory_named("take less")
    def work():
        raise error

    for _ in range(2):
        with pytest.raises(MemoryFull, match=r"take less.*PRUNESCOPE_DEVICE=cpu") as caught:
            work()
        assert "More about it" not in str(caught.value)
        assert caught.value.__cause__ is error


def test_other_errors_pass_through():
    with pytest.raises(RuntimeError, match="shapes"), device.memory_named("take less"):
        raise RuntimeError("shapes do not fit")


def test_the_device_in_words():
    words = device.describe("cpu")
    assert words.startswith(f"CPU, {torch.get_num_threads()} thread")
    assert words.endswith(("float32", "bfloat16"))


def test_one_thread_computes_for_all_and_gives_way_to_them():
    def who() -> tuple[int, int]:
        mine = threading.get_native_id()
        return mine, os.getpriority(os.PRIO_PROCESS, mine) if sys.platform == "linux" else 5

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with ThreadPoolExecutor(8) as users:
        found = set(users.map(lambda _: device.compute("cpu", who), range(40)))
    assert len(found) == 1, "each user has brought a thread"
    (thread, priority) = found.pop()
    assert thread != threading.get_native_id()
    assert priority == max(5, before)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_what_computes_may_ask_for_more_and_errors_reach_who_asked():
    assert device.compute("cpu", lambda: device.compute("cpu", lambda: 3)) == 3
    with pytest.raises(ZeroDivisionError):
        device.compute("cpu", lambda: 1 / 0)
    assert device.compute("cpu", max, 1, 2) == 2, "an error has stopped the thread"


def test_computing_waits_for_whoever_has_the_device():
    done = threading.Event()
    with device.turn("cpu"):
        waiting = threading.Thread(target=lambda: device.compute("cpu", done.set))
        waiting.start()
        assert not done.wait(0.2)
    assert done.wait(10)
    waiting.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_computes_with_a_thread_of_its_own():
    script = """
import os
from core import device
device.compute("cpu", int)
with device.turn("cpu"):
    child = os.fork()
    if child == 0:
        os._exit(device.compute("cpu", lambda: 7))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    subprocess.run([sys.executable, "-c", script], cwd=files.PROJECT, check=True, timeout=60)
