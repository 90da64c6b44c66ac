"""Write the reference of the promised names from their docstrings: ``python -m docs.make_api``. A test holds it current."""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator

from core.files import PROJECT

FILE = PROJECT / "docs" / "api.md"
PROMISED = {
    "Data": ("core.data.load", "core.data.ImageSet"),
    "Models": ("core.models.build", "core.models.prunable", "core.models.units"),
    "Pruning": (
        "core.pruning.magnitude",
        "core.pruning.Masks",
        "core.pruning.plan",
        "core.pruning.Step",
        "core.pruning.bind",
        "core.pruning.compact",
    ),
    "Evaluation": (
        "core.evaluation.predict",
        "core.evaluation.evaluate",
        "core.evaluation.compare",
        "core.evaluation.harm",
        "core.evaluation.Interval",
    ),
    "Similarity": ("core.similarity.cka", "core.similarity.cka_matrix", "core.similarity.CKAMatrix"),
    "Attribution": ("core.attribution.attribute",),
    "Checkpoints and runs": (
        "core.checkpoints.save",
        "core.checkpoints.load",
        "core.checkpoints.list",
        "core.recipes.dense",
        "core.recipes.pruned",
        "core.runs.run",
    ),
}
"""What users, notebooks and checks rely on, by chapter."""
_HEAD = """\
# The promised names

These keep their names, arguments and meaning. Everything else in `core` may change with a note in the changelog. `import core` costs
milliseconds; torch and the rest are imported when a part is first touched. Images are uint8 [N, H, W, 3] wherever a caller meets them,
sparsity is in [0, 1), and errors derive from `core.errors.PruneScopeError` and say what was given, what was expected and what to do.

This page is written by `python -m docs.make_api` from the docstrings. An example of most of it: [notebook.ipynb](notebook.ipynb).
"""
_SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises):")


def text() -> str:
    """The whole page."""
    parts = [_HEAD]
    for chapter, names in PROMISED.items():
        parts.append(f"## {chapter}\n")
        parts += [_entry(name) for name in names]
    return "\n".join(parts)


def _entry(name: str) -> str:
    module, _, own = name.rpartition(".")
    thing = getattr(importlib.import_module(module), own)
    node = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    lines = [f"### `{name}`\n", f"```python\n{_signature(node, own)}\n```\n", _prose(inspect.getdoc(thing))]
    if isinstance(node, ast.ClassDef):
        lines += _members(node)
    return "\n".join(lines)


def _signature(node: ast.FunctionDef | ast.ClassDef, name: str) -> str:
    """As in the source, so that it is the same under every version of Python and of what is imported."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {name}({bases})" if bases else f"class {name}"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{name}({ast.unparse(node.args)}){returns}"


def _members(node: ast.ClassDef) -> Iterator[str]:
    """Public methods and properties, a line each."""
    for item in node.body:
        if not isinstance(item, ast.FunctionDef) or item.name.startswith("_") or not ast.get_docstring(item):
            continue
        plain = any("property" in ast.unparse(decorator) for decorator in item.decorator_list)
        arguments = [argument for argument in ast.unparse(item.args).split(", ") if argument not in ("self", "cls", "")]
        call = item.name if plain else f"{item.name}({', '.join(arguments)})"
        yield f"- `.{call}`: {_line(ast.get_docstring(item).split(chr(10) + chr(10))[0])}"
    yield ""


def _prose(doc: str) -> str:
    """A docstring as Markdown: its sections become lists."""
    out = []
    for block in doc.split("\n\n"):
        match = _SECTION.match(block)
        if match is None:
            out.append(_line(block))
            continue
        body = textwrap.dedent(block[match.end() :].strip("\n"))
        items = [_line(body)] if match[1] in ("Returns", "Yields") else _items(body)
        out.append(f"**{match[1]}**\n\n" + "\n".join(f"- {item}" for item in items))
    return "\n\n".join(out) + "\n"


def _items(body: str) -> Iterator[str]:
    """The entries of a section; lines further in belong to the entry above."""
    items: list[str] = []
    for line in body.splitlines():
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
    for item in items:
        name, colon, rest = item.partition(": ")
        named = colon and re.fullmatch(r"[\w., \*]+", name)
        yield _line(f"`{name}`: {rest}" if named else item)


def _line(block: str) -> str:
    """On one line, with Sphinx's marks as Markdown's."""
    joined = " ".join(block.split())
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", joined).replace("``", "`")


def main() -> None:
    """Write the page."""
    FILE.write_text(text(), encoding="utf-8")
    print(FILE.relative_to(PROJECT))


if __name__ == "__main__":
    main()
