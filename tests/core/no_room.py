"""A disk that is full, for a moment."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full(most: int = 0) -> Iterator[None]:
    """No file may grow beyond ``most`` bytes in this process and in those that it starts, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
