"""A run as an Apache Parquet file: a row per trial, each column with its type (docs/exports.md)."""

from __future__ import annotations

from typing import Any, BinaryIO

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats._rows import FACTS, reading_columns, rows
from parlab.orchestrator.show.formats.base import Output
from parlab.workers.wire.codec import encode


def write(run: RunView, stream: BinaryIO) -> None:
    """Write the rows that csv writes; what is missing is null.

    Raises:
        ModuleNotFoundError: the extra "parquet" is not installed.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds: dict[type, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    fields = [(name, kinds[kind]) for name, kind in FACTS.items()]
    fields += [(name, pa.float64()) for name in reading_columns(run)]
    about = {
        "parlab_run": run.run,
        "parlab_experiment": run.experiment.name,
        "parlab_version": run.parlab_version,
        # All of the surroundings; a row has what matters most of them.
        "parlab_nodes": encode(run.registrations),
    }
    table = pa.Table.from_pylist(list(rows(run)), schema=pa.schema(fields, metadata=about))
    parquet.write_table(table, stream)


OUTPUT = Output(
    "parquet", "a row per trial with types, for data frames and DuckDB (docs/exports.md)", write, binary=True
)
