import os
import shutil

import numpy as np
import pytest
import streamlit as st

from core.files import PROJECT
from tests.core import tiny, tiny_phantoms
from tests.pages.truth import Truth


@pytest.fixture(autouse=True)
def _fresh_caches():
    """Streamlit keeps its caches between the pages of one process; each test starts without."""
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Drawn pictures, and tiny networks trained on them for a moment: (data root, checkpoint root, name of the study)."""
    from core import recipes, runs

    root = tiny.write_pictures(tmp_path_factory.mktemp("data"), {"train": 24, "validation": 4, "test": 30})
    checkpoints = tmp_path_factory.mktemp("checkpoints")
    with tiny.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRUNESCOPE_DATA", str(root))
        patch.setenv("PRUNESCOPE_CHECKPOINTS", str(checkpoints))
        changes = {"epochs": 2, "batch": 12, "augment": "none", "balance": 0.0}
        dense = recipes.dense("colours-32/vgg16", rate=0.05, **changes)
        runs.run(dense)
        runs.run(recipes.pruned(dense, "iterative", 0.8, steps=2))
        return root, checkpoints, dense.study


@pytest.fixture
def study(trained, monkeypatch):
    """The name of a study of tiny networks, dense and iterative at 80%, in a checkpoint folder of this test's own."""
    root, checkpoints, name = trained
    monkeypatch.setenv("PRUNESCOPE_DATA", str(root))
    shutil.copytree(checkpoints, os.environ["PRUNESCOPE_CHECKPOINTS"], dirs_exist_ok=True)
    with tiny.registered():
        yield name


@pytest.fixture
def phantoms():
    """Tiny networks of ``phantom-32/vgg16``: dense, iterative-80 and one_shot-80."""
    with tiny.registered():
        tiny_phantoms.save()
        yield "phantom-32/vgg16"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """The networks that ship, and no images."""
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))


@pytest.fixture(scope="module")
def truth():
    """What is reckoned from the stored answers of the networks that ship."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
        return Truth()
