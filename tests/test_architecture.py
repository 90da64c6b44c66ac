"""The house stands as designed: who may import whom, what `import core` costs, and how long a file may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
MOST_LINES = 280

# Imports go down these numbers or stay on one. What is not named here, such as core.jobs, belongs to the top.
LEVELS = {
    0: ("errors", "device", "files", "progress", "words"),
    1: ("data", "models", "checkpoints", "studies", "paper"),
    2: ("pruning",),
    3: ("training", "evaluation", "similarity", "attribution"),
}
TOP = 4
LEVEL = {part: level for level, parts in LEVELS.items() for part in parts}


@dataclass(frozen=True)
class Import:
    """An import statement: which file, which module it names, and whether it runs when the file is imported."""

    file: Path
    module: str
    line: int
    at_once: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(PROJECT)}:{self.line} imports {self.module}"


def sources(*places: str) -> list[Path]:
    found = []
    for place in places:
        path = PROJECT / place
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def imports(file: Path) -> Iterator[Import]:
    """All imports of a file, those for type checkers only left out. ``from core import x`` names core.x."""

    def visit(node: ast.AST, at_once: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, alias.name, node.lineno, at_once)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: imports are absolute in this project"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(file, whole if located(whole) else node.module, node.lineno, at_once)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, at_once and not inside)

    yield from visit(ast.parse(file.read_text(encoding="utf-8")), True)


def located(module: str) -> Path | None:
    """The file of a module of ours."""
    path = PROJECT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def part(module: str) -> str | None:
    """Which part of core a module belongs to: core.data.folder to data. None for all others, and for core itself."""
    words = module.split(".")
    return words[1] if words[0] == "core" and len(words) > 1 else None


def part_of(file: Path) -> str:
    return file.relative_to(PROJECT / "core").parts[0].removesuffix(".py")


CORE = sources("core")
SCREENS = sources("app.py", "pages") if (PROJECT / "app.py").exists() else sources("pages")


def test_the_reader_of_imports_reads_all_kinds(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PROJECT", tmp_path)
    (tmp_path / "core" / "data").mkdir(parents=True)
    for name in ("__init__", "files", "data/__init__", "data/folder"):
        (tmp_path / "core" / f"{name}.py").write_text("")
    file = tmp_path / "core" / "runs.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nimport core.files as f, torch\nfrom core import data\n"
        "from core.data import folder, load\nif TYPE_CHECKING:\n    import pandas\n"
        "def g():\n    import streamlit\n    class K:\n        from core.data.folder import find\n"
    )
    found = [(item.module, item.at_once) for item in imports(file)]
    assert found == [
        ("typing", True),
        ("core.files", True),
        ("torch", True),
        ("core.data", True),
        ("core.data.folder", True),
        ("core.data", True),
        ("streamlit", False),
        ("core.data.folder", False),
    ]


@pytest.mark.parametrize("file", CORE, ids=lambda file: str(file.relative_to(PROJECT)))
def test_imports_go_down(file):
    own = part_of(file)
    level = LEVEL.get(own, TOP) if own != "__init__" else -1
    for item in imports(file):
        target = part(item.module)
        if target is not None and target != own:
            assert LEVEL.get(target, TOP) <= level, f"{item}, which is higher up"
            assert located(item.module), f"{item}, which does not exist"
        assert item.module.split(".")[0] not in ("app", "pages", "tests", "bench"), f"{item}, which stands above core"


def test_parts_do_not_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for file in CORE:
        own = part_of(file)
        targets = {part(item.module) for item in imports(file)} - {None, own}
        graph.setdefault(own, set()).update(targets)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_files_do_not_import_each_other_in_a_circle():
    graph = {
        file: {place for item in imports(file) if item.at_once and (place := located(item.module))} - {file}
        for file in CORE
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(str(file.relative_to(PROJECT)) for file in error.args[1]))


def test_core_never_draws():
    for file in CORE:
        for item in imports(file):
            package = item.module.split(".")[0]
            assert package not in ("streamlit", "altair", "matplotlib", "plotly"), item
            if package == "captum":
                assert part_of(file) == "attribution", item
                assert not item.at_once, f"{item} at its top: core imports without captum"


def test_screens_do_not_wait_for_torch():
    for file in SCREENS:
        for item in imports(file):
            if item.at_once:
                assert item.module.split(".")[0] not in ("torch", "torchvision", "captum"), f"{item} at its top"


def test_no_title_waits_for_torch():
    """What a page imports before its title is drawn, one page after the other: none may bring torch by whatever way."""
    script = """
import ast, pathlib, sys
for page in sorted(pathlib.Path("pages").glob("*.py")):
    body = ast.parse(page.read_text(encoding="utf-8")).body
    title = next(place for place, node in enumerate(body) if "attr='title'" in ast.dump(node))
    first = [node for node in body[:title] if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(first, []), str(page), "exec"), {})
    assert "torch" not in sys.modules, page
"""
    done = run(script)
    assert done.returncode == 0, done.stderr[-2000:]


def test_files_stay_short():
    lengths = {str(file.relative_to(PROJECT)): len(file.read_text(encoding="utf-8").splitlines()) for file in CORE}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_two_files_of_tests_have_one_name():
    """pytest takes files outside packages by their bare name: the second of one name stops the whole suite."""
    names = sorted(file.name for file in (PROJECT / "tests").rglob("test_*.py"))
    assert names == sorted(set(names))


def run(script: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True)


def test_import_core_costs_nothing():
    # Time of the processor, not of the clock: a busy machine must not fail this.
    done = run(
        "import sys, time; start = time.process_time(); import core; spent = time.process_time() - start\n"
        "heavy = {'torch', 'numpy', 'pandas'} & sys.modules.keys(); assert not heavy, heavy\n"
        "assert spent < 0.1, spent; assert core.files.PROJECT and core.errors.PruneScopeError\n"
        "assert 'torch' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr


def test_core_imports_without_what_draws_and_explains():
    modules = [
        ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for file in CORE
        if file.name != "__main__.py"
    ]
    done = run(
        "import sys, importlib\n"
        "class Blocked:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in ('streamlit', 'altair', 'captum'):\n"
        "            raise ImportError('blocked: ' + name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "import core\n"
        "for name in core.__all__: getattr(core, name)\n"
    )
    assert done.returncode == 0, done.stderr


def test_every_part_is_reached_from_core():
    import core

    parts = {part_of(file) for file in CORE} - {"__init__", "__main__", "cli"}
    assert parts <= set(core.__all__), "add it to core/__init__.py"
