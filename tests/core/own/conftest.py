import pytest

from core import jobs

ANNA, BEN = (jobs.owner_of(name) for name in ("anna", "ben"))


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """No data but those that a test brings."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "data"))
