import numpy as np
import pytest
import streamlit as st

from tests.core import tiny


@pytest.fixture(autouse=True)
def _fresh_caches():
    """Streamlit keeps its caches between the pages of one process; each test starts without."""
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The name of a study of tiny networks, trained for a moment on drawn pictures: dense, and iterative at 80%."""
    from core import recipes, runs

    root = tiny.write_pictures(tmp_path / "data", {"train": 24, "validation": 4, "test": 30})
    monkeypatch.setenv("PRUNESCOPE_DATA", str(root))
    with tiny.registered():
        changes = {"epochs": 2, "batch": 12, "augment": "none", "balance": 0.0}
        dense = recipes.dense("colours-32/vgg16", rate=0.05, **changes)
        runs.run(dense)
        runs.run(recipes.pruned(dense, "iterative", 0.8, steps=2))
        yield dense.study


@pytest.fixture
def rng():
    return np.random.default_rng(0)
