"""The paper's results beside ours: its table, its curves and its bars, from the cards and stored answers of a study."""

from core.replication.curves import curves
from core.replication.explained import explained
from core.replication.layerwise import bars
from core.replication.learning import learning
from core.replication.lines import Line, lines
from core.replication.losses import losses, told_from
from core.replication.stored import MEASURES, Stored
from core.replication.table import marks, table

__all__ = [
    "MEASURES",
    "Line",
    "Stored",
    "bars",
    "curves",
    "explained",
    "learning",
    "lines",
    "losses",
    "marks",
    "table",
    "told_from",
]
