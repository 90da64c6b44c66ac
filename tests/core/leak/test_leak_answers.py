"""Answers of networks of the row split: asked, stored, and what is refused."""

import numpy as np
import pytest

from core import checkpoints, data, evaluation, leak
from core.checkpoints import Entry
from core.errors import CheckpointMismatch, DataDamaged, DataNotFound, InvalidValue
from tests.core import invented
from tests.core.data.small_sets import write_ham
from tests.core.leak.conftest import rows


def test_only_networks_of_the_row_split_are_asked(leaky, root):
    (sound,) = (entry for entry in checkpoints.list() if entry.id != leaky.id)
    assert leaky.card.data.split_by == "row"
    assert leak.networks(checkpoints.list(), "other-32/vgg16") == []
    with pytest.raises(InvalidValue, match="--split-by row"):
        leak.make(sound, data=root)
    assert not leak.path_of(sound).exists()


def test_what_is_stored_is_what_the_network_answers_and_the_lesions_are_those_of_the_metadata(leaky, root):
    made = leak.make(leaky, data=root)
    found = leak.read(leaky)
    test, train, every = (
        data.load("ham10000", s, size=32, root=root, split_by="row") for s in ("test", "train", "all")
    )
    np.testing.assert_array_equal(found.ids, test.ids)
    np.testing.assert_array_equal(found.labels, test.labels)
    np.testing.assert_array_equal(found.lesions, test.groups)
    assert found.class_names == test.class_names
    own = evaluation.predict(checkpoints.load(leaky.path).model(), test)
    np.testing.assert_allclose(found.probabilities, own, atol=1e-3)
    # By the metadata itself, line by line.
    lesion_of = {row.split(",")[0]: row.split(",")[1] for row in rows()}
    trained_on = {lesion_of[name] for name in train.ids}
    for number, name in enumerate(found.ids):
        assert found.seen[number] == (lesion_of[name] in trained_on)
        assert found.pictures[number] == list(lesion_of.values()).count(lesion_of[name])
    assert found.seen.any()
    assert not found.seen.all()
    assert len(every) == len(lesion_of)
    for name in ("ids", "seen", "pictures", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))


def test_a_leak_belongs_to_one_version_of_the_checkpoint(leaky, root):
    assert leak.read(leaky) is None
    leak.make(leaky, data=root)
    other = Entry(leaky.id, leaky.path, 0, card=invented.entry("other").card)
    assert leak.read(other) is None


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"x" * 500])
def test_a_damaged_file_is_named(leaky, content):
    leak.path_of(leaky).write_bytes(content)
    with pytest.raises(DataDamaged, match="python -m core leak"):
        leak.read(leaky)


def test_other_images_than_those_of_the_training_are_refused(leaky, tmp_path):
    write_ham(tmp_path / "other" / "ham10000", rows(30), masks=False)
    with pytest.raises(CheckpointMismatch, match="not the images"):
        leak.make(leaky, data=tmp_path / "other")
    with pytest.raises(DataNotFound):
        leak.make(leaky, data=tmp_path / "nowhere")
    assert not leak.path_of(leaky).exists()


# --- what it says -----------------------------------------------------------------------------------------------------
