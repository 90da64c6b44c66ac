"""Tables with a head: they come back as written, and a bit that flipped on the disk is no number on a screen."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import tablefile

TABLE = pa.table({"x": np.random.default_rng(0).random(500), "name": [f"image {number}" for number in range(500)]})


def test_what_was_written_is_read(tmp_path):
    tablefile.write(tmp_path / "x.parquet", "kind", {"a": [1, 2]}, TABLE)
    facts, found = tablefile.read(tmp_path / "x.parquet", "kind")
    assert facts == {"a": [1, 2]}
    assert found.equals(TABLE)
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_a_table_of_another_kind_or_none_is_an_error(tmp_path):
    tablefile.write(tmp_path / "x.parquet", "other", {}, TABLE)
    pq.write_table(TABLE, tmp_path / "bare.parquet")
    (tmp_path / "text.parquet").write_text("PAR1")
    for name in ("x", "bare", "text", "none"):
        with pytest.raises(tablefile.ERRORS):
            tablefile.read(tmp_path / f"{name}.parquet", "kind")


@pytest.mark.parametrize("place", [0.2, 0.4, 0.6])
def test_a_flipped_bit_in_the_numbers_is_an_error(tmp_path, place):
    path = tmp_path / "x.parquet"
    tablefile.write(path, "kind", {}, TABLE)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 16
    path.write_bytes(content)
    with pytest.raises(tablefile.ERRORS):
        tablefile.read(path, "kind")


def test_files_of_before_without_checksums_are_read(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(TABLE.replace_schema_metadata({"kind": "{}"}), path)
    assert tablefile.read(path, "kind") == ({}, TABLE.replace_schema_metadata({"kind": "{}"}))
