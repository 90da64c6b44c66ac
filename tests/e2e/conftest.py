"""The app on the networks that ship, without an image on this machine, and a visitor to it."""

import pytest

from core.files import PROJECT
from tests.e2e.browser import app, chromium, visitor


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    nothing = str(tmp_path_factory.mktemp("no-data"))
    with app(PRUNESCOPE_DATA=nothing, PRUNESCOPE_CHECKPOINTS=str(PROJECT / "checkpoints"), OMP_NUM_THREADS="2") as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser):
    """A fresh visitor; whatever the page complains of in its console fails the test."""
    with visitor(browser) as opened:
        yield opened
