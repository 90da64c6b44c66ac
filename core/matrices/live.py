"""Comparisons that are not stored, computed now: other layers, other numbers of images, other steps of the slider."""

import threading
from collections import OrderedDict
from collections.abc import Collection

from core.errors import InvalidValue
from core.matrices.making import network
from core.matrices.positions import ALL, TYPICAL, Position, samples
from core.progress import Report, silent
from core.similarity import CKAMatrix, Grams, cka_matrix, grams
from core.whatif import Bench, Subject

_KEPT = 512 << 20  # bytes of Gram matrices at hand
_ONE = 128 << 20  # bytes of one network's: above this, keeping it would push out all others


def seconds(layers: int, n: int, size: int, networks: int) -> float:
    """About how long a comparison takes on two free cores without an accelerator: a hint for people, by what was measured once.

    For 512 images of 64 pixels two VGG16 took 12 and 17 s of one core at 14 and 46 layers, two DenseNet169 4 and 18 s at 43 and
    510: most of it is for the few early layers, whose features are many. A quarter of the images took a fifth of that.

    Args:
        layers: of each network.
        n: images.
        size: their height and width in pixels.
        networks: how many different ones are compared.
    """
    return (6 + 0.02 * layers) * (n / 512) ** 1.1 * (size / 64) ** 2 * networks / 2


class Live:
    """Compares networks of one study on one sample of its test images at one level of detail, for several users at once.

    What one network makes of the images is kept for a while: a slider compares with the dense network over and over.

    Args:
        bench: images of the study.
        sample: a name that :func:`core.matrices.samples` gives for it.
        n: at most so many images.
        layers: a level of detail, see :func:`core.similarity.layer_names`.
        without: rows of the study's test images that are left out of the sample, see :func:`core.matrices.samples`.
        device: as for :func:`core.device.pick`.

    Raises:
        InvalidValue: the study has no such sample.
    """

    def __init__(self, bench: Bench, sample: str, n: int, layers: str, *, without: Collection[int] = (), device=None):
        rows = samples(bench.test, n, {ALL if sample == TYPICAL else sample: without})
        if sample not in rows:
            raise InvalidValue(
                "There are no such images in this study", given=f"sample {sample!r}", expected=", ".join(rows)
            )
        self.images = bench.test.take(rows[sample])
        self.calibration, self.layers, self.device = bench.calibration, layers, device
        self._kept: OrderedDict[tuple[str, Position], Grams] = OrderedDict()
        self._lock = threading.Lock()

    def matrix(
        self, first: tuple[Subject, Position], second: tuple[Subject, Position], report: Report = silent
    ) -> CKAMatrix:
        """The layers of one network against those of another.

        Args:
            first, second: a checkpoint in memory, and where on the slider.
            report: told after each layer; may raise Cancelled.

        Raises:
            InvalidValue: as :func:`core.similarity.grams`.
        """
        left = self._grams(*first, report)
        return cka_matrix(left, left if first[1] == second[1] else self._grams(*second, report))

    def _grams(self, subject: Subject, place: Position, report: Report) -> Grams:
        key = (subject.card.digest, place)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        # Two users may compute the same at once: that costs time, where holding the lock would make others wait.
        model = network(subject, place, self.calibration, device=self.device, report=report)
        found = grams(model, self.images, layers=self.layers, device=self.device, report=report)
        if found.nbytes <= _ONE:
            with self._lock:
                self._kept[key] = found
                while sum(own.nbytes for own in self._kept.values()) > _KEPT:
                    self._kept.popitem(last=False)
        return found
