"""Tiny networks with their comparisons, and the page about similarity in Streamlit's own test runner."""

import json
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from core import checkpoints, data, files, matrices, paths, recipes, replication, runs
from core.matrices import positions
from tests.core import tiny
from tests.pages import opening

STUDY = "colours-32/vgg16"
CHANGES = {"epochs": 2, "batch": 12, "augment": "none", "balance": 0.0, "rate": 0.05}
PERCENTS = (0, 50, 80, 90)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder: pictures, tiny networks trained on them (dense, and pruned to 80% in three ways), and their comparisons."""
    root = tmp_path_factory.mktemp("similarity")
    tiny.write_pictures(root / "data", {"train": 24, "validation": 4, "test": 30})
    places = {"root": root / "checkpoints", "data": root / "data"}
    with tiny.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(positions, "WATCHED", "red")
        dense = recipes.dense(STUDY, **CHANGES)
        runs.run(dense, **places)
        for method in ("one_shot", "layerwise", "iterative"):
            steps = {"steps": 2} if method == "iterative" else {}
            runs.run(recipes.pruned(dense, method, 0.8, **steps), **places)
        known, entries = paths.of(STUDY, places["root"]), checkpoints.list(places["root"])
        sets = [data.load("colours", split, size=32, root=places["data"]) for split in ("test", "train")]
        matrices.make(known, entries, *sets, percents=PERCENTS)
        matrices.path_of(known["one_shot"].dense).rename(root / "similarity.npz")
    return root


@pytest.fixture
def study(trained, monkeypatch):
    """The networks in the test's own folder, with their images; red is watched for. Nothing is stored."""
    shutil.copytree(trained / "checkpoints", files.checkpoint_root())
    monkeypatch.setenv("PRUNESCOPE_DATA", str(trained / "data"))
    monkeypatch.setattr(positions, "WATCHED", "red")
    with tiny.registered():
        yield STUDY


@pytest.fixture
def stored(study, trained):
    """All comparisons stored."""
    path = matrices.path_of(paths.of(study)["one_shot"].dense)
    shutil.copy(trained / "similarity.npz", path)
    return matrices.read(path, checkpoints.list())


@pytest.fixture
def nowhere(study, monkeypatch, tmp_path):
    """The images are not on this machine."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))


def opened(**query) -> AppTest:
    return opening.opened("pages/similarity.py", **query)


def texts(app: AppTest) -> str:
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\u00a0", " ")


def charts(app: AppTest) -> list[dict]:
    found = app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
    return [json.loads(element.proto.spec) for element in found]


def place(name: str):
    line = replication.lines(STUDY, checkpoints.list())[0]
    return matrices.position(matrices.chosen(line)[name])
