"""Which folder on the way to an image names its split and which its class, told from the names of all images together."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.data.splits import ALIASES, SPLITS

_ABBREVIATED = {"trn": "train", "tst": "test", "eval": "validation"}
_BESIDE = {"set", "data", "dataset", "images", "image", "imgs", "img", "split", "folder", "pictures", "cases"}
"""Words that people put beside a split's name: Train_Set, test-data, val images."""


@dataclass(frozen=True)
class Levels:
    """Where in an image's path, counted in folders from the top, its split and its class stand.

    Attributes:
        split: None where the folders tell of no split.
        label: of the class.
        loose: whether splits are called by more than their bare names.
    """

    split: int | None
    label: int
    loose: bool = False

    @property
    def folders(self) -> int:
        """How many folders an image has to lie in."""
        return 1 if self.split is None else 2

    def split_of(self, parts: list[str]) -> str:
        """The split of an image with these parts of its path; "" if they name none. Without splits all is for training."""
        if self.split is None:
            return "train"
        return (loosely(parts[self.split]) if self.loose else strictly(parts[self.split])) or ""

    def placed(self, name: str) -> bool:
        """Whether an image lies in a class folder, and where there are splits in one of these."""
        parts = name.split("/")
        return len(parts) > self.folders and bool(self.split_of(parts))


def levels(names: Iterable[str]) -> Levels:
    """How the folders of these images are meant.

    ``train/<class>/…`` by any folder on top that is called as a split; by longer names (``Train_Set``) if all are called so;
    ``<class>/train/…`` if each image lies in such a folder. Everything else is ``<class>/…``.
    """
    names = list(names)
    inside = [parts for parts in (name.split("/") for name in names) if len(parts) > 1]
    tops = {parts[0] for parts in inside if len(parts) > 2}
    all_called = len({loosely(top) for top in tops}) > 1 and all(map(loosely, tops))
    if any(map(strictly, tops)) or all_called:
        return Levels(0, 1, all_called)
    deep = inside and all(len(parts) > 2 and loosely(parts[1]) for parts in inside)
    if deep and len({loosely(parts[1]) for parts in inside}) > 1:
        return Levels(1, 0, True)
    return Levels(None, 0)


def strictly(folder: str) -> str | None:
    """The split that a folder is called after, in full or by the short names of other libraries; None if it is none."""
    name = folder.lower()
    return name if name in SPLITS else ALIASES.get(name)


def loosely(folder: str) -> str | None:
    """As :func:`strictly`, but other words may stand beside it, such as ``Train_Set`` or ``tst``."""
    words = [word for word in re.split(r"[\s_.-]+", folder.lower()) if word and word not in _BESIDE]
    if len(words) != 1:
        return None
    word = re.sub(r"(data|images|imgs|set)+$", "", words[0])
    return strictly(word) or _ABBREVIATED.get(word)
