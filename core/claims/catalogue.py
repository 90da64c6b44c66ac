"""The claims: what the paper says (and what its method takes for granted), as differences that can be tested."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core import paper
from core.claims.verdicts import Region
from core.paths import BY_LOT
from core.replication.lines import TRAINED_ON
from core.studies import Study
from core.words import METHOD_TITLES

MARGIN = 0.01
"""How much worse still counts as no worse: one point, as this project's targets have it."""

BETTER, NO_WORSE = Region(low=0.0), Region(low=-MARGIN)


@dataclass(frozen=True)
class Group:
    """Claims of one kind.

    Attributes:
        name: its key in GROUPS.
        question: what a reader asks.
        claim: what is claimed, and by whom.
    """

    name: str
    question: str
    claim: Callable[[], str]


def _in_the_table(method: str, column: str, text: str) -> str:
    counts = paper.tally().loc[method]
    return f"The paper: {text}, in {counts[column]} of {counts['rows']} rows of its table."


GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        Group(
            "best",
            "Is one way of pruning the best?",
            lambda: _in_the_table("iterative", "best", "pruning in steps (iterative) ends best"),
        ),
        Group(
            "worst",
            "Is pruning layer by layer the worst?",
            lambda: _in_the_table("layerwise", "worst", "pruning layer by layer ends worst"),
        ),
        Group(
            "cost",
            "Does pruning cost anything?",
            lambda: (
                "The paper gives no accuracy of an unpruned network to compare with. Tested here: a pruned network "
                "loses no more than one point against the dense network that it came from."
            ),
        ),
        Group(
            "learning",
            "Does a pruned network learn as well as an unpruned one?",
            lambda: (
                "The paper, of VGG16: the pruned network trains at least as well. Tested here: after equally long "
                "training it is no more than one point behind the dense network trained on."
            ),
        ),
        Group(
            "criterion",
            "Does it matter which weights go?",
            lambda: "Taken for granted by the paper: removing the smallest weights beats removing weights at random.",
        ),
    )
}


@dataclass(frozen=True)
class Part:
    """One difference that a claim speaks of: ``first`` less ``second``, both as cards call their methods."""

    first: str
    second: str
    region: Region


@dataclass(frozen=True)
class Claim:
    """Something that can be true or false of a study.

    Attributes:
        group: a key of :data:`GROUPS`.
        study: its name.
        sparsity: of the pruned networks.
        subject: the method that it speaks of, as cards call it.
        parts: all must hold.
        published: accuracy by method as the paper has it, in [0, 1]; empty where it has none for this.
    """

    group: str
    study: str
    sparsity: float
    subject: str
    parts: tuple[Part, ...]
    published: dict[str, float]

    @property
    def supported(self) -> bool | None:
        """Whether the paper's own numbers say so; None where it gives none, or none that this could be read from."""
        if not self.published or self.group not in ("best", "worst"):
            return None
        return all(self.published[part.first] > self.published[part.second] for part in self.parts)


def claims(study: str, sparsities: Iterable[float]) -> list[Claim]:
    """The claims about a study, by group and then by sparsity.

    Args:
        study: its name.
        sparsities: those that were trained. The paper's are added where its table has this study.

    Raises:
        InvalidValue, UnknownName: no study can have this name.
    """
    named = Study.parse(study)
    table = paper.accuracy()
    own = table[(table["model"] == named.architecture) & (table["dataset"] == named.data)]
    every = sorted({*sparsities, *own["sparsity"]})
    return [claim for group in GROUPS for sparsity in every for claim in _of(group, named, sparsity)]


def _of(group: str, study: Study, sparsity: float) -> list[Claim]:
    published = paper.published(study.architecture, study.data, sparsity)
    methods = list(METHOD_TITLES)
    if group == "best":
        # The paper's winner of just this row; where it has none, the one that wins most of its rows.
        winner = paper.best(study.architecture, study.data, sparsity) or paper.usual_best()
        found = {winner: [Part(winner, other, BETTER) for other in methods if other != winner]}
    elif group == "worst":
        found = {"layerwise": [Part(other, "layerwise", BETTER) for other in methods if other != "layerwise"]}
    elif group == "criterion":
        found = {"one_shot": [Part("one_shot", f"one_shot{BY_LOT}", BETTER)]}
    else:
        other = "dense" if group == "cost" else TRAINED_ON
        found = {method: [Part(method, other, NO_WORSE)] for method in methods}
    return [
        Claim(group, study.name, sparsity, subject, tuple(parts), published if group in ("best", "worst") else {})
        for subject, parts in found.items()
    ]
