"""What the user chooses on the page about size and speed. All of it lives in the URL, under names that stay when words change."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.components import address, look

if TYPE_CHECKING:
    from core.checkpoints import Entry  # brings torch, for which no title waits

PARTS = {"now": "One network", "tradeoff": "All networks", "take": "Take it home"}
COSTS = {"bytes": "File", "flops": "Operations", "milliseconds": "Time for one image"}


def part() -> str:
    """Which part of the page is shown: a key of :data:`PARTS`."""
    return address.choose(
        st.segmented_control,
        "cost-part",
        "Part of the page",
        PARTS,
        "now",
        name="show",
        label_visibility="collapsed",
    )


def cost() -> str:
    """What balanced accuracy is held against: a key of :data:`COSTS`."""
    return address.choose(st.segmented_control, "cost-against", "Against", COSTS, "bytes", name="against")


def format(known: dict[str, str]) -> str:
    """Which kind of file; ``known`` maps its names to their titles."""
    return address.choose(st.selectbox, "format", "Format", known, next(iter(known)))


def checkpoint(entries: "list[Entry]") -> "Entry":
    """One of the study's networks."""
    known = {entry.id.rpartition("/")[2]: entry for entry in entries}
    default = next((name for name in known if name.startswith("iterative-80")), list(known)[-1])
    shown = dict(zip(known, titles(entries), strict=True))
    return known[address.choose(st.selectbox, "network", "Network", shown, default)]


def titles(entries: "list[Entry]") -> list[str]:
    """The :func:`title` of each; those that share one, such as one recipe trained on two machines, are told apart by their names."""
    plain = [title(entry) for entry in entries]
    names = [entry.id.rpartition("/")[2] for entry in entries]
    return [f"{text} ({name})" if plain.count(text) > 1 else text for text, name in zip(plain, names, strict=True)]


def title(entry: "Entry") -> str:
    """What a network is called in lists: its method, how much of it is zero, and what sets it apart from others of its study."""
    card = entry.card
    parts = [look.title(card.method)]
    if card.sparsity:
        parts.append(f"{look.sparsity(card.sparsity)} zero")
    if channels_may_die(entry):
        parts.append(f"weight decay {card.recipe['training']['decay']:g}")
    if card.seed:
        parts.append(f"seed {card.seed}")
    return ", ".join(parts)


def channels_may_die(entry: "Entry") -> bool:
    """Whether a network was trained with decay of batch norm's scales too: without, hardly any channel dies."""
    return bool(((entry.card.recipe or {}).get("training") or {}).get("norm_decay"))
