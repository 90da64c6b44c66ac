"""The paper's numbers, read from the files beside this one."""

from functools import cache
from pathlib import Path

import pandas as pd

from core.errors import DataDamaged, DataNotFound
from core.paper.units import unit_names

CITATION = (
    "T. Akhtar and D. R. Bathula, IIT Ropar: Exploring the Impact of Network Pruning Techniques on Model Efficiency "
    "and Layer Similarity in Medical Image Analysis"
)
METHODS = ("iterative", "one_shot", "layerwise")
"""The methods that the paper compares, in the order of its table."""

_FOLDER = Path(__file__).parent
_ROW = ["model", "dataset", "sparsity"]


def accuracy() -> pd.DataFrame:
    """The table of results.

    Returns:
        One row a cell: model, dataset, sparsity (in [0, 1)), method, accuracy (in [0, 1]).

    Raises:
        DataNotFound, DataDamaged: the file is not as it ships.
    """
    return _accuracy().copy()


@cache
def _accuracy() -> pd.DataFrame:
    table = _read("accuracy.csv", [*_ROW, "method", "accuracy"])
    return table.assign(accuracy=table["accuracy"] / 100)


def published(model: str, dataset: str, sparsity: float) -> dict[str, float]:
    """Accuracy by method in one row of the table, in [0, 1]; empty where the table has no such row."""
    table = _accuracy()
    row = table[
        (table["model"] == model) & (table["dataset"] == dataset) & (table["sparsity"].sub(sparsity).abs() < 1e-9)
    ]
    return dict(zip(row["method"], row["accuracy"], strict=True))


def best(model: str, dataset: str, sparsity: float) -> str | None:
    """The method with the highest accuracy in a row of the table; None where there is no such row."""
    row = published(model, dataset, sparsity)
    return max(row, key=row.get) if row else None


def worst(model: str, dataset: str, sparsity: float) -> str | None:
    """The method with the lowest accuracy in a row of the table; None where there is no such row."""
    row = published(model, dataset, sparsity)
    return min(row, key=row.get) if row else None


def usual_best() -> str:
    """The method that is best in most rows of the table."""
    return str(tally()["best"].idxmax())


def tally() -> pd.DataFrame:
    """How often each method is best and worst in the table.

    Returns:
        One row a method, by name: best, worst (numbers of rows), rows (of the table).
    """
    rows = list(_accuracy()[_ROW].drop_duplicates().itertuples(index=False))
    picks = {"best": best, "worst": worst}
    counts = {name: pd.Series([pick(*row) for row in rows]).value_counts() for name, pick in picks.items()}
    return pd.DataFrame(counts).reindex(METHODS).fillna(0).astype(int).assign(rows=len(rows))


def layerwise_progress(model: str, dataset: str) -> pd.DataFrame:
    """Accuracy after each unit of the layerwise method at 80%.

    Args:
        model, dataset: as in the table, such as ``"vgg16"`` and ``"cifar100"``.

    Returns:
        One row a unit that the paper tells of: position (1 for the first of the network), unit (as
        :func:`core.paper.unit_names` calls it), sparsity (global, by then), accuracy (in [0, 1]). No rows where it
        tells of none; of VGG16 on HAM10000 it tells of 8 of 16.

    Raises:
        DataNotFound, DataDamaged: the file is not as it ships.
    """
    table = _progress()
    rows = table[(table["model"] == model) & (table["dataset"] == dataset)].sort_values("global_sparsity_so_far")
    layers, names = _layers(model), units(model)
    positions = [layers.index(layer) for layer in rows["last_layer_pruned"]]
    return pd.DataFrame(
        {
            "position": [position + 1 for position in positions],
            "unit": [names[position] for position in positions],
            "sparsity": rows["global_sparsity_so_far"].to_numpy(),
            "accuracy": rows["accuracy"].to_numpy() / 100,
        }
    )


@cache
def _progress() -> pd.DataFrame:
    columns = ["model", "dataset", "last_layer_pruned", "global_sparsity_so_far", "accuracy"]
    return _read("layerwise_progress.csv", columns)


def units(model: str) -> list[str]:
    """What the layerwise method takes one after the other in a network of the paper, by name; [] for others."""
    return unit_names(_layers(model))


def _layers(model: str) -> list[str]:
    """All units of a network in the paper's names, in order: those of the data set that it tells most of."""
    rows = _progress()[_progress()["model"] == model].sort_values("global_sparsity_so_far")
    listings = [list(own["last_layer_pruned"]) for _, own in rows.groupby("dataset")]
    return max(listings, key=len, default=[])


def _read(name: str, columns: list[str]) -> pd.DataFrame:
    path = _FOLDER / name
    if not path.exists():
        raise DataNotFound("A file of the paper's numbers is missing", given=path, remedy="get PruneScope again")
    try:
        return pd.read_csv(path)[columns]
    except (ValueError, KeyError) as error:
        raise DataDamaged(
            f"{name} does not hold the paper's numbers", given=error, expected=", ".join(columns)
        ) from error
