"""How far a start is, on one line of a terminal that is written over; elsewhere a line each."""

from __future__ import annotations

import sys


def progress(what: str, done: float, before: str = "") -> str:
    """Say that so much of it is done, 0..1, unless that was said `before`; returns what was said."""
    return say(f"  {what} {100 * done:3.0f} %", before)


def say(line: str, before: str) -> str:
    """Say a line on stderr, unless it is the one `before`; returns it."""
    if line != before:
        end = "" if sys.stderr.isatty() else "\n"
        print(f"\r\033[K{line}" if not end else line, end=end, file=sys.stderr, flush=True)
    return line
