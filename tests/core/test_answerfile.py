"""How answers lie in a file: whole and short ones come back as they were, from this order and from the earlier one."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import answerfile
from core.answers import Short, shorten

IMAGES = 30
STEPS = [(0, False), (0, True), (10, False), (80, True)]


def drawn(classes: int) -> tuple[dict, np.ndarray]:
    random = np.random.default_rng(classes)
    labels = random.integers(0, classes, IMAGES)
    given = {step: random.dirichlet(np.full(classes, 0.2), IMAGES) for step in STEPS}
    if classes == 7:
        return {step: values.astype(np.float16) for step, values in given.items()}, labels
    return {step: shorten(values, labels) for step, values in given.items()}, labels


def same(found: dict, expected: dict) -> None:
    assert list(found) == sorted(expected)
    for step, values in expected.items():
        own = values if isinstance(values, Short) else (values,)
        for one, other in zip(found[step] if isinstance(values, Short) else (found[step],), own, strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


@pytest.mark.parametrize("classes", [7, 100])
def test_answers_come_back_as_they_were(tmp_path, classes):
    answers, labels = drawn(classes)
    path = tmp_path / "a.parquet"
    answerfile.write(path, {"classes": classes, "digest": "abc"}, dict(reversed(answers.items())), labels)
    facts, table = answerfile.open_file(path)
    assert facts["digest"] == "abc"
    same(answerfile.answers_in(facts, table, labels), answers)


def earlier(path, answers: dict, **head) -> None:
    """A file as earlier versions wrote it: step after step, the true class's probability always."""
    columns = {
        "percent": np.repeat(np.array([percent for percent, _ in STEPS], np.uint8), IMAGES),
        "recalibrated": np.repeat([mode for _, mode in STEPS], IMAGES),
    }
    if isinstance(answers[0, False], Short):
        columns |= {name: np.concatenate([getattr(answers[step], name) for step in STEPS]) for name in Short._fields}
    else:
        whole = np.concatenate([answers[step] for step in STEPS])
        columns |= {f"p{place}": whole[:, place].copy() for place in range(whole.shape[1])}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    facts = {"classes": 7, "steps": STEPS} | head
    pq.write_table(table.replace_schema_metadata({"response": json.dumps(facts)}), path)


@pytest.mark.parametrize("classes", [7, 100])
def test_files_of_earlier_versions_are_read(tmp_path, classes):
    answers, labels = drawn(classes)
    earlier(tmp_path / "a.parquet", answers, classes=classes)
    same(answerfile.answers_in(*answerfile.open_file(tmp_path / "a.parquet"), labels), answers)


@pytest.mark.parametrize(
    "head", [{"steps": STEPS[::-1]}, {"steps": STEPS[:3]}, {"order": "images"}, {"steps": []}, {"classes": 8}]
)
def test_a_head_that_does_not_fit_its_table_is_an_error(tmp_path, head):
    answers, labels = drawn(7)
    earlier(tmp_path / "a.parquet", answers, **head)
    with pytest.raises(answerfile.ERRORS):
        answerfile.answers_in(*answerfile.open_file(tmp_path / "a.parquet"), labels)


def test_an_image_that_hardly_changes_from_step_to_step_takes_little_room(tmp_path):
    """What the order is for: answers that drift slowly, a file half as large as step after step or smaller."""
    random, labels = np.random.default_rng(0), np.random.default_rng(1).integers(0, 100, 400)
    start, end = (random.dirichlet(np.full(100, 0.1), 400) for _ in range(2))
    answers = {
        (percent, False): shorten((1 - percent / 600) * start + percent / 600 * end, labels) for percent in range(60)
    }
    answerfile.write(tmp_path / "a.parquet", {"classes": 100}, answers, labels)
    columns = {name: np.concatenate([getattr(own, name) for own in answers.values()]) for name in Short._fields}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    pq.write_table(table, tmp_path / "b.parquet", compression="zstd", compression_level=15)
    small, large = ((tmp_path / f"{name}.parquet").stat().st_size for name in "ab")
    assert small < large


def test_a_flipped_bit_of_an_answer_is_an_error(tmp_path):
    answers, labels = drawn(7)
    path = tmp_path / "a.parquet"
    answerfile.write(path, {"classes": 7}, answers, labels)
    whole = path.read_bytes()
    answerfile.open_file(path)
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    place = column.data_page_offset + column.total_compressed_size - 5
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(answerfile.ERRORS):
        answerfile.open_file(path)
