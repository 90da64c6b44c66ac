"""A small HAM10000, and tiny networks trained on it under both splits."""

import pytest

from core import checkpoints, leak, recipes, runs
from core.checkpoints import Entry
from tests.core.data.small_sets import HAM_CLASSES, write_ham
from tests.core.tiny import registered

STUDY = "ham10000-32/vgg16"
QUICK = {"epochs": 1, "batch": 8, "augment": "none"}


def rows(lesions: int = 40) -> list[str]:
    """Metadata of lesions with one to three images each."""
    pictures = [(lesion, number) for lesion in range(lesions) for number in range(1 + lesion % 3)]
    return [
        f"ISIC_{i:07d},HAM_{lesion:07d},{HAM_CLASSES[lesion % 7]},histo,50.0,male,back"
        for i, (lesion, _) in enumerate(pictures)
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root with a small HAM10000."""
    folder = tmp_path_factory.mktemp("data")
    write_ham(folder / "ham10000", rows(), masks=False)
    return folder


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    """Folder of checkpoints with two tiny networks, one under each split."""
    folder = tmp_path_factory.mktemp("checkpoints")
    with registered():
        for split_by in (None, "row"):
            runs.run(recipes.dense(STUDY, split_by=split_by, **QUICK), root=folder, data=root)
    return folder


@pytest.fixture
def leaky(trained, tmp_path, tiny) -> Entry:
    """The network of the row split, in a folder of the test's own."""
    for path in trained.rglob("*.safetensors"):
        copy = tmp_path / "checkpoints" / path.relative_to(trained)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (entry,) = leak.networks(checkpoints.list())
    return entry
