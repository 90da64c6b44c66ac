"""What every test stands on: its own folders, and two threads at most, of all workers together."""

import os

# Before torch is imported anywhere, here or in a process that a test starts.
os.environ["OMP_NUM_THREADS"] = str(
    min(
        int(os.environ.get("OMP_NUM_THREADS") or 2),
        2 // min(2, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or 1)),
    )
)
# Jobs give way to whatever runs beside them, which in tests is other tests: their deadlines count on a fair share.
os.environ["PRUNESCOPE_NICE"] = "0"

import pytest
from hypothesis import settings

from core import files

# The same examples each time, so that a change is never blamed for what an earlier one left. To look for new ones:
# pytest --hypothesis-profile=explore
settings.register_profile("explore", derandomize=False)
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

FOLDERS = ("PRUNESCOPE_RUNS", "PRUNESCOPE_CHECKPOINTS", "PRUNESCOPE_CACHE")


@pytest.fixture(scope="session", autouse=True)
def _session_folders(tmp_path_factory):
    """Fixtures that live longer than one test write here, never into the project or the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in FOLDERS:
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch, _session_folders):
    """Each test has runs, checkpoints and a cache of its own."""
    for name in FOLDERS:
        monkeypatch.setenv(name, str(tmp_path / name.removeprefix("PRUNESCOPE_").lower()))


def pytest_runtest_setup(item):
    """Tests marked ``real`` want HAM10000's own images."""
    if item.get_closest_marker("real") and not (files.data_root() / "ham10000").is_dir():
        pytest.skip(f"no HAM10000 under {files.data_root()} (set PRUNESCOPE_DATA)")
