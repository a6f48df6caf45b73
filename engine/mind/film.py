"""Film: the picture goes on by itself, chunk after chunk, and owns its loop beside the stream of single pictures.

The stream's picture answers at once; from the next one on it is a film that begins with it. A source of film
(`engine.mind.carried` on any machine) makes a chunk out of where the film is and of the words that are present; pictures
are taken out of the chunk by the clock, so a slow machine shows fewer of them and nothing goes slower. Other words do not
wait for the end of a chunk: a new one begins with the picture that is shown. They are a bridge: after TURNS chunks the film
has arrived at the picture that is dreamt of them, and goes on from there. It arrives again where more of their crowd is
painted meanwhile, and every FRESH chunks, so that nothing that is carried on grows older than some seconds.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.messages import LARGE, Dream, Producer
from engine.mind.blend import Composition
from engine.mind.carried import Carried, Chunk, Reel, Script, Source
from engine.mind.dreamer import Dreamer
from engine.mind.filmed import Beside
from engine.mind.model.codec import fitted
from engine.mind.model.flowing import alike
from engine.mind.rivals import Rivals, as_rival
from engine.mind.rows.continuation import Continuation
from engine.mind.stream import Walk
from engine.mind.thought import Thought
from engine.mind.trial import wrong

TURNS = 2  # chunks in which the film arrives at the picture of other words
FRESH = 4  # chunks that are carried on from one picture dreamt for itself to the next: copies of copies gather specks
SOON = 0.75  # of a chunk, after which other words wait for the next
COMPOSED = 0.4  # seconds from one composition to the next: memories come and go between keys, too
AHEAD = 3  # compositions after other words, at once: by then those who were there have left
LONGEST = 0.5  # seconds: after a stall the film goes on where it was
CHUNKS = 1 << 36  # where the chunks' own fields of noise begin

Composed = tuple[tuple[int, ...], Composition]  # of which memories, and what


class Film:
    """One film at a time. One thread."""

    def __init__(self, dreamer: Dreamer, walk: Walk, source: Source | None = None):
        self.dreamer, self.walk = dreamer, walk
        self.source: Source = source or Carried(dreamer)
        self.row, self.rivals = Continuation(), Rivals()
        self.locked: str | None = None  # why the source may not go on with pictures, "" where it may; None: it has not been tried
        self.chunk: Chunk | None = None  # that is shown; None: pictures are single
        self.motion = 0.0  # rms change of the latent a second, as the stream has it
        self._sentence, self._missing = ("", ""), 0  # whose film it is, and how many of its crowd were not painted yet
        self._bridge: tuple[Composed, int] | None = None  # a picture that the film is on its way to, whose it is, and in how many chunks
        self._since = self._time = self._looked = 0.0  # seconds of the mind's clock: of the chunk, the last picture, the last composition
        self._composed: Composed | None = None
        self._latent: Tensor | None = None
        self._made = 0  # chunks, ever: each has its own noise
        self._carried = 0  # chunks since the film has arrived somewhere

    @property
    def may(self) -> bool:
        """Whether pictures may go on: row 19's test holds with this source."""
        return self.locked == ""

    def try_on(self, thought: Thought) -> str:
        """Ask row 19 of the source, with this thought; why it may not go on, or "". Half a second; any thread, for it touches no film."""
        slow = self.source.slow if isinstance(self.source, Beside) else None
        why = wrong(slow or self.source, self.dreamer, thought, self.walk, in_time=slow is not None)
        if not why or isinstance(self.source, Carried):
            self.locked = why
            return why
        name, self.source = self.source.name, Carried(self.dreamer)
        return f"{name}: {why}; pictures are carried instead" + (f", and {carried}" if (carried := self.try_on(thought)) else "")

    def live(self) -> None:
        """Nothing may wait from here on: a source that takes its time is asked beside the stream."""
        if not isinstance(self.source, Carried | Beside):
            self.source = Beside(self.source, Carried(self.dreamer))

    def close(self) -> None:
        if isinstance(self.source, Beside):
            self.source.close()

    def forget(self) -> None:
        """Pictures are single again."""
        if self.chunk is not None:
            self.chunk = self._composed = self._latent = self._bridge = None
            self.motion = 0.0
            self.row.end()

    @property
    def measured(self) -> dict[str, Any]:
        """Fields of the State."""
        row, turned = self.row, self.chunk.turned if self.chunk else 0.0
        return {"rival": self.rivals.who if self.chunk else 0, "film": self.source.name if self.may else "", "continuation": row.continuation, "chunk": row.chunk, "turned": turned,
                "fidelity": row.fidelity, "seam": row.seam}  # fmt: skip

    @property
    def shown(self) -> Composed | None:
        """Whose the newest key is, and that key: (c, h, w), whole and never warped. Any thread."""
        chunk = self.chunk
        if chunk is None or not chunk.end.ids:
            return None
        end = chunk.end
        return end.ids, Composition(end.latent, end.places, end.places.mean((1, 2)))

    def next(
        self, thought: Thought, dream: Dream, compose: Callable[[float], Composed], first: tuple[NDArray[np.uint8], Tensor], time: float,
        asked: float = 0.0, said: str = "", two: tuple[Producer, ...] = (),
    ) -> tuple[NDArray[np.uint8], Tensor]:
        """The picture of the film at this second: (rgba (h, w, 4) u8, latent (c, h, w) f32).

        `compose` for a second: a composition of the thought's company; `first`: the picture that the wall has, where no film
        has begun, and its latent; `asked`: monotonic s, for the latency contract; `said`: the words with those that turn them;
        `two`: producers that make it by turns.
        """
        begun = clock.perf_counter()
        if self._composed is None or time - self._looked >= COMPOSED:
            self._looked, self._composed = time, compose(time)
        chunk = self._due(thought, dream, compose, first, time, said, two)
        rgba, latent = chunk.picture((time - self._since) / chunk.seconds)
        step = time - self._time
        if self._latent is not None and self._latent.shape == latent.shape and step > 0.0:
            self.motion = float((latent - self._latent)[:LARGE].square().mean().sqrt()) / step
        if step > 0.0:
            self.rivals.stay(min(LONGEST, step), dream.autonomy)
        self._time, self._latent = time, latent
        self.row.look(rgba, chunk.end.chunk, time)
        self.dreamer.contract.picture(clock.monotonic(), 1e3 * (clock.perf_counter() - begun), asked)
        return rgba, latent

    def _due(self, thought: Thought, dream: Dream, compose: Callable[[float], Composed], first: tuple[NDArray[np.uint8], Tensor], time: float, said: str,
             two: tuple[Producer, ...]) -> Chunk:  # fmt: skip
        """The chunk that is shown at this second."""
        sentence, chunk, missing = (thought.key, thought.words), self.chunk, len(thought.company.wanting)
        turned = chunk is not None and sentence != self._sentence
        if chunk is None:
            reel = Reel.begun(self.dreamer.decode(first[1]), first[1])
            self.row.begin(first[0], reel.pixels, time)
            self._since = time
        else:
            part = (time - self._since) / chunk.seconds
            if part < (SOON if turned else 1.0):
                if not turned:
                    return chunk
                reel, self._since = chunk.cut(part), time
            elif part < 1.0:
                return chunk
            else:
                reel, self._since = chunk.end, self._since + chunk.seconds
                if time - self._since > LONGEST:
                    self._since = time
        if turned:
            for later in range(1, AHEAD + 1):
                self._composed = compose(time + later * LONGEST)
            self.bridge(self.answer(thought, time), TURNS)
        elif chunk is not None and missing < self._missing:  # what is dreamt of a larger crowd is another picture
            self.bridge(self.answer(thought, time), self._bridge[1] if self._bridge else TURNS)
        elif self._bridge is None and self._carried >= FRESH:
            self.bridge(self.answer(thought, time, reel.like), TURNS)
        self._carried = 0 if self._bridge else self._carried + 1
        self._sentence, self._missing = sentence, missing if turned or chunk is None else min(missing, self._missing)
        self.chunk = self.source.next_chunk(reel, self._script(thought, dream, time, said, two))
        return self.chunk

    def bridge(self, to: Composed, chunks: int) -> None:
        """From the next chunk on the film is on its way to this picture (c, h, w), and there after so many chunks."""
        self._bridge = to, chunks

    def answer(self, thought: Thought, time: float, like: Tensor | None = None) -> Composed:
        """The picture that is dreamt of a thought, and whose it is; in the light of a latent `like` (c, h, w), if that is given."""
        latent = self.dreamer.imagine(thought.condition, self.walk.at(time), thought.start, thought.strength)
        latent = latent if like is None else alike(latent, like)
        return thought.parents, replace(thought.again, latent=latent)

    def _script(self, thought: Thought, dream: Dream, time: float, said: str, two: tuple[Producer, ...]) -> Script:
        assert self._composed is not None
        tempo, self.rivals.who = 1.0, 0
        if len(two) > 1:
            dream, tempo = as_rival(dream, self.rivals.turn(two))
        self._made += 1
        (ids, composed), last, left = self._composed, None, 0
        if self._bridge is not None:
            ((ids, goal), left), last = self._bridge, self._bridge[0][1].latent
            composed = replace(goal, latent=composed.latent)
            self._bridge = (self._bridge[0], left - 1) if left > 1 else None
        like = torch.empty(self.dreamer.latent)  # pictures may be smaller than memories, where the contract has made them so

        def fit(one: Tensor) -> Tensor:
            return fitted(one, like)

        return Script(
            thought.words, (thought.key, thought.words), thought.condition, fit(composed.latent), ids, fit(composed.places),
            fit(self.walk.at(time)), fit(self.walk.shaped(self.walk.fresh(CHUNKS | self._made))), dream.strength, dream.film, tempo,
            last=None if last is None else fit(last), left=left, said=said or thought.words, seed=hash((self.walk.seed, CHUNKS, self._made)) & (2**62 - 1),
        )  # fmt: skip
