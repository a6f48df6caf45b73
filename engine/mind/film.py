"""Film: the picture goes on by itself, chunk after chunk, and owns its loop beside the stream of single pictures.

The stream's picture answers at once; from the next one on it is a film that begins with it. A source of film
(`engine.mind.carried` on any machine) makes a chunk out of where the film is and of the words that are present; pictures
are taken out of the chunk by the clock, so a slow machine shows fewer of them and nothing goes slower. Other words do not
wait for the end of a chunk: a new one begins with the picture that is shown. They are a bridge: after TURNS chunks the film
has arrived at the picture that is dreamt of them, and goes on from there. It arrives again where more of their crowd is
painted meanwhile, and every FRESH chunks, so that nothing that is carried on grows older than some seconds.

Two rivals (`engine.mind.rivals`) make it by turns, or side by side: then there are two strands, of one clock and one noise, which
begin with one picture, go on from it each in its own way, and after some chunks have one picture again.
"""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.messages import LARGE
from engine.mind.carried import Carried, Chunk, Reel, Script, Source, pixels, rgba
from engine.mind.dreamer import Dreamer
from engine.mind.filmed import Beside
from engine.mind.model.codec import fitted
from engine.mind.model.flowing import alike
from engine.mind.rivals import BOUT, Rival, Rivals, as_rival, side_by_side
from engine.mind.rows.continuation import Continuation
from engine.mind.strand import Asked, Composed, Strand, both
from engine.mind.stream import Walk
from engine.mind.thought import Thought
from engine.mind.trial import wrong

TURNS = 2  # chunks in which the film arrives at the picture of other words
FRESH = 4  # chunks that are carried on from one picture dreamt for itself to the next: copies of copies gather specks
SOON = 0.75  # of a chunk, after which other words wait for the next
COMPOSED = 0.4  # seconds from one composition to the next: memories come and go between keys, too
AHEAD = 3  # compositions after other words, at once: by then those who were there have left
LONGEST = 0.5  # seconds: after a stall the film goes on where it was
OPENS = 1.6  # seconds in which one picture becomes two side by side
CHUNKS = 1 << 36  # where the chunks' own fields of noise begin


