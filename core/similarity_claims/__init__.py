"""What the paper says of the features that pruned networks learn, put to the test on stored comparisons.

Three claims. *Layer by layer makes its own layers more alike*: the mean CKA between different layers of that network is above that
of the dense network, of the one-shot and of the iterative one. *One-shot and iterative learn similar features*: the mean CKA
of their matching layers is above that of two dense networks of different seeds, the floor: networks that share nothing but
data, architecture and training. *Both differ from layer by layer*: the two are more alike than either is to that one.

Each part is a difference of two means on the same images, with a paired 95% interval (jackknife by lesion). Verdicts follow the
rule of :mod:`core.claims`: inside the claimed region the claim holds, outside it does not, and each must stand Holm's
correction over all tests of the study. With several seeds the interval is that of their mean difference
(:func:`core.similarity.mean_difference`), and if the seeds do not all say the same, it cannot be told. The interval speaks of other images, not of other trainings: with one seed a
verdict is about these networks.

Where a few images alone decide what some layers tell apart (:func:`core.similarity.influential`), so that all images leave these
layers open, the tests are on the images without them. Which images these are follows from how sure a layer's own HSIC is, not
from any CKA.
"""

from core.similarity_claims.catalogue import CLAIMS, FLOOR, Claim, Term
from core.similarity_claims.judging import NOT_TESTED, Evidence, Finding, as_table, floor, judge, over_same, summary

__all__ = [
    "CLAIMS",
    "FLOOR",
    "NOT_TESTED",
    "Claim",
    "Evidence",
    "Finding",
    "Term",
    "as_table",
    "floor",
    "judge",
    "over_same",
    "summary",
]
