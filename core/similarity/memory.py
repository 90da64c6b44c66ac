"""Freed memory given back to the system."""

import ctypes
from functools import cache


@cache
def _trim():
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc: macOS and Windows give back by themselves
        return None


def give_back() -> None:
    """Let the process shrink to what it still uses.

    glibc keeps what was freed between two things that still live, and a forward pass leaves hundreds of megabytes so. Costs a
    few milliseconds, and what is used again has to be fetched again: for the end of large work, not for every layer.
    """
    if trim := _trim():
        trim(0)
