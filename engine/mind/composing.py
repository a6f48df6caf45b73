"""Composing at the rate of thoughts, for a device that paints faster than a host composes.

A composition takes a host ten milliseconds and more, and asks it whom a place continues, so it can be no part of a captured
picture. Here it is made beside the stream, some times a second; between two of them pictures flow from one to the next, which
is a number for the device (`onward`). When there is another, the flow begins anew where it is: nothing jumps.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from engine.mind.blend import Composition
from engine.mind.company import Company, Ensemble
from engine.mind.model.flowing import flow
from engine.mind.stream import Onward

EVERY = 1 / 6  # seconds from one composition to the next


class AtThoughtRate:
    """An ensemble, composed beside the stream. The stream's thread calls `next` and `turn`."""

    def __init__(self, ensemble: Ensemble, every: float = EVERY):
        self.ensemble, self.every = ensemble, every
        self._pool = ThreadPoolExecutor(1, "composing")
        self._job: Future[Composition] | None = None
        self._company: Company | None = None
        self._turns = False  # others are to come forward with the next one
        self._before: Tensor | None = None  # (c, h, w): where the flow began
        self._newest: Composition | None = None  # what it leads to
        self._since = self._asked = 0.0
        self._takes = every  # seconds from the last to the newest

    @property
    def shown(self) -> tuple[tuple[int, ...], Composition] | None:
        """Of the newest composition: what pictures flow to."""
        return self.ensemble.shown

    def next(self, company: Company, noise: Tensor, time: float) -> tuple[Tensor, Onward | None]:
        """Where the picture after the last one begins: a latent (c, h, w), and what it flows to. Raises what composing raises."""
        if self._newest is None or self._before is None or self._newest.latent.shape != noise.shape:
            self._take(self._wait() or self._compose(company, noise, time), time)
            if self._newest is not None and self._newest.latent.shape != noise.shape:
                self._take(self._compose(company, noise, time), time)
        elif self._job is not None and self._job.done():
            self._take(self._job.result(), time)
            self._job = None
        if self._job is None and (time - self._asked >= self.every or company is not self._company or self._turns):
            self._asked, self._company = time, company
            self._job = self._pool.submit(self._compose, company, noise, time)
        assert self._before is not None and self._newest is not None
        part = self._part(time)
        return (self._newest.latent, None) if part >= 1.0 else (self._before, (self._newest.latent, part))

    def turn(self) -> None:
        """Others come forward with the next composition."""
        self._turns = True

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _part(self, time: float) -> float:
        return min(1.0, max(0.0, (time - self._since) / max(1e-3, self._takes)))

    def _take(self, made: Composition, time: float) -> None:
        """The flow leads to this one from where it is."""
        before, newest = self._before, self._newest
        if before is None or newest is None or newest.latent.shape != made.latent.shape:
            self._before = made.latent
        else:
            self._before = flow(before, newest.latent, self._part(time))
        self._takes = min(3 * self.every, max(self.every, time - self._since))
        self._newest, self._since = made, time

    def _wait(self) -> Composition | None:
        job, self._job = self._job, None
        return None if job is None else job.result()

    def _compose(self, company: Company, noise: Tensor, time: float) -> Composition:
        with torch.inference_mode():
            if self._turns:
                self._turns = False
                self.ensemble.turn()
            return self.ensemble.next(company, noise, time)
