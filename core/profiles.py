"""Profiles: which networks `python -m core reproduce` makes for a study, in which order, and for how many epochs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from core import recipes
from core.errors import InvalidValue, check_choice
from core.recipes import Recipe
from core.studies import Study

METHODS = ("iterative", "one_shot", "layerwise")
SPARSITIES = (0.8, 0.9, 0.5, 0.95)
"""In the order in which they are made: the paper's main question first."""


@dataclass(frozen=True)
class Budget:
    """What a study may cost.

    Attributes:
        dense: epochs of the dense network.
        fine: epochs of fine-tuning of every pruned network and of the control that is only trained on.
        changes: settings of dense training that differ from the study's own.
    """

    dense: float
    fine: float
    changes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """A set of runs.

    Attributes:
        name: as the command line knows it.
        about: what it is for, in a sentence.
        budgets: study -> what it may cost; the studies in the order in which they are made.
        seeds: how many seeds; those after the first repeat the dense network and the methods at 80%.
        equal: whether all methods and controls spend the same epochs. If not, they spend as unequally as in the paper.
    """

    name: str
    about: str
    budgets: Mapping[str, Budget]
    seeds: int = 1
    equal: bool = True

    def recipes(self, study: str) -> list[Recipe]:
        """The runs of ``study``, the most telling first; parents always before their children.

        Raises:
            InvalidValue, UnknownName: this profile has no such study.
        """
        Study.parse(study)
        check_choice(f"study of the profile {self.name}", study, self.budgets)
        budget = self.budgets[study]
        if not self.equal:
            return _as_in_the_paper(study, budget)
        found = []
        for seed in range(self.seeds):
            dense = recipes.dense(study, seed=seed, epochs=budget.dense, **budget.changes)
            found += _equal(dense, budget.fine, seed, SPARSITIES if seed == 0 else SPARSITIES[:1])
        return found + _variants(study, budget, self.seeds)


def _equal(dense: Recipe, epochs: float, seed: int, sparsities) -> list[Recipe]:
    """Every method and control with the same epochs: at the first sparsity all, then the methods, then the lot."""
    given = {"seed": seed, "epochs": epochs}
    first, *others = sparsities
    pruned = [recipes.pruned(dense, method, first, **given) for method in METHODS]
    controls = [recipes.pruned(dense, recipes.DENSE, 0.0, **given)]
    controls += [recipes.pruned(dense, "one_shot", first, criterion="random", **given)]
    more = [recipes.pruned(dense, method, sparsity, **given) for sparsity in others for method in METHODS]
    lot = [recipes.pruned(dense, "one_shot", sparsity, criterion="random", **given) for sparsity in others]
    return [dense, *pruned, *controls, *more, *lot]


def _variants(study: str, budget: Budget, seeds: int) -> list[Recipe]:
    """For VGG16 on skin lesions: another seed, if there is none yet, and a network whose channels die, pruned to 80% at once."""
    if study != "ham10000-64/vgg16":
        return []
    again = [recipes.dense(study, seed=1, epochs=budget.dense, **budget.changes)] if seeds == 1 else []
    strong = {"decay": STRONG_DECAY, "norm_decay": STRONG_NORM_DECAY}
    other = recipes.dense(study, epochs=budget.dense, **{**budget.changes, **strong})
    return [*again, other, recipes.pruned(other, "one_shot", 0.8, epochs=budget.fine)]


STRONG_DECAY, STRONG_NORM_DECAY = 0.01, 0.04
"""Of weights and of batch norm's scales: with these, channels die while VGG16 learns, and 80% of the smallest weights take them out.

A scale shrinks by the sum over steps of learning rate / (1 − momentum) × decay, here about e⁻²⁶, unless the loss holds it up; then its
weights, no longer held up either, need about e⁻⁶ to fall below those that count. Tried on validation images: 0.005 on the weights alone
killed nothing (batch norm scales a weak channel up again); 0.005 and 0.05 killed scales, but the weights behind them outlived 80%
(effective sparsity 0.1%); 0.01 on both was too weak (2% by epoch 14), 0.06 on both kept the network from learning.
"""


