"""Inspection: where in a network pruning has left its zeros, in layers, filters and single weights. Needs no image."""

from core.inspection.filters import filters, tally
from core.inspection.histogram import cutoff, histogram
from core.inspection.overlap import grouped, overlap, total
from core.inspection.spread import spread

__all__ = ["cutoff", "filters", "grouped", "histogram", "overlap", "spread", "tally", "total"]
