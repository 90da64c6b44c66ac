import os
from pathlib import Path

import pytest
from small_sets import class_folders, write_folder, write_ham

REAL = os.environ.get("PRUNESCOPE_DATA")  # before any test points it elsewhere


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own; it must not see that of the user, nor their data."""
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "data"))
    return tmp_path / "cache"


@pytest.fixture
def ham(tmp_path) -> Path:
    """A data root with a small HAM10000."""
    write_ham(tmp_path / "data" / "ham10000")
    return tmp_path / "data"


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The real data root, or a skip that says why."""
    if not REAL or not (Path(REAL) / "ham10000").is_dir() or not (Path(REAL) / "cifar100").is_dir():
        pytest.skip(f"PRUNESCOPE_DATA has no ham10000 and cifar100 (it is {REAL or 'not set'})")
    return Path(REAL)


@pytest.fixture
def pets(tmp_path) -> Path:
    return write_folder(tmp_path / "pets", class_folders(20, splits=("train", "validation", "test")))


def arrays(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.npy"))


def leftovers(cache: Path) -> list[Path]:
    return [*cache.rglob(".*"), *cache.rglob("*.tmp")]
