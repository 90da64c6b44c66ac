"""What if this network were pruned to that sparsity? Answers that come at once and get better while one waits."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import nn

from core.checkpoints import Checkpoint
from core.data import ImageSet
from core.errors import check_choice
from core.evaluation import Predictor, has_batch_norm, predict, recalibrate
from core.evaluation.predict import BATCH
from core.models import prunable, units
from core.progress import Report, silent
from core.pruning import CRITERIA, Masks, Ranking, bind
from core.pruning.fixed import Fixed, with_fixed
from core.training import calibration_rows

FIRST = 64  # images behind the first estimate
STAGES = (256, 512, 1024)  # images behind those that follow; then all


class Subject:
    """A checkpoint in memory, ready to be pruned further to any sparsity, by several users at once.

    Args:
        checkpoint: loaded and checked.
    """

    def __init__(self, checkpoint: Checkpoint):
        self.card = checkpoint.card
        self.model = checkpoint.model()
        self.masks = Masks(checkpoint.masks)
        self._rankings: dict[str, Ranking] = {}
        self._lock = threading.Lock()

    def masks_at(self, sparsity: float, criterion: str = "magnitude", fixed: Fixed | None = None) -> Masks:
        """The masks at ``sparsity``: weights that are pruned already stay so, and more go in the criterion's order.

        The first call for a criterion sorts the weights; each later one is a threshold and one pass.

        Args:
            sparsity: in [0, 1), of the whole network.
            criterion: name in :data:`core.pruning.CRITERIA`.
            fixed: units of layers (:func:`core.models.units`) set by hand, number -> percent; the others keep what they have
                at ``sparsity``, so the whole then ends above or below it.

        Raises:
            InvalidSparsity, UnknownName: no such sparsity or criterion.
            InvalidValue: no such unit.
        """
        check_choice("criterion", criterion, CRITERIA)
        with self._lock:
            if criterion not in self._rankings:
                scores = CRITERIA[criterion](prunable(self.model), seed=self.card.seed or 0)
                self._rankings[criterion] = Ranking(scores, keep=self.masks)
            ranking = self._rankings[criterion]
        masks = ranking.masks(sparsity)
        if not fixed:
            return masks
        return with_fixed(
            masks,
            prunable(self.model),
            units(self.model),
            fixed,
            kept=self.masks,
            criterion=criterion,
            seed=self.card.seed or 0,
        )

    def at(self, sparsity: float, criterion: str = "magnitude", fixed: Fixed | None = None) -> nn.Module:
        """A private copy pruned to ``sparsity``; see :meth:`masks_at`."""
        return bind(self.model, self.masks_at(sparsity, criterion, fixed))


@dataclass(frozen=True)
class Estimate:
    """What is known so far about one position of the slider.

    Attributes:
        rows: int64 [n], which test images were asked; a simple random sample until all are in.
        dense, pruned: float32 [n, classes], their probabilities from both networks.
        recalibrated_on: training images behind the batch-norm statistics; 0 if they are as the checkpoint has them.
        final: nothing more will come.
        short: only the likeliest and the true class's probabilities are known, the rest is spread evenly: enough for
            every metric but the macro AUC.
    """

    rows: np.ndarray
    dense: np.ndarray
    pruned: np.ndarray
    recalibrated_on: int
    final: bool
    short: bool = False

    @property
    def n(self) -> int:
        """Number of test images behind it."""
        return len(self.rows)


class Bench:
    """The images that a study's networks are compared on, and the dense network's answers to them.

    Args:
        dense: the dense network.
        test: images to compare on.
        train: where images for batch-norm recalibration are drawn from, as training drew them.
        device: as for :func:`core.device.pick`.
    """

    def __init__(self, dense: Subject, test: ImageSet, train: ImageSet, *, device=None):
        self.dense, self.test, self.device = dense, test, device
        # One order for all: every first n images are the same simple random sample for both networks.
        self.order = np.random.default_rng(0).permutation(len(test))
        self.pictures = np.asarray(test.images)[self.order]
        self.calibration = np.asarray(train.images)[calibration_rows(train.labels, dense.card.recipe)]
        self._answers: dict[int, list[np.ndarray]] = {}
        self._predictors: dict[int, Predictor] = {}
        self._lock = threading.RLock()

    def dense_answers(self, count: int, recalibrated_on: int, report: Report = silent) -> np.ndarray:
        """The dense network's probabilities for the first ``count`` images of the order; each is computed once.

        Args:
            count: how many.
            recalibrated_on: re-estimate its batch norm on so many training images, just as a pruned network's is, for a
                fair comparison; 0 for the network as it is.
            report: told of progress; may raise Cancelled.

        Returns:
            float32 [count, classes].
        """
        with self._lock:
            if recalibrated_on not in self._predictors:
                self._predictors[recalibrated_on] = self._predictor(self.dense.model, recalibrated_on, report)
            known = self._answers.setdefault(recalibrated_on, [])
            # Kept piece by piece: who moves on half way leaves what was done to whoever comes next.
            while (done := sum(map(len, known))) < count:
                piece = self.pictures[done : done + BATCH]
                known.append(predict(self._predictors[recalibrated_on], piece, report=report))
            return np.concatenate(known)[:count]

    def refine(
        self,
        subject: Subject,
        sparsity: float,
        *,
        criterion: str = "magnitude",
        fixed: Fixed | None = None,
        recalibrated: bool = True,
        report: Report = silent,
    ) -> Iterator[Estimate]:
        """Estimates of one position, better and better: first from 64 images, in the end from all.

        Stop asking and the work stops. The first estimate of a recalibrated network uses statistics from 64 training
        images, all later ones from about a thousand.

        Args:
            subject: the checkpoint to prune further.
            sparsity: where to; the checkpoint's own for the checkpoint as it is.
            criterion: which weights go first.
            fixed: units set by hand, as for :meth:`Subject.masks_at`.
            recalibrated: re-estimate batch norm after pruning.
            report: told of progress; may raise Cancelled.

        Yields:
            :class:`Estimate`, with n of 64, 256, 512, 1,024 and all test images.
        """
        pruned = subject.at(sparsity, criterion, fixed)
        stages = [*(stage for stage in (FIRST, *STAGES) if stage < len(self.pictures)), len(self.pictures)]
        full = self.recalibrates if recalibrated else 0
        if full > FIRST:
            answers = predict(self._predictor(pruned, FIRST), self.pictures[: stages[0]])
            yield self._estimate(answers, FIRST, False, report)
            stages = stages[1:] or stages
        predictor = self._predictor(pruned, full, report)
        answers = np.empty((0, 0), np.float32)
        for count in stages:
            more = predict(predictor, self.pictures[len(answers) : count], report=report)
            answers = np.concatenate([answers, more]) if len(answers) else more
            yield self._estimate(answers, full, count == len(self.pictures), report)

    @property
    def recalibrates(self) -> int:
        """How many training images batch norm is re-estimated on; 0 where the network has none."""
        return len(self.calibration) if has_batch_norm(self.dense.model) else 0

    def answers(
        self, subject: Subject, sparsity: float, recalibrated: bool, report: Report = silent, *, rows=None
    ) -> np.ndarray:
        """Final probabilities of ``subject`` pruned to ``sparsity``, in the order of the test images.

        Args:
            subject, sparsity: as for :meth:`refine`.
            recalibrated: with batch norm re-estimated.
            report: told of progress; may raise Cancelled.
            rows: int [N], which test images are asked; all if None.

        Returns:
            float32 [N, classes].
        """
        predictor = self._predictor(subject.at(sparsity), self.recalibrates if recalibrated else 0, report)
        return predict(predictor, self.test if rows is None else np.asarray(self.test.images)[rows], report=report)

    def _predictor(self, model: nn.Module, recalibrated_on: int, report: Report = silent) -> Predictor:
        if recalibrated_on:
            model = recalibrate(model, self.calibration[:recalibrated_on], device=self.device, report=report)
        return Predictor(model, device=self.device)

    def _estimate(self, answers: np.ndarray, on: int, final: bool, report: Report) -> Estimate:
        dense = self.dense_answers(len(answers), on, report)
        return Estimate(self.order[: len(answers)], dense, answers, on, final)
