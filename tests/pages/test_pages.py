"""Every page in Streamlit's own test runner, on tiny networks that the test trains."""

from core import checkpoints
from tests.pages.opening import opened, texts

WHAT_IF = "pages/what_if.py"


def test_overview_says_what_to_do_where_nothing_was_trained(tmp_path):
    app = opened()
    assert "No trained network yet" in texts(app)
    assert "python -m core train" in app.code[0].value


def test_what_if_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened(WHAT_IF))


def test_overview_lists_the_networks_with_the_numbers_of_their_cards(study):
    app = opened()
    table = app.table[0].value
    assert list(table.index) == ["Dense", "Iterative"]
    card = checkpoints.load(f"{study}/iterative-80").card
    assert table.loc["Iterative", "Weights removed"] == f"{card.actual_sparsity:.1%}"
    estimate = card.metrics["balanced_accuracy"]["estimate"]
    assert table.loc["Iterative", "Balanced accuracy"].startswith(f"{estimate:.1%}")
    assert "not for diagnosis" in texts(app)


def test_overview_leaves_a_damaged_checkpoint_out_and_says_so(study):
    path = checkpoints.load(f"{study}/iterative-80").path
    path.write_bytes(path.read_bytes()[:1000])
    app = opened()
    assert list(app.table[0].value.index) == ["Dense"]
    assert "iterative-80" in texts(app)
    assert "cannot be read" in texts(app)
