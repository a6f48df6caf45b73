"""Errors for people: what was found, what is possible, the nearest match."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Plain(Exception):
    """An error whose message is a sentence for people: the command prints it without a traceback."""


class CannotPlay(Plain):
    """Something is wrong before the show; the message is one sentence with the next move."""


def nearest(found: str, possible: Iterable[str]) -> str:
    """The end of an error: the nearest valid name, or all of them."""
    names = sorted(possible)
    near = difflib.get_close_matches(found, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
