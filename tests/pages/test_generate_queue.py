"""The list of jobs on Generate: jobs of several users, and a disk that takes no more. Nothing is trained here."""

import pytest

from core import jobs, recipes
from core.errors import StorageFull
from core.jobs import dispatcher, record
from tests.core import tiny
from tests.pages.opening import opened, texts

PAGE = "pages/generate.py"
ANNA, BEN = "anna-anna-anna-anna", "ben-ben-ben-ben-ben"  # keys, as they are in the address


@pytest.fixture(autouse=True)
def queue(tmp_path, monkeypatch):
    """Drawn images, the tiny network, and no dispatcher."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tiny.write_pictures(tmp_path / "data")))
    monkeypatch.setattr(dispatcher, "_start", lambda device: None)
    with tiny.registered():
        yield


def submitted() -> jobs.Job:
    return jobs.submit(recipes.dense("colours-32/vgg16"), jobs.owner_of(ANNA))


def button(app, label: str):
    (found,) = [one for one in app.button if one.label == label]
    return found


def test_a_job_of_two_stays_for_the_other_when_one_removes_it():
    anna, ben = map(jobs.owner_of, (ANNA, BEN))
    record.changed(submitted(), state="cancelled", attempt=1, owner=ben, begun_by=(anna,))
    app = opened(PAGE, owner=BEN)
    assert "another user's too" in texts(app)
    assert "stays" in button(app, "Remove").help
    button(app, "Remove").click().run()
    assert not app.error
    assert "Remove" not in [one.label for one in app.button]
    hers = opened(PAGE, owner=ANNA)
    assert "another user's" not in texts(hers)
    assert "goes too" in button(hers, "Remove").help
    button(hers, "Remove").click().run()
    assert jobs.board().jobs == ()


def test_what_waits_for_room_says_so_above_the_list(monkeypatch):
    submitted()

    def no_room() -> None:
        raise StorageFull("Could not write files", given="No space left on device", remedy="free some room")

    monkeypatch.setattr(jobs, "advance", no_room)
    app = opened(PAGE, owner=ANNA)
    assert any("cannot begin" in error.value and "No space left" in error.value for error in app.error)
    assert "colours (32 px) · VGG16, dense" in texts(app)
    assert "Cancel" in [one.label for one in app.button]