def _as_in_the_paper(study: str, budget: Budget) -> list[Recipe]:
    """The row split, and for one epoch of one-shot one for every ten points of iterative and 1.5 for every layer."""
    dense = recipes.dense(study, epochs=budget.dense, split_by="row", **budget.changes)
    layers = _layers(Study.parse(study).architecture)
    found = [dense]
    for sparsity in (0.8, 0.5):
        epochs = {
            "iterative": round(sparsity * 10) * budget.fine,
            "one_shot": budget.fine,
            "layerwise": 1.5 * layers * budget.fine,
        }
        found += [recipes.pruned(dense, method, sparsity, epochs=epochs[method]) for method in METHODS]
    return found


@cache
def _layers(architecture: str) -> int:
    """How many units layerwise pruning takes one after the other."""
    from core.models import build, units

    return len(units(build(architecture, 2)))


_HAM = {"ham10000-64/vgg16": Budget(dense=24, fine=8), "ham10000-64/densenet169": Budget(dense=30, fine=6)}
_PHANTOM = Budget(dense=24, fine=4, changes={"balance": 0.25})
_CPU = {
    **_HAM,
    "phantom-64/densenet169": _PHANTOM,
    "cifar100-32/vgg16": Budget(dense=12, fine=2),
    "cifar100-32/densenet169": Budget(dense=12, fine=2, changes={"batch": 128, "rate": 0.1}),
}
_GPU = {
    # The same recipes as on two cores, so that what those made is taken up and repeated with other seeds.
    **_HAM,
    "ham10000-128/vgg16": Budget(dense=24, fine=8),
    "ham10000-128/densenet169": Budget(dense=30, fine=6),
    "cifar100-32/vgg16": Budget(dense=40, fine=5, changes={"batch": 128, "rate": 0.1}),
    # Twice the batch and the rate: an H100 learns half as many images again a second in batches of 256 as in those of 128.
    "cifar100-32/densenet169": Budget(dense=30, fine=4, changes={"batch": 256, "rate": 0.2, "stem": "small"}),
    "phantom-64/densenet169": _PHANTOM,
}
_PAPER = {
    "ham10000-64/vgg16": Budget(dense=24, fine=2),
    "ham10000-64/densenet169": Budget(dense=30, fine=2),
}

DEFAULT = "cpu"
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("cpu", "Every study at a size that two cores can train, one seed.", _CPU),
        Profile("gpu", "CIFAR-100 trained to the end, HAM10000 at 128 pixels besides 64, three seeds.", _GPU, seeds=3),
        Profile("paper", "HAM10000 split by row, with budgets as unequal as the paper's.", _PAPER, equal=False),
    )
}


def profile(name: str) -> Profile:
    """The profile called ``name``.

    Raises:
        UnknownName: there is none; near names are suggested.
    """
    return PROFILES[check_choice("profile", name, PROFILES)]


def choose(profile: Profile, studies) -> list[str]:
    """The studies asked for, all of the profile's if none is.

    Raises:
        UnknownName, InvalidValue: one of them is not in the profile.
    """
    if isinstance(studies, str):
        raise InvalidValue("Studies come as a list", given=repr(studies), expected=f"[{studies!r}]")
    return [check_choice(f"study of the profile {profile.name}", study, profile.budgets) for study in studies] or list(
        profile.budgets
    )


def command(study: str, recipe_hash: str = "") -> str:
    """The command that makes what is missing of a study: of the profile that made the dense network which is here. Of a study
    that no profile asks for, as those of one's own images and weights, the one that prunes, with METHOD to be filled in.

    Args:
        study: its name.
        recipe_hash: of that network; by default, and where no profile asks for it, the default profile is named.
    """
    for name, known in PROFILES.items():
        if study in known.budgets and any(recipe.hash == recipe_hash for recipe in known.recipes(study)):
            return f"python -m core reproduce {study}" + (f" --profile {name}" if name != DEFAULT else "")
    if not any(study in known.budgets for known in PROFILES.values()):
        return f"python -m core prune {study} METHOD 0.8"
    return f"python -m core reproduce {study}"