class Film:
    """One film at a time. One thread."""

    def __init__(self, dreamer: Dreamer, walk: Walk, source: Source | None = None):
        self.dreamer, self.walk = dreamer, walk
        self.source: Source = source or Carried(dreamer)
        self.row, self.rivals = Continuation(), Rivals()
        self.locked: str | None = None  # why the source may not go on with pictures, "" where it may; None: it has not been tried
        self.strands: Sequence[Strand] = ()  # that are shown, the left one first; (): pictures are single. Replaced, never changed
        self.lead = 0  # which of them is remembered, and goes on alone where two end
        self.motion = 0.0  # rms change of the latent a second, as the stream has it
        self._two: tuple[Rival, ...] = ()
        self._apart = 0.0  # 0..1: how far on the way from one picture to two side by side
        self._bout, self._meet = 0, False  # chunks that two strands have left, and whether this one is the last
        self._sentence, self._missing = ("", ""), 0  # whose film it is, and how many of its crowd were not painted yet
        self._since = self._time = self._looked = 0.0  # seconds of the mind's clock: of the chunk, the last picture, the last composition
        self._composed: dict[bool, Composed] = {}  # by whether another hand has painted it
        self._latent: Tensor | None = None
        self._made = 0  # chunks, ever: each has its own noise

    @property
    def may(self) -> bool:
        """Whether pictures may go on: row 19's test holds with this source."""
        return self.locked == ""

    @property
    def chunk(self) -> Chunk | None:
        """That is shown, of the strand that leads; None: pictures are single."""
        return self.strands[self.lead].chunk if self.strands else None

    def try_on(self, thought: Thought) -> str:
        """Ask row 19 of the source, with this thought; why it may not go on, or "". Half a second; any thread, for it touches no film."""
        why = self.wrong_with(self.source, thought)
        if not why or isinstance(self.source, Carried):
            self.locked = why
            return why
        name, self.source = self.source.name, Carried(self.dreamer)
        return f"{name}: {why}; pictures are carried instead" + (f", and {carried}" if (carried := self.try_on(thought)) else "")

    def wrong_with(self, source: Source, thought: Thought) -> str:
        """What row 19 says of a source; "" where it holds. Half a second; any thread."""
        slow = source.slow if isinstance(source, Beside) else None
        return wrong(slow or source, self.dreamer, thought, self.walk, in_time=slow is not None)

    def live(self) -> None:
        """Nothing may wait from here on: a source that takes its time is asked beside the stream."""
        if not isinstance(self.source, Carried | Beside):
            self.source = Beside(self.source, Carried(self.dreamer))

    def close(self) -> None:
        if isinstance(self.source, Beside):
            self.source.close()

    def forget(self) -> None:
        """Pictures are single again."""
        if self.strands:
            self.strands, self.lead, self._composed, self._latent = (), 0, {}, None
            self.motion = self._apart = 0.0
            self._two, self._meet = (), False
            self.row.end()

    @property
    def measured(self) -> dict[str, Any]:
        """Fields of the State."""
        row, chunk = self.row, self.chunk
        return {"rival": self.strands[self.lead].by.id if self.strands else 0, "rivals": tuple((one.name, one.lingered) for one in self._two), "beside": self.apart,
                "film": self.source.name if self.may else "", "continuation": row.continuation, "chunk": row.chunk, "turned": chunk.turned if chunk else 0.0,
                "fidelity": row.fidelity, "seam": row.seam}  # fmt: skip

    @property
    def kept(self) -> Composed | None:
        """Whose the newest key of the strand that leads is, and that key: (c, h, w), whole and never warped. Any thread."""
        strands, lead = self.strands, self.lead
        return strands[min(lead, len(strands) - 1)].key if strands else None

    @property
    def shown(self) -> Composed | None:
        """The same of what is on the wall, which may be two. Any thread."""
        keys = [strand.key for strand in self.strands]
        if len(keys) < 2 or keys[0] is None or keys[1] is None:
            return self.kept
        return both(keys[0], keys[1])

    def touched(self, x: float) -> None:
        """Somebody has touched the wall at `x`, 0 left .. 1 right: whose film it is there is lingered on. Any thread."""
        strands = self.strands
        if strands and (name := strands[-1 if x >= 0.5 else 0].by.name):
            self.rivals.touched(name)

    def next(self, asked: Asked) -> tuple[NDArray[np.uint8], Tensor]:
        """The picture of the film at this second: (rgba (h, w, 4) u8, latent (c, h, w) f32)."""
        begun, time = clock.perf_counter(), asked.time
        if not self._composed or time - self._looked >= COMPOSED:
            self._compose(asked, time)
        self._go_on(asked)
        part, step = (time - self._since) / self._seconds, time - self._time
        self._open(step)
        shown = [strand.chunk.picture(part) for strand in self.strands if strand.chunk is not None]
        picture, latent = shown[0]
        if len(shown) > 1 or self._apart:
            picture = rgba(side_by_side(pixels(picture), pixels(shown[-1][0]), self.apart))
            latent = side_by_side(latent, shown[-1][1], self.apart)
        if self._latent is not None and self._latent.shape == latent.shape and step > 0.0:
            self.motion = float((latent - self._latent)[:LARGE].square().mean().sqrt()) / step
        if step > 0.0 and len(self.strands) == 1 and (name := self.strands[0].by.name):
            self.rivals.stay(name, min(LONGEST, step) * (1.0 - asked.dream.autonomy))
        self._time, self._latent = time, latent
        self.row.look(picture, self.chunk.end.chunk if self.chunk else 0, time)
        self.dreamer.contract.picture(clock.monotonic(), 1e3 * (clock.perf_counter() - begun), asked.at)
        return picture, latent

    @property
    def _seconds(self) -> float:
        """How long the chunk lasts; two, as long as the longer one."""
        return max(strand.chunk.seconds for strand in self.strands if strand.chunk is not None)

    @property
    def apart(self) -> float:
        """How far two stand apart on the wall, 0..1: slow, fast, slow."""
        return self._apart * self._apart * (3.0 - 2.0 * self._apart)

    def _open(self, step: float) -> None:
        """Move two pictures apart on the wall, or together, by a step of so many seconds."""
        way = min(LONGEST, max(0.0, step)) / OPENS
        self._apart = min(1.0, self._apart + way) if len(self.strands) > 1 else max(0.0, self._apart - way)

    def _go_on(self, asked: Asked) -> None:
        """Begin the next chunk of each strand, where it is time."""
        thought, time = asked.thought, asked.time
        sentence, begins, ended = (thought.key, thought.words), self.chunk is None, True
        turned = not begins and sentence != self._sentence
        if begins:
            reel = Reel.begun(self.dreamer.decode(asked.first[1]), asked.first[1])
            self.row.begin(asked.first[0], reel.pixels, time)
            self._since, self.lead, self.strands = time, 0, (Strand(reel, Rival(self.source)),)
        else:
            end = self._since + self._seconds
            part, ended = (time - self._since) / self._seconds, time >= end
            if not ended and not (turned and part < SOON):
                return
            self._since = time if not ended or time - end > LONGEST else end
            for strand in self.strands:
                assert strand.chunk is not None
                strand.reel = strand.chunk.end if ended else strand.chunk.cut(part)
        self._made += 1
        self._two = asked.two
        self._match(asked, ended)
        self._head(asked, begins, turned)
        self._sentence = sentence
        lead = self.strands[self.lead]
        for strand in (lead, *(one for one in self.strands if one is not lead)):
            script = self._script(strand, asked, lead.chunk.end if self._meet and strand is not lead and lead.chunk else None)
            strand.chunk = strand.by.source.next_chunk(strand.reel, script)
            later = self.rivals.after(self._two) if len(self.strands) == 1 and self._two else strand.by
            if isinstance(later.source, Beside) and lead.chunk is not None:
                later.source.ahead(lead.chunk.end if self._meet else strand.chunk.end, script)

    def _match(self, asked: Asked, ended: bool) -> None:
        """Who makes the next chunk: by turns, or each of two side by side; who begin with one picture, and end with one."""
        two, alone = asked.two, Rival(self.source)
        beside = asked.dream.beside and len(two) == 2
        if self._meet and ended:  # they have one picture again
            lead, self._meet = self.strands[self.lead], False
            lead.by = alone
            self.strands, self.lead = ((lead, lead.twin()), self.lead) if beside else ((lead,), 0)
            self._bout = BOUT
        elif beside and len(self.strands) == 1:
            self.strands, self._bout = (self.strands[0], self.strands[0].twin()), BOUT
        if len(self.strands) == 2:
            self._bout -= 1
            meet = self._bout <= 0 or not beside
            if meet and not self._meet and len(two) == 2:
                self.lead = two.index(self.rivals.goes_on(two))
            self._meet = meet
        makers = two if beside else (self.rivals.turn(two),) if two and len(self.strands) == 1 else ()
        for strand, by in zip(self.strands, makers or (alone,) * len(self.strands), strict=True):
            comes, strand.by = by.name != strand.by.name, by
            if comes and by.arrives and not self._meet:
                self.bridge(self.answer(strand, asked), TURNS, strand)

    def _head(self, asked: Asked, begins: bool, turned: bool) -> None:
        """Where each strand is on its way to."""
        thought = asked.thought
        missing = len(thought.company.wanting) + sum(one.hand.missing(thought) for one in self._two if one.hand)
        if turned:
            for later in range(1, AHEAD + 1):
                self._compose(asked, asked.time + later * LONGEST)
        for strand in self.strands:
            if turned:
                self.bridge(self.answer(strand, asked), TURNS, strand)
            elif not begins and missing < self._missing:  # what is dreamt of a larger crowd is another picture
                self.bridge(self.answer(strand, asked), strand.left if strand.to else TURNS, strand)
            elif strand.to is None and strand.carried >= FRESH:
                self.bridge(self.answer(strand, asked, strand.reel.like), TURNS, strand)
            strand.carried = 0 if strand.to else strand.carried + 1
        self._missing = missing if turned or begins else min(missing, self._missing)

    def bridge(self, to: Composed, chunks: int, strand: Strand | None = None) -> None:
        """From the next chunk on a strand (the one that leads) is on its way to this picture (c, h, w), and there after so many chunks."""
        strand = strand or self.strands[self.lead]
        strand.to, strand.left = to, chunks

    def answer(self, strand: Strand, asked: Asked, like: Tensor | None = None) -> Composed:
        """The picture that whoever makes a strand dreams of the thought, and whose it is; in the light of a latent `like` (c, h, w), if
        that is given."""
        thought, by, noise = asked.thought, strand.by, self.walk.at(asked.time)
        dreamer = by.source.dreamer if isinstance(by.source, Carried) else self.dreamer
        ids, again = by.hand.again(thought, noise) if by.hand else (thought.parents, thought.again)
        latent = dreamer.imagine(thought.condition, noise, again.latent, thought.strength)
        return ids, replace(again, latent=latent if like is None else alike(latent, like))

    def _compose(self, asked: Asked, time: float) -> None:
        """What memories are at this second, as each hand that is at work has painted them."""
        self._looked = asked.time
        self._composed = {False: asked.compose(time)}
        hand = next((one.hand for one in asked.two if one.hand is not None), None)
        if hand is not None:
            self._composed[True] = hand.compose(asked.thought, self.walk.at(time), time)

    def _script(self, strand: Strand, asked: Asked, meets: Reel | None) -> Script:
        """What a strand's next chunk is asked for; `meets`: where it has to end, if it has to."""
        thought, dream, tempo = asked.thought, asked.dream, 1.0
        if strand.by.producer is not None:
            dream, tempo = as_rival(dream, strand.by.producer)
        (ids, composed), last, left = self._composed.get(strand.by.hand is not None, self._composed[False]), None, 0
        places, start = composed.places, composed.latent
        if meets is not None:
            ids, places, last, left, strand.to = meets.ids, meets.places, meets.latent, 1, None
        elif strand.to is not None:
            (ids, goal), left = strand.to, strand.left
            places, last = goal.places, goal.latent
            strand.left, strand.to = left - 1, strand.to if left > 1 else None
        like = torch.empty(self.dreamer.latent)  # pictures may be smaller than memories, where the contract has made them so

        def fit(one: Tensor) -> Tensor:
            return fitted(one, like)

        return Script(
            thought.words, (thought.key, thought.words), thought.condition, fit(start), ids, fit(places),
            fit(self.walk.at(asked.time)), fit(self.walk.shaped(self.walk.fresh(CHUNKS | self._made))), dream.strength, dream.film, tempo,
            last=None if last is None else fit(last), left=left, said=asked.said or thought.words, seed=hash((self.walk.seed, CHUNKS, self._made)) & (2**62 - 1),
        )  # fmt: skip
