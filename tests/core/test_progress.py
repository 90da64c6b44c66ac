import io

import pytest

from core import progress
from core.progress import Progress, clock, terminal


def test_share_and_time_left():
    moment = Progress("Training", 25, 100, "steps", elapsed=50)
    assert moment.fraction == 0.25
    assert moment.seconds_left == pytest.approx(150)
    assert Progress("Training", 0, 100, elapsed=3).seconds_left is None
    assert Progress("Training", 120, 100, elapsed=3).seconds_left == 0
    assert Progress("Training", 120, 100).fraction == 1
    assert Progress("Nothing", 0, 0).fraction == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3600, "1 h 00 min"),
        (4800, "1 h 20 min"),
    ],
)
def test_times_are_written_as_people_do(seconds, text):
    assert clock(seconds) == text


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def time(monkeypatch):
    """A clock that the test turns."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then_and_always_the_last(time):
    stream = io.StringIO()
    show = terminal(stream, every=10)
    for done in range(1, 5):
        show(Progress("Training", done, 4, "steps", elapsed=done, numbers={"loss": 1 / done}))
        time[0] += 1
    assert stream.getvalue().splitlines() == [
        "Training: 1/4 steps  loss 1  3 s left",
        "Training: 4/4 steps  loss 0.25",
    ]


def test_a_new_stage_is_told_at_once(time):
    stream = io.StringIO()
    show = terminal(stream, every=10)
    show(Progress("Reading", 1, 4))
    show(Progress("Reading", 2, 4))
    show(Progress("Training", 0, 4))
    assert [line.split(":")[0] for line in stream.getvalue().splitlines()] == ["Reading", "Training"]


def test_a_screen_has_one_line_rewritten_in_place(time):
    stream = Screen()
    show = terminal(stream)
    for done in (1, 2, 3):
        show(Progress("Reading", done, 3, "images"))
        time[0] += 1
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\r\x1b[KReading: 3/3 images\n")


def test_a_screen_is_not_flooded(time):
    stream = Screen()
    show = terminal(stream)
    for done in range(100):
        show(Progress("Reading", done, 1000))
        time[0] += 0.01
    assert 4 <= stream.getvalue().count("\r") <= 6


def test_writes_to_standard_error_by_default(capsys):
    terminal()(Progress("Reading", 1, 1))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Reading: 1/1" in captured.err
