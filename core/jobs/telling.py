"""How far a job is: a small file that its process replaces about once a second, and that any page reads."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from core import files, runfolder
from core.errors import Cancelled, PruneScopeError
from core.jobs import places
from core.jobs.record import Job
from core.progress import Progress

_EVERY = 1.0  # seconds between two writes
_MOST_ROWS = 400  # more points than a curve shows


@dataclass(frozen=True)
class Moment:
    """What a job's process last told.

    Attributes:
        attempt: of the job; an older one's moment stays until the next tells something.
        stage: what is being done, in words for a person.
        done, total: how much of that stage, counted in ``unit``.
        unit: such as "steps".
        epochs: of training behind it, over all the networks that the job makes; fractions count.
        of: epochs in all.
        seconds_left: until the last epoch, from the speed of this attempt; None while there is too little to tell from.
        loss: mean of the epoch under way; None outside training.
        rows: one dict a finished epoch: network (the method that is trained for), epoch (over all networks of the job), loss,
            and of validation accuracy and balanced_accuracy.
    """

    attempt: int
    stage: str
    done: float
    total: float
    unit: str
    epochs: float
    of: float
    seconds_left: float | None
    loss: float | None
    rows: tuple[dict, ...]

    @property
    def fraction(self) -> float:
        """Share of the job's epochs that is done, in [0, 1]."""
        return min(1.0, self.epochs / self.of) if self.of else 1.0


def read(id: str) -> Moment | None:
    """The file of a job; None if there is none or it cannot be read: it only informs."""
    try:
        values = json.loads((places.folder(id) / places.PROGRESS).read_text(encoding="utf-8"))
        values = {item.name: values[item.name] for item in fields(Moment)}
        moment = Moment(**{**values, "rows": tuple(dict(row) for row in values["rows"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return moment if _sound(moment) else None


def _sound(moment: Moment) -> bool:
    """Whether each part is of its type, so that who draws it need not ask."""
    texts = moment.stage, moment.unit, *(row.get("network") for row in moment.rows)
    numbers = (
        moment.attempt,
        moment.done,
        moment.total,
        moment.epochs,
        moment.of,
        *(r.get("epoch") for r in moment.rows),
    )
    known = ("loss", "accuracy", "balanced_accuracy")
    perhaps = moment.seconds_left, moment.loss, *(row.get(name) for row in moment.rows for name in known)
    return (
        all(isinstance(text, str) for text in texts)
        and all(_number(value) for value in numbers)
        and all(value is None or _number(value) for value in perhaps)
    )


def _number(value) -> bool:
    # Not isfinite: a whole number of four hundred digits is none that it takes.
    return type(value) in (int, float) and -1e300 < value < 1e300


class Teller:
    """The ``report`` of a job's process: writes the file, and stops the run when its owner asks for it.

    Args:
        job: which is carried out.
        recipes: of the runs that it makes, parents first.
        images: in the training split, to tell how much of an epoch is done.
    """

    def __init__(self, job: Job, recipes: list, images: int):
        self._attempt = job.attempt
        self._path = places.folder(job.id) / places.PROGRESS
        self._flag = places.folder(job.id) / places.CANCEL
        self._recipes, self._images = recipes, images
        self._of = sum(recipe.training.epochs for recipe in recipes)
        self._written, self._phase = 0.0, None
        self._rows, self._finished = [], 0.0
        self._began: tuple[float, float] | None = None

    def __call__(self, progress: Progress) -> None:
        """Tell of ``progress``.

        Raises:
            Cancelled: the owner has asked for it.
        """
        if self._flag.exists():
            raise Cancelled("The job")
        phase = (progress.stage, progress.numbers.get("epoch"))
        if phase != self._phase and self._read():
            self._phase = phase
        epochs = min(self._of, self._finished + self._share(progress))
        now = time.monotonic()
        if self._began is None and "epoch" in progress.numbers:
            self._began = now, epochs
        if now - self._written >= _EVERY or progress.done >= progress.total:
            self._written = now
            self._write(progress, epochs, now)

    def finish(self) -> None:
        """Tell that all is done; the last epoch of a run is on its card, which nothing told of."""
        self._read()
        self._write(Progress("Finished", 1, 1), self._of, time.monotonic())

    def _read(self) -> bool:
        """Look up the finished epochs. False if that could not be done just now: news only, for which no run may fail."""
        with suppress(OSError, PruneScopeError):
            self._rows, self._finished = kept(self._recipes)
            return True
        return False

    def _share(self, progress: Progress) -> float:
        """How much of the epoch under way is done."""
        if "epoch" not in progress.numbers or not progress.done:
            return 0.0
        under_way = next((one for one in self._recipes if _state(one).exists()), self._recipes[0])
        steps = max(1, round(self._images / under_way.training.batch))
        return ((progress.done - 1) % steps + 1) / steps

    def _write(self, progress: Progress, epochs: float, now: float) -> None:
        left = None
        if self._began:
            spent, won = now - self._began[0], epochs - self._began[1]
            left = spent / won * (self._of - epochs) if won > 0 else None
        moment = Moment(
            attempt=self._attempt,
            stage=progress.stage,
            done=progress.done,
            total=progress.total,
            unit=progress.unit,
            epochs=round(epochs, 4),
            of=self._of,
            seconds_left=left,
            loss=progress.numbers.get("loss"),
            rows=tuple(thinned(self._rows)),
        )
        temporary = self._path.with_suffix(".tmp")
        try:
            # Renamed and not flushed to the disk: a reader sees whole files, and a power cut may cost a second's news.
            temporary.write_text(json.dumps(asdict(moment)), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            pass  # a full disk must not end the job for its progress bar; keeping an epoch will say so by name


def kept(recipes: list) -> tuple[list[dict], float]:
    """The finished epochs of some runs, parents first, and how many they are.

    Of a run under way they are in its state, of one that has ended on its card.
    """
    from core import checkpoints
    from core.training import rows_in

    cards = {}
    if any(not _state(recipe).exists() for recipe in recipes):
        cards = {entry.card.recipe_hash: entry.card.history for entry in checkpoints.list() if entry.card}
    found, before = [], 0.0
    for recipe in recipes:
        ended = 0.0
        rows = rows_in(_state(recipe)) or [
            {"phase": row.get("step", 1) - 1, **row}
            for row in cards.get(recipe.hash, ())
            if _number(row.get("epoch")) and _number(row.get("step", 1))
        ]
        for number, row in enumerate(rows):
            if number and row["phase"] != rows[number - 1]["phase"]:
                ended += rows[number - 1]["epoch"]
            numbers = {name: row.get(name) for name in ("loss", "accuracy", "balanced_accuracy")}
            found.append({"network": recipe.method, "epoch": round(before + ended + row["epoch"], 4), **numbers})
        before += ended + (rows[-1]["epoch"] if rows else 0.0)
    return found, before


def thinned(rows: list[dict]) -> list[dict]:
    """At most so many rows as a curve shows, evenly chosen; the last always."""
    if len(rows) <= _MOST_ROWS:
        return rows
    stride = -(-len(rows) // _MOST_ROWS)
    return [row for number, row in enumerate(rows) if (len(rows) - 1 - number) % stride == 0]


def _state(recipe) -> Path:
    return files.runs_root() / recipe.hash / runfolder.STATE
