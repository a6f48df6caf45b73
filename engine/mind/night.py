"""The night's work: once a day, in whatever quiet there is, the archive is copied, old pictures are laid together, and the
prior of the noise is fitted anew (`engine.mind.memory.prior`)."""

from __future__ import annotations

import numpy as np
import torch

from engine.core.autonomy import ALONE
from engine.core.messages import Dream
from engine.mind.keeper import Keeper
from engine.mind.memory.copies import LEAST, snapshot
from engine.mind.memory.frame import ask
from engine.mind.memory.opening import refuses
from engine.mind.memory.past import fingerprint
from engine.mind.memory.prior import refit
from engine.mind.memory.space import EXACT
from engine.mind.memory.strata import AGE, near_duplicates
from engine.mind.rows.rows import Rows

QUIET = 60.0  # seconds without anybody after which the night's work may begin
PRINTED = 512  # hashes of before that are made anew in one night
WAITS, FAILED, LOOKS = 60.0, 3600.0, 30.0  # seconds until it is asked again: at all, after a night that failed, whether a disk is back
FOLLOWS = 5.0  # seconds between two looks at what other houses did to the same memory


class Nights:
    """When it is time. One thread (the thought's); `now` in monotonic seconds."""

    def __init__(self, now: float):
        self._busy, self._asked = now, 0.0  # when somebody was last here; when it may be asked again
        self._followed = now

    def due(self, keeper: Keeper, dream: Dream | None, now: float, closed: bool = False) -> bool:
        """After QUIET seconds without anybody (`closed`: the house is), at any hour: a machine may be switched off at night. After a
        day without quiet all the same."""
        if not closed and (dream is None or dream.autonomy < ALONE):
            self._busy = now
        if now < self._asked or not (days := awake(keeper)) or (now - self._busy < QUIET and days < 2):
            return False
        self._asked = now + WAITS
        return True

    def failed(self, now: float) -> None:
        """Ask again in an hour."""
        self._asked = now + FAILED

    def follows(self, keeper: Keeper, now: float) -> bool:
        """Whether it is time to look what other houses did; where the server is away, whether it is back."""
        archive = keeper.archive
        if not keeper.options.server:
            return False
        if not archive.lost and now - self._followed < (LOOKS if archive.passing or archive.cut_off else FOLLOWS):
            return False
        self._followed = now
        return True

    def disk_is_back(self, keeper: Keeper, now: float) -> bool:
        """Whether a disk that refused takes again what is said, so that a new mind would remember. Looks now and then."""
        if now < self._asked:
            return False
        self._asked = now + LOOKS
        return not keeper.standing.remembers and not refuses(keeper.archive.folder, 2 * LEAST)


def awake(keeper: Keeper) -> int:
    """Days since the night's work was done last; 1 for an archive that never slept, 0 where nothing is remembered."""
    if not keeper.standing.remembers:
        return 0
    done = keeper.archive.fact("night")
    return keeper.archive.today - int(done) if done else 1


def print_anew(keeper: Keeper, most: int = PRINTED) -> None:
    """Pictures whose perceptual hash is of a kind of before get one of this kind, some each night. 40 ms each."""
    archive, space, past = keeper.archive, keeper.parts.space, keeper.past
    for fragment in past.unread[:most]:
        latent = archive.latents([fragment], space).get(fragment)
        if latent is not None and latent.shape == keeper.parts.dreamer.latent:
            hash = fingerprint(keeper.parts.dreamer.decode(torch.from_numpy(latent.astype(np.float32))))
            archive.hash_anew(fragment, space, hash)
            past.add(fragment, hash)
    del past.unread[:most]


def night(keeper: Keeper, reading: Rows) -> int:
    """Copy the archive, lay together what is old and alike, fit the prior anew; returns how many fragments went into another.

    Others are held up for one merge at a time. Raises OSError, sqlite3.Error or ArchiveError on a bad disk; what was
    done then is done, and the night is not over.
    """
    archive, memory = keeper.archive, keeper.memory
    snapshot(archive)
    keeper.settle()  # what was taken back while the copy was made
    rows = np.array([row for row, f in enumerate(memory.fragments) if f.kind == "machine" and f.state == 0], np.int64)
    fragments = [memory.fragments[row] for row in rows.tolist()]
    found = near_duplicates(fragments, memory.words.raw(rows), memory.images.raw(rows), archive.today - AGE)
    if archive.cut_off:  # what lies together in one house's file alone could not be told apart again
        found = []
    for ids in found:
        keeper.lay_together(ids)
    memory.keep()
    if len(memory) > EXACT:
        archive.sort(keeper.parts.space)
    print_anew(keeper)
    keeper.proposal = ask(archive)
    reading.apriori.learn(refit(archive, keeper.parts.space, archive.date) or reading.apriori.prior)
    archive.set_fact("night", str(archive.today).encode())
    return sum(len(ids) - 1 for ids in found)
