"""Dense networks that a new run can start from, and data sets that a study can be made of."""

import streamlit as st

from core.errors import PruneScopeError
from pages.components import loaders


def known(study: str) -> dict:
    """Recipe hash -> (words, recipe) of the study's dense networks whose weights and recipe are here, and of those that were brought
    for the study's images."""
    from core import brought, recipes
    from core.recipes import DENSE, Recipe, dense

    found = {}
    for entry in loaders.entries():
        card = entry.card
        if card is None or not entry.weights or card.method != DENSE:
            continue
        if brought.is_brought(card):
            if trained_on(card) == study:
                recipe = recipes.brought(card)
                found[recipe.hash] = (f"{card.study}: weights that were brought", recipe)
            continue
        if card.study != study:
            continue
        try:
            recipe = Recipe.from_dict(card.recipe)
        except PruneScopeError:
            continue  # an older version's or somebody else's: a run needs the recipe of its parent
        if recipe.hash != card.recipe_hash:
            continue
        words = f"{entry.id.rsplit('/', 1)[-1]}: {card.epochs:g} epochs, seed {card.seed}"
        words += ", row split (leaks)" if card.data.split_by == "row" else ""
        found[recipe.hash] = (words, recipe)
    # The study's own recipe before variants of it.
    usual = dense(study).hash
    return dict(sorted(found.items(), key=lambda item: item[0] != usual))


def trained_on(card) -> str:
    """The study of the images that brought weights are for: its name is what the form asks for."""
    return f"{card.data.name}-{card.data.size}/{card.architecture.name}"


def link(card) -> dict:
    """The address of the form, filled in to prune the brought weights of ``card``."""
    from core.recipes import brought

    network = {"new-network": card.architecture.name, "new-make": "iterative", "new-parent": brought(card).hash}
    return {"new-data": card.data.name, "new-size": str(card.data.size), **network}


def wanted() -> dict:
    """Name -> (title, default size, whether it is here) of data sets that brought weights are for, as :func:`data_sets`."""
    from core import brought

    cards = [entry.card for entry in loaders.cards() if brought.is_brought(entry.card)]
    return {card.data.name: (card.data.name, card.data.size, False) for card in cards}


@st.cache_data(ttl=20, show_spinner="Looking for images…")
def data_sets(root: str) -> dict:
    """Name -> (title, default size, whether it is here): those known by name, then folders and zips in the data root."""
    from pathlib import Path

    from core.data import DATASETS, folder, summary

    found = {}
    for name in ("phantom", *(name for name in DATASETS if name != "phantom")):
        about = summary(name)
        # Of a set that is not here nothing is known but its name.
        found[name] = (about["title"], about["size"] or (32 if name == "cifar100" else 64), about["present"])
    for name, places in list(folder.named(Path(root)).items())[:50]:
        if name not in found and len(places) == 1:
            about = summary(places[0])
            if about["present"]:
                found[name] = (about["title"], about["size"], True)
    return found
