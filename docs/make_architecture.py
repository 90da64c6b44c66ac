"""Draw the diagram of ``architecture.md`` from the code: ``python -m docs.make_architecture``. A test holds it current."""

import re
import textwrap

from core.files import PROJECT
from tests import test_architecture as house

FILE = PROJECT / "docs" / "architecture.md"
_BLOCK = re.compile(r"```mermaid\n.*?```", re.DOTALL)
_WORDS = {
    0: "what everything stands on",
    1: "images, networks, files",
    2: "masks",
    3: "train, measure, compare, explain",
    house.TOP: "carry out, store, judge, report",
}


def diagram() -> str:
    """The diagram: parts by level, and an arrow wherever one level imports another."""
    parts, arrows = _parts(), _arrows()
    lines = ["```mermaid", "flowchart TD", '  app["<b>app.py, pages/</b><br/>draw, compute nothing"]']
    lines.append('  cli["<b>python -m core</b><br/>the command line"]')
    for level in sorted(parts, reverse=True):
        names = "<br/>".join(textwrap.wrap(", ".join(sorted(parts[level])), 64))
        lines.append(f'  L{level}["<b>{level}: {_WORDS[level]}</b><br/>{names}"]')
    lines += [f"  {start} --> {end}" for start, end in arrows]
    return "\n".join([*lines, "```"])


def _parts() -> dict[int, set[str]]:
    """Level -> the parts of core that stand on it, as they lie on disk."""
    found: dict[int, set[str]] = {}
    for file in house.CORE:
        part = house.part_of(file)
        if part not in ("__init__", "__main__", "cli"):
            found.setdefault(_level(part), set()).add(part)
    return found


def _level(part: str) -> int:
    return house.LEVEL.get(part, house.TOP)


def _arrows() -> list[tuple[str, str]]:
    """Which level really imports which, read from every import.

    Imports within a level are left out, and so are arrows that follow from others: the diagram would be all arrows.
    """
    found = set()
    for file in house.CORE:
        own = house.part_of(file)
        if own in ("__init__", "__main__"):
            continue
        start = "cli" if own == "cli" else f"L{_level(own)}"
        for item in house.imports(file):
            target = house.part(item.module)
            if target is not None and target not in (own, "cli"):
                found.add((start, f"L{_level(target)}"))
    for file in house.SCREENS:
        for item in house.imports(file):
            target = house.part(item.module)
            if target is not None:
                found.add(("app", f"L{_level(target)}"))
    found = {(start, end) for start, end in found if start != end}
    after: dict[str, set[str]] = {}
    for start, end in found:
        after.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        return {place for end in after.get(start, ()) for place in (end, *reached(end))}

    return sorted(
        (start, end) for start, end in found if not any(end in reached(other) for other in after[start] - {end})
    )


def text() -> str:
    """The page with the diagram as it has to be."""
    return _BLOCK.sub(lambda _: diagram(), FILE.read_text(encoding="utf-8"), count=1)


def main() -> None:
    """Write the page."""
    FILE.write_text(text(), encoding="utf-8")
    print(FILE.relative_to(PROJECT))


if __name__ == "__main__":
    main()
