"""A video pipeline as a source of film: chunks of real video out of the mind's own picture, and of its own words.

A film still begins with a picture of the second degree, and is led by the words that are present with those that the
picture remembers. Where it has to arrive at a picture (`Script.last`), the source of every machine (`engine.mind.carried`)
brings it there. In a live room a pipeline is asked one chunk ahead in a thread of its own: nothing waits for it.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from cachetools import LRUCache
from numpy.typing import NDArray
from torch import Tensor

from engine.core.guard import FAULTS
from engine.mind.carried import Carried, Chunk, Reel, Script, Source, pixels, rgba
from engine.mind.dreamer import Dreamer
from engine.mind.model.video import Video, open_video
from engine.mind.motion import measured

log = logging.getLogger("engine.mind")
PHRASES = 32  # sentences whose hearing is kept
MULTIPLE = 32  # pixels that a pipeline's sides are multiples of


class Strip(Chunk):
    """A chunk whose pictures are all there: (n, 3, H, W) f32, the first of them the last one of the chunk before."""

    def __init__(self, first: Reel, end: Reel, motion: Tensor, pictures: Tensor, fps: float, dreamer: Dreamer):
        super().__init__(first, end, motion, torch.zeros_like(motion[0]), 1.0)
        self.pictures, self.seconds, self.dreamer = pictures, (len(pictures) - 1) / fps, dreamer

    def picture(self, part: float) -> tuple[NDArray[np.uint8], Tensor]:
        number = min(len(self.pictures) - 1, max(0, int(part * (len(self.pictures) - 1) + 1e-6)))
        if number in (0, len(self.pictures) - 1):
            reel = self.end if number else self.first
            return rgba(reel.pixels), reel.latent
        shown = rgba(self.pictures[number])
        return shown, self.dreamer.encode(np.ascontiguousarray(shown[..., :3]))


class Filmed:
    """A video pipeline. What it keeps between chunks is in the reel; a film that was cut begins anew with its last picture."""

    def __init__(self, video: Video, dreamer: Dreamer, name: str):
        self.video, self.dreamer, self.name = video, dreamer, name
        self.carried = Carried(dreamer)
        self._heard: LRUCache[str, Any] = LRUCache(PHRASES)

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        if words.last is not None and words.left <= 1:
            return self.carried.next_chunk(state, words)
        if words.said not in self._heard:
            self._heard[words.said] = self.video.hear(words.said)
        past = state.past if state.past is not None else self.video.begin(self._fitted(state.pixels[None]))
        made, past = self.video.go_on(past, self._heard[words.said], words.seed)
        pictures = torch.cat([state.pixels[None], _sized(made, tuple(state.pixels.shape[1:]))])
        last = rgba(pictures[-1])
        motion = F.interpolate((measured(pictures[-2], pictures[-1]) * self.video.fps)[None], state.motion.shape[1:], mode="bilinear")[0]
        end = Reel(pixels(last), self.dreamer.encode(last[..., :3]), motion, state.ids, state.places, state.chunk + 1, state.like, past)
        return Strip(state, end, motion, pictures, self.video.fps, self.dreamer)

    def _fitted(self, picture: Tensor) -> Tensor:
        """At the next sides that a pipeline can have."""
        height, width = (max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE) for side in picture.shape[2:])
        return _sized(picture, (height, width))


class Beside:
    """A source that takes its time, asked one chunk ahead (`ahead`) in a thread of its own; where it has not answered, the quick one goes on."""

    def __init__(self, slow: Source, quick: Source):
        self.slow, self.quick, self.name = slow, quick, slow.name
        self._pool = ThreadPoolExecutor(1, "film")
        self._job: tuple[Reel, Future[Chunk]] | None = None
        self.late = 0  # chunks that came when they were no longer wanted

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        taken = self._taken(state)
        arrives = words.last is not None and words.left <= 1  # which nobody knew when it was asked for
        return self.quick.next_chunk(state, words) if taken is None or arrives else taken

    def ahead(self, state: Reel, words: Script) -> None:
        """What is likely to be asked for next: the film after `state`, under these words. Returns at once."""
        if self._job is not None and self._job[1].done():  # for a picture that the film has not gone on from
            self._job, self.late = None, self.late + 1
        if self._job is None:
            self._job = state, self._pool.submit(self._ask, state, replace(words, last=None, left=0, seed=words.seed + 1))

    def _ask(self, state: Reel, words: Script) -> Chunk:
        with torch.inference_mode():
            return self.slow.next_chunk(state, words)

    def _taken(self, state: Reel) -> Chunk | None:
        """What was asked for this very state, if it has come; what has come for another is let go."""
        if self._job is None or not self._job[1].done():
            return None
        (of, job), self._job = self._job, None
        try:
            chunk = job.result()
        except FAULTS as wrong:
            log.warning("a chunk of film failed (%s): %s goes on", wrong, self.quick.name)
            return None
        self.late += of is not state
        return chunk if of is state else None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def filmed(name: str | Path, dreamer: Dreamer, device: str = "auto") -> Filmed:
    """Open a video pipeline by name or folder, for this dreamer's pictures. Raises what opening a model raises."""
    return Filmed(open_video(name, device), dreamer, str(name))


def _sized(pictures: Tensor, size: tuple[int, ...]) -> Tensor:
    """(n, 3, h, w) at another size."""
    return pictures if tuple(pictures.shape[2:]) == size else F.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False).clamp(0.0, 1.0)
