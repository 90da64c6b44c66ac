"""Every part of every page, without images, on studies that ship and that other tests do not open: none fails, and each shows something.

Of all pages on all studies this is a choice, for time: a hundred classes without weights, and the other network on skin lesions.
"""

import pytest

from core.files import PROJECT
from pages.components import cost_state, layers_state, methods_controls, similarity_choices, whatif_controls
from tests.pages.opening import opened

PARTS = {
    "what_if": ("ham10000-64/densenet169", "view", whatif_controls.VIEWS),
    "methods": ("cifar100-32/densenet169", "part", methods_controls.SECTIONS),
    "similarity": ("cifar100-32/densenet169", "view", similarity_choices.PARTS),
    "layers": ("cifar100-32/densenet169", "show", layers_state.PARTS),
    "cost": ("cifar100-32/densenet169", "show", cost_state.PARTS),
}


@pytest.mark.parametrize("page", PARTS)
def test_every_part_opens(page, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    study, key, parts = PARTS[page]
    for name in parts:
        app = opened(f"pages/{page}.py", study=study, **{key: name})
        assert not [error.value for error in app.error], name
        assert app.selectbox(key="study").value == study
        assert len(app.main.children) > 3, name
