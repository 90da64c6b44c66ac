"""Stored answers: how large files are by image against step after step, and how quickly they are read: ``python -m bench.answers``.

For each network that ships with the answers of many steps. Reading is timed in turn, five times each, the quickest counts. The plain way
is the layout of files of earlier versions: one step after the other, each number as it is.
"""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core import answerfile, checkpoints, responses
from core.answers import Short
from core.cohort import Cohort

LEAST = 20  # steps; few say nothing of the order
ROUNDS = 5


def plain(path: Path, facts: dict, answers: answerfile.Answers) -> None:
    """A file as earlier versions wrote it."""
    steps = sorted(answers)
    size = len(answers[steps[0]][0]) if isinstance(answers[steps[0]], Short) else len(answers[steps[0]])
    columns = {
        "percent": np.repeat(np.array([percent for percent, _ in steps], np.uint8), size),
        "recalibrated": np.repeat([mode for _, mode in steps], size),
    }
    if isinstance(answers[steps[0]], Short):
        columns |= {name: np.concatenate([getattr(answers[step], name) for step in steps]) for name in Short._fields}
    else:
        whole = np.concatenate([answers[step] for step in steps])
        columns |= {f"p{place}": np.ascontiguousarray(whole[:, place]) for place in range(whole.shape[1])}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    head = {"response": json.dumps({**facts, "steps": steps})}
    pq.write_table(table.replace_schema_metadata(head), path, compression="zstd", compression_level=15)


def seconds(path: Path, labels: np.ndarray) -> float:
    """How long the answers in a file take to be read."""
    start = time.perf_counter()
    answerfile.answers_in(*answerfile.open_file(path), labels)
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each network."""
    print(f"{'network':40}{'steps':>7}{'plain, kB':>12}{'by image, kB':>14}{'smaller':>9}{'read faster':>13}")
    for entry in checkpoints.list():
        known = responses.read(entry) if entry.card else None
        if known is None or len(known.answers) < LEAST:
            continue
        labels = Cohort.load(responses.cohort_path(entry)).labels
        facts = {"classes": known.classes}
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / name for name in ("plain", "by image")]
            plain(files[0], facts, known.answers)
            answerfile.write(files[1], facts, known.answers, labels)
            sizes = [file.stat().st_size for file in files]
            times = [
                min(pair)
                for pair in zip(*([seconds(file, labels) for file in files] for _ in range(ROUNDS)), strict=True)
            ]
        print(
            f"{entry.id:40}{len(known.answers):>7}{sizes[0] / 1000:>12,.0f}{sizes[1] / 1000:>14,.0f}"
            f"{sizes[0] / sizes[1]:>8.2f}×{times[0] / times[1]:>12.1f}×"
        )


if __name__ == "__main__":
    main()
