"""The paper's claims about features: which mean CKA must lie above which."""

from dataclasses import dataclass

from core.words import METHOD_TITLES


@dataclass(frozen=True)
class Term:
    """A mean CKA: between different layers of one network, or between matching layers of two.

    Attributes:
        first, second: ``"dense"`` or methods; equal for a network with itself. :data:`FLOOR` for two dense networks.
    """

    first: str
    second: str

    @property
    def words(self) -> str:
        """Within a sentence."""
        if self == FLOOR:
            return "two dense networks of different seeds"
        names = [METHOD_TITLES.get(name, name).lower() for name in (self.first, self.second)]
        return f"{names[0]} with itself" if self.first == self.second else " and ".join(names)


FLOOR = Term("dense", "another seed")


@dataclass(frozen=True)
class Claim:
    """Something that can be true or false of a study.

    Attributes:
        name: short, for addresses and tables.
        sentence: what the paper says.
        test: what is compared here, in words.
        parts: pairs of terms; of each the first must be the larger.
    """

    name: str
    sentence: str
    test: str
    parts: tuple[tuple[Term, Term], ...]


CLAIMS = (
    Claim(
        "redundant",
        "Pruning layer by layer makes the layers of a network more alike.",
        "Mean CKA between different layers of a network: is it higher layer by layer than in each of the others?",
        tuple((Term("layerwise", "layerwise"), Term(other, other)) for other in ("dense", "one_shot", "iterative")),
    ),
    Claim(
        "similar",
        "One-shot and iterative pruning learn similar features.",
        "Mean CKA of matching layers: are the two more alike than two dense networks of different seeds? Both come from one dense network, so little is asked of them: what they share may be its.",
        ((Term("one_shot", "iterative"), FLOOR),),
    ),
    Claim(
        "apart",
        "Both learn other features than pruning layer by layer.",
        "Mean CKA of matching layers: are one-shot and iterative more alike than either is to layer by layer?",
        tuple((Term("one_shot", "iterative"), Term(other, "layerwise")) for other in ("one_shot", "iterative")),
    ),
)
