"""Claims of the paper, put to the test on stored answers: each a sentence with a verdict and the paired test behind it.

The rule. A claim states a region for a difference between two networks on the same test images: "A beats B" that it
lies above 0, "A loses no more than a point" that it lies above −1 point. With the paired 95% interval by lesion
(:mod:`core.evaluation.paired`) wholly inside the region the claim **holds**, wholly outside it **does not hold**,
otherwise it **cannot be told**. Many claims are tested at once, so each verdict must also stand Holm's correction over
all tests of the study and measure; the intervals shown are not corrected. A claim of several parts holds if all of
them do, and does not hold if one does not.

With several seeds the difference is the mean over them, each image counting with its mean change
(:mod:`core.evaluation.repeats`): the interval speaks of other lesions and of these trainings. If the seeds do not all lie
on one side of the region's edge, it cannot be told. With one seed a verdict is about these networks: another training of the
same method may end otherwise.
"""

from core.claims.catalogue import GROUPS, MARGIN, Claim, Group, Part, claims
from core.claims.judging import Evidence, Finding, as_table, judge
from core.claims.verdicts import CANNOT_TELL, FAILS, HOLDS, VERDICTS, Region, holm, p_value, verdict
from core.claims.wording import best, headline, network, percent, percents, resolution, sentence, short, summary

__all__ = [
    "CANNOT_TELL",
    "FAILS",
    "GROUPS",
    "HOLDS",
    "MARGIN",
    "VERDICTS",
    "Claim",
    "Evidence",
    "Finding",
    "Group",
    "Part",
    "Region",
    "as_table",
    "best",
    "claims",
    "headline",
    "holm",
    "judge",
    "network",
    "p_value",
    "percent",
    "percents",
    "resolution",
    "sentence",
    "short",
    "summary",
    "verdict",
]
