"""Where a network that was made is looked at: on the path that it is on, else beside what it is compared with."""

import pytest

from core import checkpoints, recipes, runs
from core.recipes import Recipe
from pages.components import generate_fields, loaders


def query(recipe: Recipe) -> tuple[str, dict]:
    made = runs.run(recipe)
    loaders.studies.clear()
    found = generate_fields.shown(made.id, recipe.as_dict())
    return found["page"], found["query_params"]


@pytest.mark.usefixtures("study")
def test_a_network_on_a_path_opens_there_and_any_other_beside_its_like(study):
    dense = Recipe.from_dict(checkpoints.load(f"{study}/dense").card.recipe)
    loaders.studies.clear()
    assert query(dense) == ("pages/what_if.py", {"study": study, "sparsity": "0"})
    short = {"epochs": 0.5}
    assert query(recipes.pruned(dense, "layerwise", 0.875, **short)) == (
        "pages/what_if.py",
        {"study": study, "sparsity": "88", "method": "layerwise"},
    )
    beside = ("pages/methods.py", {"study": study, "part": "curves"})
    assert query(recipes.pruned(dense, "layerwise", 0.875, criterion="random", **short)) == beside
    assert query(recipes.dense(study, seed=7, epochs=1)) == beside


def test_without_a_checkpoint_the_study_is_shown():
    found = generate_fields.shown(None, recipes.dense("phantom-32/vgg16").as_dict())
    assert found["page"] == "pages/methods.py"
    assert found["query_params"]["study"] == "phantom-32/vgg16"
