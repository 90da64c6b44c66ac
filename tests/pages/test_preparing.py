"""Getting images ready: once for all who wait, with a bar, and on even where nobody looks."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from core.data import phantom, sources
from core.errors import DataNotFound, StorageFull
from core.progress import Progress
from pages.components import images, loaders, preparing
from tests.pages.opening import opened, texts


class Place:
    """What a user sees of the bar; ``leave`` is their next click, at which Streamlit ends the run."""

    def __init__(self):
        self.seen, self.leave = [], False

    def progress(self, fraction, text):
        self.seen.append((fraction, text))
        if self.leave:
            raise KeyboardInterrupt("as Streamlit's own exception, which is none of Exception")

    def empty(self):
        self.seen.append("empty")


@pytest.fixture
def places(monkeypatch) -> list[Place]:
    made = []
    monkeypatch.setattr(preparing.st, "empty", lambda: made.append(Place()) or made[-1])
    monkeypatch.setattr(preparing, "_LOOK", 0.01)
    return made


class Work:
    """Work that ends when it is let go."""

    def __init__(self, error=None):
        self.times, self.error, self.go = 0, error, threading.Event()

    def __call__(self, report):
        self.times += 1
        report(Progress("Drawing phantom at 64×64", 30, 120, "images", 6.0))
        assert self.go.wait(10)
        if self.error:
            raise self.error


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_two_who_ask_wait_for_the_same_work_and_see_how_far_it_is(places):
    work = Work()
    threads = [threading.Thread(target=preparing.together, args=("these", work)) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: len(places) == 2 and all(any("120" in text for _, text in place.seen) for place in places))
    fraction, text = places[0].seen[-1]
    assert fraction == 0.25
    assert text.startswith("Drawing phantom at 64×64, once on this machine: 30 of 120 images, about 18 s left.")
    work.go.set()
    for thread in threads:
        thread.join(10)
    assert work.times == 1
    assert [place.seen[-1] for place in places] == ["empty", "empty"]


def test_who_moves_on_finds_it_further_on(places):
    work, left = Work(), []

    def visit():
        try:
            preparing.together("these", work)
        except KeyboardInterrupt:
            left.append(True)

    thread = threading.Thread(target=visit)
    thread.start()
    until(lambda: places and places[0].seen)
    places[0].leave = True
    thread.join(10)
    assert left
    work.go.set()
    preparing.together("these", work)
    assert work.times == 1


def test_what_went_wrong_is_raised_to_all_and_the_next_begins_anew(places):
    work = Work(StorageFull("There is no room"))
    work.go.set()
    for _ in range(2):
        with pytest.raises(StorageFull, match="no room"):
            preparing.together("these", work)
    assert work.times == 2
    work.error = None
    preparing.together("these", work)
    assert places[-1].seen[-1] == "empty"


def test_a_page_prepares_what_it_computes_on_and_looks_only_once(study, monkeypatch):
    found, real = [], sources.find

    def find(*args, **options):
        found.append(args)
        return real(*args, **options)

    monkeypatch.setattr(sources, "find", find)
    app = opened("pages/what_if.py", method="prune_only", sparsity=60, recalibrate="false")
    assert "n = 90 test images" in texts(app)
    first = len(found)
    app.slider(key="sparsity").set_value(70).run()
    assert "n = 90 test images" in texts(app)
    assert len(found) - first <= 2  # whether they are there is asked at each run; they are not listed again


def test_a_phantom_is_drawn_by_itself_and_waits_for_no_other(monkeypatch):
    table = phantom.dataset.table(5)
    monkeypatch.setattr(loaders, "cohort", lambda _: SimpleNamespace(digest="five", table=table))
    monkeypatch.setattr(images, "prepare", lambda _: pytest.fail("all of them were drawn"))
    dense = SimpleNamespace(card=SimpleNamespace(data=SimpleNamespace(name="phantom", size=32)))
    drawn = phantom.render(phantom.parameters_of(table), 32)
    for row in (0, 3):
        np.testing.assert_array_equal(loaders.picture(dense)(np.int64(row)), drawn.images[row])
        np.testing.assert_array_equal(loaders.drawn(dense, row).masks[0], drawn.masks[row])


def test_images_that_are_not_there_are_missed_as_before(study, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nothing"))
    app = opened("pages/what_if.py", method="prune_only", sparsity=60)
    assert not app.exception
    assert "Nothing is stored for 60%, and without the images it cannot be computed" in texts(app)
    with pytest.raises(DataNotFound):
        sources.find("ham10000")
