"""A table in a parquet file, with a head of plain values: written in one step, and read with its checksums."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.files import atomic_path

ERRORS = (pa.ArrowException, OSError, KeyError, TypeError, ValueError, IndexError)
"""What reading a file that is no such table, or not the expected one, raises."""


def write(path: Path, name: str, facts: Mapping, table: pa.Table, **options) -> None:
    """Write it in one step.

    Args:
        path: of the file.
        name: of its head; a file of another kind has another one.
        facts: for its head; kept as JSON.
        table: its columns.
        options: of :func:`pyarrow.parquet.write_table`.

    Raises:
        StorageFull: no room or no permission.
    """
    table = table.replace_schema_metadata({name: json.dumps(facts)})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True, **options)


def read(path: Path, name: str) -> tuple[dict, pa.Table]:
    """The head called ``name`` of a file, and its table; raises one of :data:`ERRORS`.

    Files of earlier versions have no checksums and are read as they are.
    """
    table = pq.read_table(path, page_checksum_verification=True)
    return json.loads(table.schema.metadata[name.encode()]), table
