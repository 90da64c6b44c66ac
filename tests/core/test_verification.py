import numpy as np
import pytest

from core import cli, data, paths, recipes, responses, runs, verification
from core.cohort import Cohort

STUDY = "colours-32/vgg16"


@pytest.fixture
def entry(tiny, colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    dense = recipes.dense(STUDY, epochs=2, batch=6, augment="none", balance=0.0)
    runs.run(dense)
    return paths.of(STUDY)[paths.PRUNE_ONLY].dense


@pytest.fixture
def sets(entry):
    return [data.load("colours", split, size=32) for split in ("test", "train")]


def tampered(entry, change):
    """Write the stored answers again with ``change`` made to those at 0%, raw."""
    stored = responses.read(entry)
    answers = {step: np.array(values) for step, values in stored.answers.items()}
    change(answers[0, False])
    test = data.load("colours", "test", size=32)
    responses._write(entry, test, stored.recalibrated_on, answers)


def test_stored_answers_come_out_again(entry, sets):
    responses.make(entry, *sets, percents=[0, 50, 80])
    checks = list(verification.verify(entry, *sets))
    assert [(check.percent, check.recalibrated) for check in checks] == [
        (percent, mode) for percent in (0, 50, 80) for mode in (False, True)
    ]
    assert all(check.holds and check.images == 18 and check.largest < 1e-3 for check in checks)
    assert len(list(verification.verify(entry, *sets, steps=2))) == 2


def test_a_changed_answer_is_found(entry, sets, capsys):
    responses.make(entry, *sets, percents=[0])

    def swap(values):
        values[3] = np.roll(np.array([0.9, 0.05, 0.05]), (values[3].argmax() + 1) % 3)

    tampered(entry, swap)
    raw, recalibrated = verification.verify(entry, *sets)
    assert not raw.holds
    assert raw.equal == 17
    assert recalibrated.holds
    assert cli.main(["--quiet", "verify", entry.id]) == 1
    assert "do not come out again" in capsys.readouterr().err


def test_a_tie_is_no_mistake(entry, sets):
    responses.make(entry, *sets, percents=[0])
    new = np.array([[0.5, 0.49, 0.01], [0.6, 0.3, 0.1]])
    old = np.array([[0.49, 0.5, 0.01], [0.3, 0.6, 0.1]])
    images, equal, ties, largest = verification._compare(old, new, None)
    assert (images, equal, ties) == (2, 0, 1)
    assert largest == pytest.approx(0.3)


def test_a_tie_is_two_steps_of_a_rounded_logit_however_likely_the_classes_are():
    """Rounded to bfloat16 on two machines, logits of 9 and 9.1 may swap by an eighth; two of 0.001 and 0.0005 do not."""
    base = np.exp(np.array([[9.0, 9.12, 3.0], [9.0, 9.12, 8.0]]))
    moved = np.exp(np.array([[9.12, 9.0, 3.0], [9.12, 9.0, 8.0]]))
    share = lambda values: values / values.sum(axis=1, keepdims=True)  # noqa: E731
    assert verification._compare(share(base), share(moved), None)[:3] == (2, 0, 2)
    apart = np.exp(np.array([[9.4, 9.0, 9.0]]))
    assert verification._compare(share(apart), share(apart[:, [1, 0, 2]]), None)[:3] == (1, 0, 0)


def test_answers_of_other_images_are_passed_over(entry, sets, capsys):
    responses.make(entry, *sets, percents=[0])
    other = data.load("colours", "validation", size=32)
    assert list(verification.verify(entry, other, sets[1])) == []


def test_nothing_to_verify_is_said(entry, capsys):
    assert cli.main(["--quiet", "verify"]) == 1
    assert "python -m core respond" in capsys.readouterr().err
    assert cli.main(["--quiet", "verify", "no/such/checkpoint"]) == 1


def test_short_answers_go_through_the_file(entry, sets, monkeypatch):
    """As for CIFAR-100: the likeliest and the true class's probabilities only."""
    for module in ("core.responses", "core.answers"):
        monkeypatch.setattr(f"{module}.MANY", 2)
    responses.make(entry, *sets, percents=[0, 50])
    stored = responses.read(entry)
    assert stored.short
    whole = responses.read(entry).at(0.5, True)
    assert whole.shape == (18, 3)
    assert all(check.holds and check.largest < 1e-3 for check in verification.verify(entry, *sets))
    assert responses.estimate(stored, stored, 0.5, True).short
    cohort = responses.cohort_path(entry)
    Cohort.of(data.load("colours", "validation", size=32)).save(cohort)
    assert responses.read(entry) is None  # its labels are not here
