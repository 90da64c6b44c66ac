"""Tiny networks trained on drawn pictures, and their matrices."""

import shutil

import pytest

from core import checkpoints, data, files, matrices, paths, recipes, replication, runs
from core.matrices import positions
from tests.core.tiny import registered

STUDY = "colours-32/vgg16"
CHANGES = {"epochs": 1, "batch": 6, "augment": "none", "balance": 0.0, "rate": 0.05}
PERCENTS = (0, 50, 90)


@pytest.fixture(scope="session")
def trained(colours, tmp_path_factory):
    """A folder with tiny networks trained on drawn pictures: dense, and pruned to 80% in three ways."""
    root = tmp_path_factory.mktemp("trained")
    dense = recipes.dense(STUDY, **CHANGES)
    with registered():
        runs.run(dense, root=root, data=colours)
        for method in ("one_shot", "layerwise", "iterative"):
            steps = {"steps": 2} if method == "iterative" else {}
            runs.run(recipes.pruned(dense, method, 0.8, **steps), root=root, data=colours)
    return root


@pytest.fixture
def study(tiny, colours, trained, monkeypatch):
    """These networks in the test's own folder. Of the pictures' classes, red is the one that is watched for."""
    shutil.copytree(trained, files.checkpoint_root())
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    monkeypatch.setattr(positions, "WATCHED", "red")
    return paths.of(STUDY)


@pytest.fixture
def sets(study):
    return [data.load("colours", split, size=32) for split in ("test", "train")]


@pytest.fixture(scope="session")
def compared(trained, colours, tmp_path_factory):
    """What :func:`make` stores of these networks: a file."""
    with registered(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(positions, "WATCHED", "red")
        known = paths.of(STUDY, trained)
        sets = [data.load("colours", split, size=32, root=colours) for split in ("test", "train")]
        matrices.make(known, checkpoints.list(trained), *sets, percents=PERCENTS)
        path = matrices.path_of(known["one_shot"].dense)
        return path.rename(tmp_path_factory.mktemp("compared") / path.name)


@pytest.fixture
def known(study, compared):
    """All comparisons of these networks, stored in the test's own folder too."""
    shutil.copy(compared, matrices.path_of(study["one_shot"].dense))
    return kept(study)


def make(study, sets, **options):
    return matrices.make(paths.of(STUDY), checkpoints.list(), *sets, percents=PERCENTS, **options)


def kept(study):
    return matrices.read(matrices.path_of(study["one_shot"].dense), checkpoints.list())


def line():
    return replication.lines(STUDY, checkpoints.list())[0]


def pruned_to(study, sparsity: float, *methods: str) -> None:
    for method in methods:
        steps = {"steps": 2} if method == "iterative" else {}
        runs.run(recipes.pruned(recipes.dense(STUDY, **CHANGES), method, sparsity, **steps))
