"""Who does the work: processes on this machine, or the workers of a Dask cluster."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from core.device import cores
from core.errors import InvalidValue, MissingPackage, PruneScopeError, check_whole

_PATIENCE = 30  # seconds to find the scheduler and its first worker


@dataclass(frozen=True)
class Crew:
    """Workers that can be called.

    Attributes:
        start: gives an executor, which ends with the ``with`` it is used in; called again if one breaks.
        at_once: how many runs to hand out at a time; None for all that can begin.
        gpus: which of them its processes share out among themselves; empty to leave the choice to each.
    """

    start: Callable[[], AbstractContextManager[Executor]]
    at_once: int | None = None
    gpus: tuple[str, ...] = ()


def processes(workers: int = 1, *, gpus: Sequence[str] = (), threads: int | None = None) -> Crew:
    """Fresh Python processes on this machine.

    Args:
        workers: how many.
        gpus: indices or identifiers; each process takes one and sees no other.
        threads: processor threads of each; by default the cores shared out.

    Raises:
        InvalidValue: no workers or threads, or more than 1024.
    """
    if type(workers) is not int or not 1 <= workers <= 1024:
        raise InvalidValue("A sweep cannot have so many workers", given=repr(workers), expected="1 to 1024")
    if threads is None:
        threads = max(1, cores() // workers)
    # Told here: in the workers it would end each of them as they begin, and look like a lack of memory.
    check_whole(threads, "A worker cannot have so many threads", 1, 1024)

    def start() -> ProcessPoolExecutor:
        # Spawned: a fork of a process that has used torch or a GPU can hang.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, mp_context=context, initializer=begin, initargs=(threads, os.getpid()))

    return Crew(start, workers, tuple(gpus))


def begin(threads: int, parent: int) -> None:
    """Prepare a process of a pool: set its threads, and let it not outlive ``parent``."""
    import torch

    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)  # for what it starts itself
    torch.set_num_threads(threads)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)  # the run keeps its finished epochs whatever way its process ends

    if os.name != "nt":
        threading.Thread(target=watch, daemon=True).start()


def dask(address: str, *, gpus: Sequence[str] = ()) -> Crew:
    """The workers of a Dask cluster. Needs the package ``distributed`` here and there, and folders that all share.

    Args:
        address: of the scheduler, such as ``"tcp://10.0.0.5:8786"``.
        gpus: of each machine of the cluster, shared out among the workers on it.

    Raises:
        MissingPackage: ``distributed`` is not installed.

    Calling its ``start`` raises PruneScopeError where no scheduler answers, or none of its workers.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingPackage(
            "A Dask cluster needs the package distributed", given=str(error), remedy="pip install 'distributed>=2024.8'"
        ) from error

    @contextmanager
    def start() -> Iterator[Executor]:
        try:
            client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise PruneScopeError(
                "No Dask scheduler answers there",
                given=f"{address} ({type(error).__name__})",
                expected="such as tcp://10.0.0.5:8786, where `dask scheduler` runs",
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError as error:
                raise PruneScopeError(
                    "The Dask scheduler has no workers",
                    given=address,
                    remedy=f"start some: dask worker {address} --nthreads 1",
                ) from error
            # Not pure: a run that failed is to be done again, not to be remembered.
            with client.get_executor(pure=False) as executor:
                yield executor

    return Crew(start, None, tuple(gpus))
