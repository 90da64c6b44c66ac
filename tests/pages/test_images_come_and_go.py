"""Images that are deleted, moved or replaced while the app runs: no page shows those of before."""

import shutil

import numpy as np
import pytest
from PIL import Image

from core import files, paths
from core.errors import DataNotFound
from pages.components import attribution_filters, images, loaders


@pytest.fixture
def dense(study, tmp_path, monkeypatch):
    """The dense network, with images of this test's own: other tests look at those that they share."""
    shutil.copytree(files.data_root(), tmp_path / "own-data")
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "own-data"))
    return paths.studies()[study]["iterative"].dense


def test_deleted_images_are_shown_no_more(dense):
    folder = files.data_root() / "colours"
    there = len(loaders.pictures(dense).images)
    assert there
    shutil.move(folder, folder.with_name("elsewhere"))
    for ask in (loaders.pictures, loaders.bench, lambda dense: images.prepare(dense.card.data)):
        with pytest.raises(DataNotFound):
            ask(dense)
    assert loaders.picture(dense) is None
    shutil.move(folder.with_name("elsewhere"), folder)
    assert len(loaders.pictures(dense).images) == there


def test_replaced_images_are_seen(dense):
    folder = files.data_root() / "colours"
    before = np.array(loaders.pictures(dense).images)
    other = folder.with_name("new")
    shutil.copytree(folder, other)
    for path in (other / "test").rglob("*.png"):
        Image.new("RGB", (32, 32), (1, 2, 3)).save(path)
    shutil.rmtree(folder)
    other.rename(folder)
    after = np.asarray(loaders.pictures(dense).images)
    assert after.shape == before.shape
    assert (after == (1, 2, 3)).all()


def test_an_image_added_to_a_class_is_seen(dense):
    folder = files.data_root() / "colours"
    before = len(loaders.pictures(dense).images)
    some = next((folder / "test").rglob("*.png"))
    Image.new("RGB", (32, 32), (9, 9, 9)).save(some.with_name("another.png"))
    assert len(loaders.pictures(dense).images) == before + 1


def test_a_zip_that_is_written_over_in_a_folder_is_another(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    (tmp_path / "ham10000").mkdir()
    place = tmp_path / "ham10000" / "HAM10000_images_part_1.zip"
    seen = set()
    for content in (b"", b"x", b"other"):
        place.write_bytes(content)
        seen.add(images.lying("ham10000"))
    assert len(seen) == 3


def test_what_is_usual_is_asked_again_when_the_images_have_come(dense, monkeypatch):
    """A page that was opened before the images were here had said "could not be checked" until the server's end."""
    known = object()
    monkeypatch.setattr(attribution_filters.familiarities, "fit", lambda model, train, validation: known)
    folder = files.data_root() / "colours"
    shutil.move(folder, folder.with_name("elsewhere"))
    assert attribution_filters.familiarity(dense) is None
    shutil.move(folder.with_name("elsewhere"), folder)
    assert attribution_filters.familiarity(dense) is known
