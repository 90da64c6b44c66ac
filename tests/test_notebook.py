"""The example notebook runs from its first cell to its last, without any image on this machine."""

import json
import os
import subprocess
import sys

from core.files import PROJECT

NOTEBOOK = PROJECT / "docs" / "notebook.ipynb"


def cells(kind: str) -> list[str]:
    """The texts of all cells of a kind, in order."""
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) >= (4, 5)
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == kind]


def test_every_cell_runs_in_order(tmp_path):
    # As a notebook does, the last line of a cell is shown: it must be printable, too.
    script = "\n".join(
        [
            "import ast",
            "def cell(text):",
            "    tree = ast.parse(text)",
            "    shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None",
            "    exec(compile(tree, 'cell', 'exec'), globals())",
            "    if shown is not None:",
            "        print(repr(eval(compile(ast.Expression(shown.value), 'cell', 'eval'), globals())))",
            *(f"cell({text!r})" for text in cells("code")),
        ]
    )
    environment = os.environ | {
        "PRUNESCOPE_DATA": str(tmp_path),
        "PRUNESCOPE_CHECKPOINTS": str(PROJECT / "checkpoints"),
    }
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ham10000-64/vgg16/dense" in done.stdout
    assert "newly_missed" in done.stdout


def test_it_holds_no_output_that_could_grow_stale():
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert all(not cell["outputs"] for cell in book["cells"] if cell["cell_type"] == "code")
    assert all("streamlit" not in text for text in cells("code"))
