"""Who was asked: the test images of a study without their pictures. Small enough to ship, and all that most numbers need."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.data import ImageSet
from core.errors import DataDamaged, DataNotFound

_HEAD = "cohort"
_MADE_AGAIN = "make it with `python -m core respond`"


@dataclass(frozen=True)
class Cohort:
    """Labels and metadata of the images of one split, in its order.

    Attributes:
        name, split, digest: of the image set; the digest names exactly these images, order and labels.
        class_names: in label order.
        labels: int64 [N].
        ids: str [N].
        groups: str [N], lesion ids, or None.
        table: DataFrame [N] with all that is known of each image.
    """

    name: str
    split: str
    digest: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    ids: np.ndarray
    groups: np.ndarray | None
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, images: ImageSet) -> "Cohort":
        """The cohort of an image set."""
        return cls(
            images.name,
            images.split,
            images.digest,
            images.class_names,
            images.labels,
            images.ids,
            images.groups,
            images.table,
        )

    def save(self, path: Path) -> None:
        """Write it as parquet, in one step.

        Raises:
            StorageFull: no room or no permission.
        """
        import pyarrow as pa

        from core import tablefile

        frame = self.table.apply(_storable).assign(id=self.ids, label=self.labels)
        if self.groups is not None:
            frame["_group"] = self.groups
        facts = {key: getattr(self, key) for key in ("name", "split", "digest", "class_names")}
        tablefile.write(path, _HEAD, facts, pa.Table.from_pandas(frame, preserve_index=False))

    @classmethod
    def load(cls, path: Path) -> "Cohort":
        """The cohort at ``path``.

        Raises:
            DataNotFound: there is none.
            DataDamaged: not a cohort.
        """
        from core import tablefile

        if not path.exists():
            raise DataNotFound("There is no list of test images", given=path, remedy=_MADE_AGAIN)
        try:
            facts, arrow = tablefile.read(path, _HEAD)
            frame = arrow.to_pandas()
            groups = frame.pop("_group").to_numpy(str) if "_group" in frame else None
            return cls(
                facts["name"],
                facts["split"],
                facts["digest"],
                tuple(facts["class_names"]),
                frame["label"].to_numpy(np.int64),
                frame["id"].to_numpy(str),
                groups,
                frame,
            )
        except tablefile.ERRORS as error:
            raise DataDamaged(
                f"{path.name} is not a list of test images",
                given=f"{path} ({error})",
                remedy=f"delete it; {_MADE_AGAIN}",
            ) from error


def _storable(column: pd.Series) -> pd.Series:
    """A column as it is if parquet can hold it, else as text: values of one's own metadata may be of several kinds."""
    import pyarrow as pa

    try:
        pa.Array.from_pandas(column)
    except pa.ArrowException:
        return column.map(lambda value: None if pd.isna(value) else str(value)).astype(object)
    return column
