"""What every data set becomes: images, labels and what is known of each, for one split at one size."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.errors import DataNotFound, InvalidValue


@dataclass(frozen=True)
class ImageSet:
    """Images of one split, prepared at one size. Made by :func:`core.data.load`.

    Attributes:
        name: the data set, such as ``"ham10000"``.
        split: ``"train"``, ``"validation"``, ``"test"`` or ``"all"``.
        size: height and width in pixels.
        images: uint8 [N, size, size, 3], RGB, memory-mapped and read-only.
        labels: int64 [N], indices into ``class_names``.
        ids: str [N], one name an image, unique.
        class_names: in label order.
        groups: str [N] of what must not be torn apart by a split (lesion ids), or None.
        table: DataFrame of N rows with all that is known of each image.
        split_by: the rule that made the split, such as ``"lesion"`` or ``"row"``.
        notes: sentences for the user: what was left out, what was split by us.
    """

    name: str
    split: str
    size: int
    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    class_names: tuple[str, ...]
    groups: np.ndarray | None
    table: pd.DataFrame
    split_by: str
    notes: tuple[str, ...] = ()
    read_masks: Callable[[], np.ndarray] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that name these images, by their ids, in this order with these labels. Pixels are not looked at."""
        state = hashlib.sha256("\n".join(self.ids).encode())
        state.update(np.ascontiguousarray(self.labels).tobytes())
        state.update("\n".join(self.class_names).encode())
        return state.hexdigest()[:16]

    def masks(self) -> np.ndarray:
        """Where the lesion is: bool [N, size, size], memory-mapped.

        Raises:
            DataNotFound: this data set has no masks, or their file is missing.
        """
        if self.read_masks is None:
            raise DataNotFound(
                f"The data set {self.name} has no lesion masks",
                given="images only",
                expected="HAM10000_segmentations_lesion_tschandl.zip beside the images of ham10000",
                remedy="get them with `python -m core data ham10000 --download`, or use a data set with masks",
            )
        return self.read_masks()

    def take(self, rows) -> "ImageSet":
        """The images at ``rows`` (indices or a boolean array [N]), in that order, copied into memory.

        Raises:
            InvalidValue: an index outside the set, numbers that are not whole, or a boolean array of another length.
        """
        rows = np.asarray(rows)
        if (
            rows.ndim != 1
            or (rows.size and rows.dtype.kind not in "iub")
            or (rows.dtype == bool and len(rows) != len(self))
        ):
            raise InvalidValue(
                "These are not rows",
                given=f"{rows.dtype} {list(rows.shape)}",
                expected=f"indices, or bool [{len(self)}]",
            )
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise InvalidValue(
                "These rows are not in the set", given=f"{rows.min()} to {rows.max()}", expected=f"0 to {len(self) - 1}"
            )
        read = self.read_masks
        return ImageSet(
            name=self.name,
            split=self.split,
            size=self.size,
            images=np.asarray(self.images[rows]),
            labels=self.labels[rows],
            ids=self.ids[rows],
            class_names=self.class_names,
            groups=None if self.groups is None else self.groups[rows],
            table=self.table.iloc[rows].reset_index(drop=True),
            split_by=self.split_by,
            notes=self.notes,
            read_masks=None if read is None else lambda: read()[rows],
        )
