"""Dense networks that a new run can start from, and data sets that a study can be made of."""

import streamlit as st

from core.errors import PruneScopeError
from pages.components import loaders


def known(study: str) -> dict:
    """Recipe hash -> (words, recipe) of the study's dense networks whose weights and recipe are here."""
    from core.recipes import DENSE, Recipe, dense

    found = {}
    for entry in loaders.entries():
        card = entry.card
        if card is None or not entry.weights or card.study != study or card.method != DENSE:
            continue
        try:
            recipe = Recipe.from_dict(card.recipe)
        except PruneScopeError:
            continue  # of somebody else's making: a run needs the recipe of its parent
        if recipe.hash != card.recipe_hash:
            continue
        words = f"{entry.id.rsplit('/', 1)[-1]}: {card.epochs:g} epochs, seed {card.seed}"
        words += ", row split (leaks)" if card.data.split_by == "row" else ""
        found[recipe.hash] = (words, recipe)
    # The study's own recipe before variants of it.
    usual = dense(study).hash
    return dict(sorted(found.items(), key=lambda item: item[0] != usual))


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
