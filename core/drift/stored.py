"""Measures of maps that are stored beside a study's checkpoints, so that no image is needed to look at them.

One file a study, ``maps.parquet``: a line for each image, network, sparsity and attribution method. A line counts only as
long as the dense network and its own checkpoint have the digests that it was made from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from core.checkpoints import Entry
from core.errors import DataDamaged

FILE = "maps.parquet"
_HEAD, _VERSION = "drift", 1
KEYS = ("network", "percent", "recalibrated", "method")
MEASURES = ("rank", "overlap", "inside", "area", "hit", "precision", "likeness")
_COLUMNS = (*KEYS, "row", "class", "lesion", *MEASURES)


@dataclass
class Drift:
    """What is known of how the maps of a study's networks drift.

    Attributes:
        cohort: digest of the test images that the sample was drawn from.
        digests: id of each network -> digest of its card.
        dense: id of the dense network, whose answer is the target of every map.
        options: attribution method -> its options.
        frame: one row for each image, network, percent and method: the columns of :data:`KEYS`; row (of the test images), class
            (index), lesion (text); rank (rank correlation with the dense map), overlap (of the top 10%), inside (share of the
            map inside the lesion), area (share of the image that is lesion), hit (pointing game) and precision (average
            precision) against the phantoms' signs, likeness (rank correlation with the map of a network whose upper half is
            random). NaN where it is not defined or was not asked.
    """

    cohort: str
    dense: str
    digests: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict] = field(default_factory=dict)
    frame: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_COLUMNS)))

    def known(self) -> set[tuple]:
        """Which (network, percent, recalibrated, method) are known."""
        return set(self.frame[list(KEYS)].drop_duplicates().itertuples(index=False, name=None))

    def add(self, key: tuple, digests: Mapping[str, str], options: Mapping, columns: Mapping[str, np.ndarray]) -> None:
        """Keep the measures of one key.

        Args:
            key: as in :meth:`known`.
            digests: id -> digest of the cards of this network and the dense one.
            options: of the method.
            columns: the other columns, [n] each; what is missing is NaN.
        """
        self.digests |= digests
        self.options[key[3]] = dict(options)
        values = {name: columns.get(name, np.nan) for name in ("row", "class", "lesion", *MEASURES)}
        new = pd.DataFrame({**dict(zip(KEYS, key, strict=True)), **values})
        self.frame = new if self.frame.empty else pd.concat([self.frame, new], ignore_index=True)

    def methods(self) -> list[str]:
        """The attribution methods that anything is known of."""
        return list(dict.fromkeys(self.frame["method"]))


def path_of(dense: Entry) -> Path:
    """Where the measures of a study lie: beside its checkpoints."""
    return dense.path.with_name(FILE)


def read(dense: Entry, entries: Iterable[Entry]) -> Drift | None:
    """What is stored and still of ``entries`` as they are now; None if there is nothing.

    Args:
        dense: the study's dense network.
        entries: of its paths.

    Raises:
        DataDamaged: the file is not what :func:`write` makes.
    """
    from core import tablefile

    path = path_of(dense)
    if not path.exists():
        return None
    try:
        facts, arrow = tablefile.read(path, _HEAD)
        if facts["version"] != _VERSION:
            return None
        frame = arrow.to_pandas()[list(_COLUMNS)].astype(dict.fromkeys(MEASURES, np.float64))
        drift = Drift(facts["cohort"], facts["dense"], dict(facts["digests"]), dict(facts["options"]), frame)
    except tablefile.ERRORS as error:
        raise DataDamaged(
            f"{path.name} holds no measures of maps",
            given=str(error)[:200],
            remedy="delete it and make it again with `python -m core attribution STUDY`",
        ) from error
    now = {entry.id: entry.card.digest for entry in entries}
    if drift.dense != dense.id or drift.digests.get(dense.id) != now.get(dense.id):
        return None
    valid = {id for id, digest in drift.digests.items() if now.get(id) == digest}
    drift.frame = drift.frame[drift.frame["network"].isin(valid)].reset_index(drop=True)
    return drift


def write(dense: Entry, drift: Drift) -> None:
    """Write it in one step.

    Raises:
        StorageFull: no room or no permission.
    """
    import pyarrow as pa

    from core import tablefile

    # Three digits are more than the intervals tell apart, and a third of the size.
    small = drift.frame.astype(dict.fromkeys(MEASURES, np.float32) | {"row": np.int32, "class": np.int16})
    small[list(MEASURES)] = small[list(MEASURES)].round(3)
    facts = {"version": _VERSION} | {name: getattr(drift, name) for name in ("cohort", "dense", "digests", "options")}
    table = pa.Table.from_pandas(small, preserve_index=False)
    tablefile.write(path_of(dense), _HEAD, facts, table, compression_level=15)
