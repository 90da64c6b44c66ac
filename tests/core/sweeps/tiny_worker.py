"""A worker process on which ``vgg16`` means the tiny network: ``dask worker --preload``, or a pool's initializer."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
_kept = []  # a context that nobody holds would be left at once


def begin() -> None:
    import torch

    from tests.core.tiny import registered

    torch.set_num_threads(1)
    _kept.append(registered())
    _kept[0].__enter__()  # for the life of this process


def dask_setup(worker) -> None:
    begin()
