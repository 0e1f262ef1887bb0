"""Percentiles of latencies, and the table and JSON of a measurement. Lower is better."""

import math
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table


class Latency(BaseModel):
    """Of one kind of request, in milliseconds."""

    model_config = ConfigDict(frozen=True)

    what: str
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the least value that at least `share` of all values do not exceed.

    Args:
        values: one or more, in any order.
        share: in (0, 1].
    """
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]


def latency(what: str, seconds: Sequence[float]) -> Latency:
    """The figures of one kind of request, from seconds."""
    millis = [1000.0 * value for value in seconds]
    return Latency(
        what=what,
        count=len(millis),
        p50_ms=percentile(millis, 0.50),
        p95_ms=percentile(millis, 0.95),
        p99_ms=percentile(millis, 0.99),
        worst_ms=max(millis),
    )


def print_latencies(rows: Sequence[Latency]) -> None:
    """A table on stdout, in milliseconds."""
    table = Table("milliseconds", "count", "p50", "p95", "p99", "worst", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        figures = (row.p50_ms, row.p95_ms, row.p99_ms, row.worst_ms)
        table.add_row(row.what, str(row.count), *(f"{value:.1f}" for value in figures))
    Console(highlight=False).print(table)


def write_json(file: Path, report: BaseModel) -> None:
    """The whole report."""
    file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
