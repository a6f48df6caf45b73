"""Files and folders that nobody would write: read or refused, and nothing else."""

from __future__ import annotations

import pytest

from engine.bench.fuzz import Row, fuzz


def nothing_else(row: Row) -> bool:
    return row["tracebacks"] == row["written_outside"] == 0 and row["says"] == "ok"


def test_three_hundred_spoilt_files_and_folders_are_read_or_refused() -> None:
    row = fuzz(300, seed=3, draw=False)
    assert nothing_else(row), row
    assert row["read"] + row["refused"] == 300 and min(row["read"], row["refused"]) > 30  # type: ignore[operator,type-var]


@pytest.mark.long
def test_twenty_thousand_spoilt_files_and_folders_are_read_or_refused() -> None:
    row = fuzz(20_000, seed=1)
    assert nothing_else(row), row
    assert row["drawn"] > 20  # type: ignore[operator]
