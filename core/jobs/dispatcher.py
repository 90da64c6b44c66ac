"""The process that starts the jobs of one device, one after the other: ``python -m core.jobs serve DEVICE``.

It is light (no torch), survives the app that started it, watches the process of each job, ends one that does not answer to
Cancel, and goes when nothing waits. Any number may be started: the first takes a lock, the others go at once.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from filelock import Timeout

from core import files
from core.errors import JobDamaged, JobNotFound, StorageFull
from core.jobs import places
from core.jobs.access import read_only
from core.jobs.board import board, current
from core.jobs.record import CANCELLED, FAILED, INTERRUPTED, QUEUED, RUNNING, Job, changed

GRACE = 15.0
"""Seconds that a process has to answer to Cancel before it is ended; it answers after ten steps of training."""
_KILL = 5.0  # seconds more before it is ended for good
_LOOK = 0.2
_FULL = 10.0  # seconds before a full disk is tried again
_AGAIN = 10.0  # seconds before a second dispatcher is started that may only be slow to begin
NO_ROOM = 75
"""Exit code of a worker that could not write down that it begins: its job waits on (EX_TEMPFAIL of sysexits.h)."""
WORKER = (sys.executable, "-m", "core.jobs", "work")
_started: dict[str, tuple[float, subprocess.Popen]] = {}


def advance() -> None:
    """See to it that what waits is begun: start a dispatcher for each device where jobs wait and none is at work.

    Called by submit, resume and every look at the page, so that a queue whose dispatcher was killed goes on.

    Raises:
        StorageFull: jobs wait because the folder of runs takes no file; they begin by themselves when it does.
    """
    if read_only():
        return
    there = board()
    busy = {job.device for job in there.jobs if job.state == RUNNING}
    for device in sorted({job.device for job in there.jobs if job.state == QUEUED}):
        with places.alone():
            served = places.held(places.dispatcher_lock(device))
        if device not in busy:  # else the job that runs will say it
            files.check_takes_files(places.root())
        if not served:
            _start(device)


def _start(device: str) -> None:
    """Start a dispatcher in a session of its own, so that it outlives this process and the terminal's Ctrl-C."""
    when, process = _started.get(device, (None, None))
    if process is not None and process.poll() is None and time.monotonic() - when < _AGAIN:
        return
    # Relative folders mean other places there: it works in the project's own.
    roots = {
        "PRUNESCOPE_DATA": files.data_root(),
        "PRUNESCOPE_CACHE": files.cache_root(),
        "PRUNESCOPE_CHECKPOINTS": files.checkpoint_root(),
        "PRUNESCOPE_RUNS": files.runs_root(),
    }
    environment = os.environ | {name: str(path.absolute()) for name, path in roots.items()}
    note = places.root() / "dispatcher.log"
    with files.storage_errors(note), note.open("ab") as log:
        _started[device] = (
            time.monotonic(),
            subprocess.Popen(
                [sys.executable, "-m", "core.jobs", "serve", device],
                cwd=files.PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ),
        )


def serve(device: str, worker: Sequence[str] = WORKER, *, grace: float = GRACE) -> None:
    """Carry out the jobs of ``device`` until none waits; return at once if another process does so.

    Args:
        device: as jobs name it.
        worker: the command that carries out a job, called with its id and the device.
        grace: seconds that it has to answer to Cancel.
    """
    while board().next(device):
        lock = places.dispatcher_lock(device)
        with places.alone():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return
        try:
            while job := board().next(device):
                try:
                    files.check_takes_files(places.root())
                    _carry_out(job, worker, grace)
                except StorageFull:  # whoever looks at the queue is told by advance; this process has nowhere to say it
                    time.sleep(_FULL)
        finally:
            lock.release()
        # A job that came between the last look and the release found the lock held: hence the look above, again.


def _carry_out(job: Job, worker: Sequence[str], grace: float) -> None:
    folder = places.folder(job.id)
    try:
        with files.storage_errors(folder / places.LOG):
            log = (folder / places.LOG).open("ab")
    except FileNotFoundError:  # cancelled and removed since the look at the queue
        return
    with log:
        process = subprocess.Popen([*worker, job.id, job.device], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    asked = None
    while process.poll() is None:
        time.sleep(_LOOK)
        if not (folder / places.CANCEL).exists():
            asked = None
            continue
        now = time.monotonic()
        asked = now if asked is None else asked
        if now - asked > grace + _KILL:
            process.kill()
        elif now - asked > grace:
            process.terminate()
    _settle(job, process.returncode)
    if process.returncode == NO_ROOM:
        time.sleep(_FULL)


def _settle(job: Job, code: int) -> None:
    """Write down the end of a process that could not do so itself, as soon as there is room for it."""
    while True:
        with suppress(StorageFull):
            return _written(job, code)
        time.sleep(_FULL)


def _written(job: Job, code: int) -> None:
    with places.alone():
        try:
            now = current(job.id)
        except (JobNotFound, JobDamaged):
            return
        if now.state == INTERRUPTED:
            changed(now, error=_ended(code))
        elif now.state == CANCELLED:
            changed(now)  # as good as stored, unless it was taken to be so from the wish and the missing process
        elif now.state == QUEUED and now.number == job.number and code != NO_ROOM:
            # It never began. Left in the queue it would be started for ever.
            changed(now, state=FAILED, error=_never_began(code, job))


def _ended(code: int) -> dict:
    how = f"it ended with code {code}"
    if code < 0:
        name = signal.Signals(-code).name if -code in [*signal.Signals] else f"signal {-code}"
        how = f"it was ended from outside by {name}"
    lack = "; the system does so when memory runs out" if code == -signal.SIGKILL else ""
    return {
        "problem": "The process of this job ended before its work",
        "given": how + lack,
        "expected": None,
        "remedy": "resume it; it goes on from the last finished epoch",
    }


def _never_began(code: int, job: Job) -> dict:
    return {
        "problem": "The process of this job could not begin",
        "given": f"it ended with code {code}",
        "expected": None,
        "remedy": f"tell whoever runs this app to look into {places.LOG} in the folder of job {job.id}",
    }
