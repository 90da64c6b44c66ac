import io
import os
import subprocess
import sys

import numpy as np
import pytest

from core.data import load
from core.data.phantom import dataset, many, render, sample
from core.errors import Cancelled, InvalidValue

DRAWN = sample(70, 3)


@pytest.fixture
def started(monkeypatch) -> list[subprocess.Popen]:
    """The processes that were started."""
    found, real = [], subprocess.Popen

    def popen(*args, **options):
        found.append(real(*args, **options))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return found


def test_processes_draw_the_same_bytes_in_the_same_order(started):
    drawn = render(DRAWN, 40)
    np.testing.assert_array_equal(np.stack(list(many.images(DRAWN, 40, 3))), drawn.images)
    np.testing.assert_array_equal(np.stack(list(many.masks(DRAWN, 40, 2))), drawn.masks)
    assert len(started) == 5
    assert all(process.returncode is not None for process in started)


def test_few_are_drawn_here(started):
    assert len(list(many.masks(DRAWN, 32))) == 70
    assert list(many.images([], 32)) == []
    assert not started


def test_what_a_killed_process_owes_is_drawn_here(started):
    pictures = many.images(DRAWN, 32, 2)
    found = [next(pictures)]
    started[0].kill()
    found += pictures
    np.testing.assert_array_equal(np.stack(found), render(DRAWN, 32).images)


def test_where_no_process_starts_all_is_drawn_here(monkeypatch):
    def popen(*_args, **_options):
        raise OSError("too many processes")

    monkeypatch.setattr(subprocess, "Popen", popen)
    np.testing.assert_array_equal(np.stack(list(many.images(DRAWN, 32, 2))), render(DRAWN, 32).images)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", os.devnull)
    np.testing.assert_array_equal(np.stack(list(many.images(DRAWN, 32, 2))), render(DRAWN, 32).images)


def test_closing_ends_the_processes(started):
    pictures = many.images(DRAWN, 32, 2)
    next(pictures)
    assert all(process.poll() is None for process in started)
    pictures.close()
    assert all(process.poll() is not None for process in started)


def test_cancelling_the_preparation_ends_them_too(started, monkeypatch):
    monkeypatch.setattr(dataset, "COUNT", 300)
    told = []

    def stop(progress):
        told.append(progress)
        if progress.done:
            raise Cancelled("The preparation")

    with pytest.raises(Cancelled):
        load("phantom", "test", size=32, report=stop)
    assert told[0].stage == "Drawing phantom at 32×32"
    assert started
    assert all(process.poll() is not None for process in started)


def test_a_size_out_of_range_is_named_whoever_draws():
    for processes in (0, 2):
        with pytest.raises(InvalidValue, match="not drawn at this size"):
            list(many.images(DRAWN, 300, processes))


def test_a_process_answers_line_by_line(monkeypatch):
    class Output:
        buffer = io.BytesIO()

    request = f'["images", 32, [{many.json.dumps(DRAWN[0].record())}]]\n'
    monkeypatch.setattr(sys, "stdin", io.StringIO(request * 2))
    monkeypatch.setattr(sys, "stdout", Output)
    if hasattr(os, "nice"):
        monkeypatch.setattr(os, "nice", lambda _: 0)
    many.serve()
    assert Output.buffer.getvalue() == render(DRAWN[0], 32).images.tobytes() * 2
