"""kill -9 at random moments, a hundred times: no damaged file that loads, no finished epoch that is lost."""

import os
import subprocess
import sys

from core import files


def test_killed_a_hundred_times_nothing_finished_is_lost_and_nothing_damaged_loads(colours):
    environment = os.environ | {"PRUNESCOPE_DATA": str(colours), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.core.reliability.killing", "100"]
    done = subprocess.run(command, cwd=files.PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    inside, resumed, finished, checked = map(int, done.stdout.split())
    # The kills did come in the middle of things, else nothing was tried.
    assert inside >= 3
    assert resumed >= 10
    assert finished >= 5
    assert checked == 3
