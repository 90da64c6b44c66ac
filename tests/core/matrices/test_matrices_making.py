"""What is made again and what counts still; the file, damaged and whole."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from core import checkpoints, matrices, recipes, runs
from core.errors import Cancelled, CheckpointNotFound, DataDamaged
from core.matrices import Key, stored
from tests.core.matrices.conftest import CHANGES, STUDY, kept, line, make


def test_cancelled_it_goes_on_from_there_and_ends_alike(study, sets):
    told = []

    def stop(progress):
        told.append(progress.done)
        if progress.done == 3 and progress.unit == "steps":
            raise Cancelled

    with pytest.raises(Cancelled):
        make(study, sets, report=stop)
    part = len(kept(study).records)
    told.clear()
    whole = make(study, sets, report=lambda progress: told.append((progress.done, progress.total)))
    assert 0 < part < len(whole.records)
    rest = told[-1][1]
    told.clear()
    straight = make(study, sets, anew=True, report=lambda progress: told.append((progress.done, progress.total)))
    assert rest == told[-1][1] - 3
    assert straight.records.keys() == whole.records.keys()
    for key, record in straight.records.items():
        np.testing.assert_array_equal(record.cka, whole.records[key].cka)
        assert (record.shares is None) == (whole.records[key].shares is None)
    told.clear()
    make(study, sets, report=told.append)
    assert [(moment.done, moment.total) for moment in told] == [(0, 0)]  # nothing is missing


def test_what_was_made_of_an_earlier_checkpoint_does_not_count(study, sets, known):
    checkpoints.delete(f"{STUDY}/one_shot-80")
    again = recipes.pruned(recipes.dense(STUDY, **CHANGES), "one_shot", 0.8, seed=7)
    runs.run(again)
    chosen = matrices.chosen(line())
    places = {name: matrices.position(entry) for name, entry in chosen.items()}
    still = kept(study)
    assert still.matrix(places["dense"], places["one_shot"]) is None
    assert still.matrix(places["dense"], places["iterative"]) is not None
    told = []
    made = make(study, sets, report=told.append)
    assert made.matrix(places["dense"], places["one_shot"]) is not None
    assert told[-1].total == 3  # every network with the new one; its own 80%; 90% of its slider


def test_networks_whose_weights_are_not_here_keep_what_is_stored(study, sets, known):
    entry = matrices.chosen(line())["iterative"]
    checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
    entry.path.unlink()
    assert kept(study).records.keys() == known.records.keys()
    anew = make(study, sets, anew=True)
    assert not any(entry.id in (key.a.network, key.b.network) for key in anew.records)
    dense = study["one_shot"].dense
    checkpoints.write_card(dense.path, dense.card, dense.size_bytes)
    dense.path.unlink()
    with pytest.raises(CheckpointNotFound, match="not its weights"):
        make(study, sets)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"x" * 1000])
def test_a_damaged_file_is_named_and_made_anew(study, sets, content):
    path = matrices.path_of(study["one_shot"].dense)
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match="python -m core similarity"):
        kept(study)
    assert make(study, sets).records
    assert kept(study).records


def test_changed_bytes_are_named_too(study, known):
    path = matrices.path_of(study["one_shot"].dense)
    whole, random, named = path.read_bytes(), np.random.default_rng(0), 0
    for place in random.integers(0, len(whole), 40):
        path.write_bytes(whole[:place] + bytes(random.integers(0, 256, 8, np.uint8)) + whole[place + 8 :])
        try:
            found = kept(study)
        except DataDamaged:
            named += 1
            continue
        # What zip does not watch over, such as the date of a member, changes no number.
        assert found.records.keys() == known.records.keys()
        for key, record in found.records.items():
            np.testing.assert_array_equal(record.cka, known.records[key].cka)
    assert named > 30


def test_a_file_that_lies_about_itself_is_refused(study, known, monkeypatch):
    path = matrices.path_of(study["one_shot"].dense)
    with np.load(path) as arrays:
        parts = dict(arrays)
    index = json.loads(parts["index"].tobytes())
    index["records"][0][4]["form"] = "everything"
    lies = parts | {"index": np.frombuffer(json.dumps(index).encode(), np.uint8)}
    for changed in (lies, parts | {"cka": parts["cka"][:, :5]}, {"index": parts["index"]}):
        np.savez(path, **changed)
        with pytest.raises(DataDamaged):
            kept(study)
    np.savez(path, **parts)
    monkeypatch.setattr(stored, "_MOST", 1000)
    with pytest.raises(DataDamaged, match="would take"):
        kept(study)
    with zipfile.ZipFile(path) as file:
        assert not [name for name in file.namelist() if not name.endswith(".npy")]


def test_other_test_images_make_it_anew(study, sets, known):
    places = {name: matrices.position(entry) for name, entry in matrices.chosen(line()).items()}
    before = known.matrix(places["dense"], places["one_shot"])
    assert before.n == len(sets[0])
    made = make(study, [sets[0].take(np.arange(12)), sets[1]])
    again = kept(study)
    assert made.cohort == again.cohort != known.cohort
    assert {images.n for images in again.images.values()} <= {4, 8, 12}
    after = again.matrix(places["dense"], places["one_shot"])
    assert after.n == 12
    assert not np.allclose(after.values, before.values, atol=1e-3)
    assert again.records.keys() <= made.records.keys()


def test_the_file_is_small(study, known):
    assert matrices.path_of(study["one_shot"].dense).stat().st_size < 40_000
    assert Key(*(matrices.position(study["one_shot"].dense),) * 2) in known


def test_lesions_are_kept_with_the_matrices(study, known, tmp_path):
    """Bands of means are by lesion; without their ids they would be by image, and too narrow."""
    groups = {name: np.arange(images.n) // 2 for name, images in known.images.items()}
    known.images = {name: replace(images, groups=groups[name]) for name, images in known.images.items()}
    stored.write(tmp_path / "similarity.npz", known)
    again = matrices.read(tmp_path / "similarity.npz", checkpoints.list())
    assert again.images.keys() == groups.keys()
    for name, images in again.images.items():
        np.testing.assert_array_equal(images.groups, groups[name])
