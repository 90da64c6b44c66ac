"""A disk that is really full, a file that may not grow, a folder that may not be written to: named, nothing lost, gone on with."""

import os
import shutil
import subprocess
import sys

import pytest

from core import checkpoints, files, runs
from core.recipes import dense
from tests.core.tiny import write_pictures

RECIPE = {"epochs": 4, "batch": 12, "rate": 0.05}

# The disk is full from the second epoch on; then there is room again. Its room is asked about before each write, and the
# answer that there is some is what a disk that fills up meanwhile would have given.
FULL = """
import os, shutil, sys
from pathlib import Path
from core import checkpoints, files, runs
from core.errors import StorageFull
from core.recipes import dense
from core.training.state import epochs_in
from tests.core.tiny import registered
disk = Path(sys.argv[1])
shutil.disk_usage = lambda place: shutil._ntuple_diskusage(10**12, 0, 10**12)
one = dense("colours-32/vgg16", epochs=4, batch=12, rate=0.05)
def fill(progress):
    if progress.numbers.get("epoch") == 2 and not (disk / "ballast").exists():
        with open(disk / "ballast", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)): pass
            except OSError: pass
with registered():
    try:
        runs.run(one, report=fill)
    except StorageFull as error:
        print(error)
    else:
        sys.exit("the disk was not full")
    kept = epochs_in(files.runs_root() / one.hash / "state.safetensors")
    assert kept >= 1, "the finished epochs are gone"
    assert not [entry for entry in checkpoints.list() if entry.error]
    assert not list(disk.rglob("*.tmp")), "half a file was left"
    (disk / "ballast").unlink()
    made = runs.run(one)
    assert [row["epoch"] for row in checkpoints.load(made.id).card.history] == [1, 2, 3, 4]
"""

LIMITED = """
import resource, signal, sys
from core import checkpoints, files, runs
from core.errors import StorageFull
from core.recipes import dense
from tests.core.tiny import registered
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
one = dense("colours-32/vgg16", epochs=4, batch=12, rate=0.05)
def limit(progress):
    if progress.numbers.get("epoch") == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
with registered():
    try:
        runs.run(one, report=limit)
    except StorageFull as error:
        print(error)
    else:
        sys.exit("nothing was too large")
    assert runs.epochs_done(one) >= 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert runs.run(one).card.epochs == 4
"""

READ_ONLY = """
import os, sys
from core import checkpoints, files, runs
from core.errors import StorageFull
from core.recipes import dense
from tests.core.tiny import registered
one = dense("colours-32/vgg16", epochs=4, batch=12, rate=0.05)
other = dense("colours-32/vgg16", epochs=1, batch=12, rate=0.05, seed=1)
with registered():
    runs.run(other)  # imports what is imported late
    folder = files.checkpoint_root() / "colours-32" / "vgg16"

    def close():
        folder.chmod(0o555)
        if os.geteuid() == 0:
            for place in files.runs_root().rglob("*"):
                os.chown(place, 65534, 65534)
            os.chown(files.runs_root(), 65534, 65534)
            os.seteuid(65534)  # whom modes bind

    def closing(progress):
        if progress.numbers.get("epoch") == 2 and os.access(folder, os.W_OK, effective_ids=True):
            close()

    def opened():
        if os.getuid() == 0:
            os.seteuid(0)
        folder.chmod(0o755)

    def refused(report, stages):
        try:
            runs.run(one, report=lambda progress: (stages.append(progress.stage), report(progress)))
        except StorageFull as error:
            print(error)
        else:
            sys.exit("it could be written to")

    def trained(stages):
        return [stage for stage in stages if stage.startswith("Training")]

    close()
    assert len(checkpoints.list()) == 1 and checkpoints.load(checkpoints.list()[0].id)
    assert runs.find(other)
    refused(lambda progress: None, stages := [])
    assert not trained(stages), "it trained for hours before it looked where the network is to go"
    opened()
    refused(closing, stages := [])
    assert trained(stages)
    opened()
    asked = []
    made = runs.run(one, report=lambda progress: asked.append(progress.stage))
    assert not trained(asked), "the finished training was thrown away"
    assert checkpoints.load(made.id).card.epochs == 4
"""


def run(script: str, *arguments, command=(), **environment) -> str:
    done = subprocess.run(
        [*command, sys.executable, "-c", script, *map(str, arguments)],
        cwd=files.PROJECT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_is_named_and_what_was_finished_is_gone_on_from(colours, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=400k none {disk} && exec "$@"', "sh"]
    if shutil.which("unshare") is None or subprocess.run([*mount, "true"], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    folders = {"PRUNESCOPE_RUNS": str(disk / "runs"), "PRUNESCOPE_CHECKPOINTS": str(disk / "checkpoints")}
    said = run(FULL, disk, command=mount, PRUNESCOPE_DATA=str(colours), **folders)
    assert "No space left on device" in said
    assert "nothing was changed" in said


def test_a_file_that_may_not_grow_is_named(colours):
    said = run(LIMITED, PRUNESCOPE_DATA=str(colours))
    assert "File too large" in said


def test_a_folder_of_checkpoints_that_is_read_only_shows_what_is_there_and_keeps_what_was_trained(tmp_path):
    root = write_pictures(tmp_path / "data")
    # Root may write anywhere, so the script becomes somebody else; the folders above must let them pass.
    above = {place: place.stat().st_mode for place in [tmp_path, *tmp_path.parents]}
    closed = {place: mode for place, mode in above.items() if mode & 0o011 != 0o011}
    try:
        for place, mode in closed.items():
            place.chmod(mode | 0o011)
        said = run(READ_ONLY, PRUNESCOPE_DATA=str(root))
    finally:
        for place, mode in closed.items():
            place.chmod(mode)
    assert "Permission denied" in said


def test_a_state_that_was_cut_off_is_no_state(tiny, colours, monkeypatch, tmp_path):
    """A disk that lies about what it has written: whatever is left of a state, the run begins anew and ends."""
    from core.errors import Cancelled

    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    one = dense("colours-32/vgg16", **RECIPE)

    def stop(progress):
        if progress.numbers.get("epoch") == 3:
            raise Cancelled("The test")

    with pytest.raises(Cancelled):
        runs.run(one, report=stop)
    state = files.runs_root() / one.hash / "state.safetensors"
    whole = state.read_bytes()
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        state.write_bytes(whole[:length])
        assert (runs.epochs_done(one) or 0) == 0
    assert runs.run(one).card.epochs == 4
    assert [entry.error for entry in checkpoints.list()] == [None]
