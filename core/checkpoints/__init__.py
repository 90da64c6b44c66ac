"""Checkpoints: one safetensors file each, with sparse-coded weights, their masks and a card that says where they come from.

``save`` writes one, ``load`` reads one with its digest checked, ``list`` reads the cards of all, and ``load_foreign``
takes in weights that others trained. Files are read as if a stranger had made them; no pickle of ours exists.
"""

from core.checkpoints.architecture import Architecture
from core.checkpoints.card import Card, DataInfo
from core.checkpoints.cardfile import write_card
from core.checkpoints.checkpoint import Checkpoint, export_state_dict
from core.checkpoints.fitting import Fit, explain_foreign
from core.checkpoints.foreign import load_foreign
from core.checkpoints.listing import Entry
from core.checkpoints.listing import list_entries as list
from core.checkpoints.names import path_of
from core.checkpoints.opening import MAX_BYTES
from core.checkpoints.plain import recipe_hash
from core.checkpoints.store import delete, load, save

__all__ = [
    "MAX_BYTES",
    "Architecture",
    "Card",
    "Checkpoint",
    "DataInfo",
    "Entry",
    "Fit",
    "delete",
    "explain_foreign",
    "export_state_dict",
    "list",
    "load",
    "load_foreign",
    "path_of",
    "recipe_hash",
    "save",
    "write_card",
]
