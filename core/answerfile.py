"""How the answers of one network at many steps lie in a parquet file: an image's after each other, a half-precision number as two bytes apart.

At neighbouring steps an image gets nearly the same answer, so this order makes files of a hundred classes half as large and those of
seven a quarter smaller than step after step, in which files of earlier versions lie; those are read too.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from core import tablefile
from core.answers import Short

ERRORS = tablefile.ERRORS
"""What reading a file that is none of these raises."""
_HEAD = "response"
_BY_IMAGE = "images"

Answers = dict[tuple[int, bool], np.ndarray | Short]


def write(path: Path, facts: Mapping, answers: Answers, labels: np.ndarray) -> None:
    """Write it in one step.

    Args:
        path: of the file.
        facts: for its head, as JSON; ``classes`` must be among them.
        answers: (percent, recalibrated) -> float16 [N, classes], or :class:`core.answers.Short`.
        labels: int [N], the true classes.

    Raises:
        StorageFull: no room or no permission.
    """
    steps, size = sorted(answers), len(labels)
    numbers, columns = _columns([answers[step] for step in steps], labels, facts["classes"])
    columns |= numbers
    columns["percent"] = np.tile(np.array([percent for percent, _ in steps], np.uint8), size)
    columns["recalibrated"] = np.tile([mode for _, mode in steps], size)
    tablefile.write(
        path,
        _HEAD,
        {**facts, "steps": steps, "order": _BY_IMAGE},
        pa.table({name: pa.array(values) for name, values in columns.items()}),
        compression_level=15,
        use_dictionary=[name for name in columns if name not in numbers],
        use_byte_stream_split=list(numbers),
    )


def open_file(path: Path) -> tuple[dict, pa.Table]:
    """The head of a file and its table, for :func:`answers_in`; raises one of :data:`ERRORS`."""
    return tablefile.read(path, _HEAD)


def answers_in(facts: Mapping, table: pa.Table, labels: np.ndarray | None) -> Answers:
    """The answers, as :func:`write` was given them.

    Args:
        facts, table: from :func:`open_file`.
        labels: int [N], the true classes; None where answers are whole.

    Raises:
        One of :data:`ERRORS`: the table is not what its head says.
    """
    steps = [tuple(step) for step in facts["steps"]]
    by_image = facts.get("order") == _BY_IMAGE

    def of_steps(name: str) -> np.ndarray:
        """[steps, N] of a column."""
        values = table[name].to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(values.reshape(-1, len(steps)).T) if by_image else values.reshape(len(steps), -1)

    percents, modes = of_steps("percent"), of_steps("recalibrated")
    for place, (percent, mode) in enumerate(steps):
        if (percents[place] != percent).any() or (modes[place] != mode).any():
            raise ValueError("its steps are not where its head says")
    if "p_top" in table.column_names:
        blocks = [Short(*block) for block in zip(*map(of_steps, Short._fields), strict=True)]
        # Where the likeliest class is the true one, its probability is stored once.
        blocks = [own._replace(p_true=np.where(own.top == labels, own.p_top, own.p_true)) for own in blocks]
    else:
        blocks = list(np.stack([of_steps(f"p{place}") for place in range(facts["classes"])], axis=2))
    return dict(zip(steps, blocks, strict=True))


def _columns(blocks: list, labels: np.ndarray, classes: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By image: the columns of numbers in half precision, and the others."""

    def by_image(values: list[np.ndarray]) -> np.ndarray:
        return np.stack(values, axis=1).ravel()

    if not isinstance(blocks[0], Short):
        return {f"p{place}": by_image([block[:, place] for block in blocks]) for place in range(classes)}, {}
    once = [block._replace(p_true=np.where(block.top == labels, np.float16(0), block.p_true)) for block in blocks]
    numbers = {name: by_image([getattr(block, name) for block in once]) for name in ("p_top", "p_true")}
    return numbers, {"top": by_image([block.top for block in once])}
