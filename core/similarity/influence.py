"""Images that alone decide what a layer tells apart, and so what its CKA says.

CKA with a linear kernel weighs an image by how far its features lie from those of the others. Where a few images lie very far
out (seen: in the deep layers of a DenseNet169, 4 of 512 images of moles make up 98% of HSIC), a CKA is about these few, and
leaving one of them out moves it so much that no band can be given: the layer is grey. Left out together, the rest can be compared.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from torch import Tensor

from core.similarity.grams import Grams
from core.similarity.hsic import centred
from core.similarity.support import ALONE, reasons, shares

_MOST = 0.1  # of all images: where more would have to go, the rest speaks of another sample


class Influence(NamedTuple):
    """An image that decides alone.

    Attributes:
        row: which of the images.
        network: for which of the networks.
        layer: where in it its share is largest.
        share: of that layer's HSIC with itself, in [0, 1], among the images that were left when it was found.
    """

    row: int
    network: str
    layer: str
    share: float


def influential(networks: Mapping[str, Grams]) -> list[Influence]:
    """The images without which the networks' layers could be compared that the images cannot support now.

    Of each layer with a reason against it, the image that makes up most of it, and more than
    :data:`core.similarity.support.ALONE`, is taken away, from all networks; what is left is centred anew and looked at again,
    until every such layer can be compared, no image stands out, or a tenth of all images would be gone. One by one, for without the
    farthest a layer may do with the next. A layer that can be compared takes no image away, nor does a dead one.

    Args:
        networks: name -> Grams, all of the same images.

    Returns:
        By falling share; empty where all layers can be compared, as with the biased HSIC.
    """
    n = next(iter(networks.values())).n
    alive = [
        (name, place)
        for name, grams in networks.items()
        for place in range(len(grams.names))
        if grams.values[:, place].any()
    ]
    unsure = [(name, place) for name, place in alive if networks[name].reasons[place]]
    left = np.arange(n)
    found: dict[int, Influence] = {}
    while unsure:
        strongest: dict[int, Influence] = {}
        for name, place in tuple(unsure):
            matrix = _without_others(networks[name], place, left)
            if matrix is None:
                unsure.remove((name, place))
                continue
            own = shares(matrix)
            at = int(own.argmax())
            row = int(left[at])
            if own[at] > ALONE and (row not in strongest or own[at] > strongest[row].share):
                strongest[row] = Influence(row, name, networks[name].names[place], float(own[at]))
        if unsure:
            if not strongest or len(found) + len(strongest) > _MOST * n:
                break
            found |= strongest
            left = np.array([row for row in left if row not in strongest])
        else:  # another may have needed what went for these
            unsure = [
                (name, place) for name, place in alive if _without_others(networks[name], place, left) is not None
            ]
    return sorted(found.values(), key=lambda item: (-item.share, item.row))


def _without_others(grams: Grams, place: int, left: np.ndarray) -> Tensor | None:
    """A layer's matrix of the images that are left, centred anew; None where they support the layer."""
    # Centring takes away what rows and columns have in common, so that of a part of a centred matrix is that of the part itself.
    matrix = centred(grams.values[left, place][:, left].float(), debiased=grams.debiased)
    lesions = None if grams.groups is None else np.unique(grams.groups[left], return_inverse=True)[1]
    return matrix if any(reasons(matrix[:, None], lesions, debiased=grams.debiased)) else None
