"""What ships agrees with itself and, where the images are, with them."""

import pytest

from core import checkpoints, data, files, responses, verification
from core.errors import DataNotFound

ROOT = files.PROJECT / "checkpoints"
ENTRIES = checkpoints.list(ROOT)
ANSWERED = [entry for entry in ENTRIES if responses.path_of(entry).exists()]
WHOLE = [entry for entry in ANSWERED if entry.weights]
# To draw all phantoms takes a minute; `python -m core verify` does not mind.
CHECKED = [entry for entry in WHOLE if entry.card.data.name != "phantom"]


def names(entries):
    return [entry.id for entry in entries]


def test_something_ships():
    assert {entry.card.study for entry in WHOLE} >= {"ham10000-64/vgg16"}


@pytest.mark.parametrize("entry", ENTRIES, ids=names(ENTRIES))
def test_every_card_can_be_read_and_was_scored(entry):
    assert entry.error is None
    assert entry.card.metrics["balanced_accuracy"]["n"] > 1000
    assert entry.card.metrics["balanced_accuracy"]["low"] < entry.card.metrics["balanced_accuracy"]["estimate"]


@pytest.mark.parametrize("entry", ANSWERED, ids=names(ANSWERED))
def test_stored_answers_give_the_accuracy_of_the_card(entry):
    stored = responses.read(entry)
    assert stored is not None, "its answers are of other weights"
    from core.cohort import Cohort

    labels = Cohort.load(responses.cohort_path(entry)).labels
    right = stored.at(entry.card.sparsity, False).argmax(axis=1) == labels
    # Cards are scored in full precision of the probabilities, answers are kept in half: a tie may fall the other way.
    assert right.mean() == pytest.approx(entry.card.metrics["accuracy"]["estimate"], abs=1.5 / len(labels))


@pytest.fixture(scope="module")
def images(real_cache):
    """The test and the training images of a checkpoint, prepared once for all that were trained on them."""
    known = {}

    def find(info):
        key = (info.name, info.size, info.split_by)
        if key not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PRUNESCOPE_CACHE", str(real_cache))
                options = {"size": info.size, "split_by": info.split_by or None}
                known[key] = [data.load(info.name, split, **options) for split in ("test", "train")]
        return known[key]

    return find


@pytest.mark.real
@pytest.mark.parametrize("entry", CHECKED, ids=names(CHECKED))
def test_a_sample_of_stored_answers_comes_out_again(entry, images):
    try:
        test, train = images(entry.card.data)
    except DataNotFound as error:
        pytest.skip(str(error))
    for check in verification.verify(entry, test, train, steps=1, images=192):
        assert check.images == 192
        assert check.holds, check
