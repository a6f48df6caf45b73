"""An archive of an earlier version is read again at the start, and its pictures come over one by one beside the show."""

from __future__ import annotations

import logging
import sqlite3
import zlib
from collections import deque
from collections.abc import Callable
from lzma import LZMAError

from engine.mind.memory.archive import Archive, Seen
from engine.mind.memory.older import mean_again, picture_of_before, pictures_of_before
from engine.mind.parts import Parts

log = logging.getLogger("engine.mind")


def read_again(archive: Archive, parts: Parts, tell: Callable[[str, float], None]) -> deque[int]:
    """Words of an earlier archive are brought into this text space; returns whose pictures are still to come over."""
    try:
        if mean_again(archive, parts.means, parts.text, tell):
            for file in (archive.folder / "cache").glob("*"):  # sketches of the vectors of before
                file.unlink(missing_ok=True)
        return deque(pictures_of_before(archive, parts.space) if parts.before else ())
    except (sqlite3.Error, OSError) as wrong:  # a full disk: the next start goes on
        log.warning("an older memory is not yet read again: %s", wrong)
        return deque()


def seen_anew(archive: Archive, parts: Parts, fragment: int) -> Seen | None:
    """A picture of the autoencoder of before as this one sees it. 60 ms. None: it was taken back, or cannot be read and stays."""
    assert parts.before is not None
    try:
        latent = picture_of_before(archive, fragment, parts.space)
        if latent is None:
            return None
        rgb = parts.before.picture(latent)
        return parts.seen(parts.before.anew(latent, rgb), rgb)
    except (zlib.error, LZMAError, ValueError) as wrong:
        log.warning("the picture of memory %d cannot be read: %s", fragment, wrong)
        return None
