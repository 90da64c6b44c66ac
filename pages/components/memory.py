"""What was computed before, kept as long as there is room: going back costs nothing, and a server's memory stays bounded."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass

_DEEP = 6  # levels of containers that are looked into


class Memory:
    """Values by key; those unused for longest go when there are too many or they take too much. Safe between threads.

    Args:
        size: how many values at most.
        megabytes: what they may take together; one that takes more on its own is not kept.
    """

    def __init__(self, size: int = 4096, megabytes: float = 128):
        self._size, self._room, self._taken = size, megabytes * 1e6, 0
        self._items: OrderedDict[object, tuple[object, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key):
        """What was kept under ``key``, or None."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def make(self, key, work: Callable[[], object]):
        """What was kept under ``key``, else what ``work`` gives, kept from now on. Two threads may both do the work."""
        value = self.get(key)
        if value is None:
            value = work()
            self.put(key, value)
        return value

    def put(self, key, value) -> None:
        """Keep ``value``, at the cost of those unused for longest."""
        weight = weigh(value)
        with self._lock:
            self._taken -= self._items.pop(key, (None, 0))[1]
            if weight > self._room:
                return
            self._items[key] = value, weight
            self._taken += weight
            while len(self._items) > self._size or self._taken > self._room:
                _, (_, gone) = self._items.popitem(last=False)
                self._taken -= gone

    def kept(self) -> list:
        """The keys of what is kept, the longest unused first."""
        with self._lock:
            return list(self._items)

    def __len__(self) -> int:
        return len(self._items)


def weigh(value, deep: int = _DEEP) -> int:
    """Bytes that a value takes, nearly: arrays, tensors and tables in full, containers and dataclasses by what is in them."""
    # By what they can do: the first page shows before pandas, numpy or torch is imported.
    if hasattr(value, "memory_usage"):
        found = value.memory_usage(deep=True)
        return int(getattr(found, "sum", lambda: found)())
    if isinstance(getattr(value, "nbytes", None), int):
        return value.nbytes
    own = sys.getsizeof(value, 64)
    if not deep:
        return own
    if isinstance(value, Mapping):
        return own + sum(weigh(one, deep - 1) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return own + sum(weigh(one, deep - 1) for one in value)
    if is_dataclass(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        return own + weigh(vars(value), deep - 1)
    return own
