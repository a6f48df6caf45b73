"""The mechanism of hypermnesia on one page: `Mind.think`.

A mind remembers fragments (words, what they mean, a picture, what is read in it, whom it descends from). For the words
that are present it recalls, composes, dreams, reads back what it dreamt, finds what the picture remembers and the words
did not, turns the words there, and dreams again. Only that second picture is shown, and some of them are remembered.
"""

from __future__ import annotations

import io
import sqlite3
import threading
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.core.autonomy import ALONE
from engine.core.messages import Dream, News, Picture, Set, Text, Told, Touch, Withdraw, Withdrawn
from engine.mind.company import Ensemble
from engine.mind.composing import AtThoughtRate
from engine.mind.film import Film
from engine.mind.futures import Doubt
from engine.mind.gap import divergence, heaviest, slerp, surplus, towards
from engine.mind.gathering import Gathering
from engine.mind.keeper import Keeper
from engine.mind.measuring import Measuring
from engine.mind.memory.archive import Fragment
from engine.mind.memory.opening import Opened
from engine.mind.memory.recall import Recall
from engine.mind.memory.space import Vector
from engine.mind.memory.words import said, spoken
from engine.mind.model.flowing import flow
from engine.mind.options import MindOptions, spare
from engine.mind.parts import Parts, gather
from engine.mind.remembering import Remembering
from engine.mind.rivalry import Rivalry
from engine.mind.rows.aura import seed
from engine.mind.rows.rows import Rows
from engine.mind.shadow import Shadow
from engine.mind.sharing import Sharing
from engine.mind.speech import Speech
from engine.mind.strand import Asked, Composed
from engine.mind.stream import Onward, Stream
from engine.mind.thought import Share, Stopwatch, Thought, mixed

TOGETHER = 4  # pictures of an older archive that come over with a thought, where thoughts and pictures take turns
ANEW = 0.5  # of a thought's strength with which the picture is dreamt that a film of before goes on from
ANSWERS = 3  # sentences that get pictures of their own after one thought of a live room, where many wait
SETTLED = 3  # thoughts of a live room before it tries whether the picture may go on by itself: half a second that nobody waits for
HEARD = 3  # memories whose words together say where the picture turns
Progress = Callable[[str, float], None]


class Mind:
    """Words in, pictures and what was measured out. `picture` for one thread, the rest for any.

    The same options, the same archive and the same calls give the same bytes on a CPU. Called in turn (render, tests)
    it thinks within `picture`, every `think_every` pictures and when the words change; a live room calls `think` from a
    thread of its own and sets `thinks` to False.
    """

    def __init__(
        self, options: MindOptions, progress: Progress | None = None, parts: Parts | None = None, memory: Opened | None = None
    ):  # fmt: skip
        tell = progress or (lambda what, done: None)
        tell("loading the model", 0.0)
        torch.set_num_threads(options.threads or spare())
        self.options = options
        self.parts = parts or gather(options, tell)
        self.keeper = Keeper(options, self.parts, tell, memory)
        self.memory = self.keeper.memory
        self.speech = Speech(self.keeper)
        self.rows = Rows(self.keeper)
        self.sharing = Sharing(self.keeper)
        self.measuring = Measuring(self.keeper, self.speech, self.rows)
        self.remembering = Remembering(self.keeper, self.speech, self.measuring)
        self.stream = Stream(self.parts.dreamer, options.walk)
        self.gathering = Gathering(self.keeper)
        self.ensemble: Ensemble | AtThoughtRate = Ensemble(self.parts.dreamer.carries)
        self.shadow = Shadow(self.parts.dreamer)
        self.film = Film(self.parts.dreamer, self.stream.walk, self.parts.source)
        self.rivalry = Rivalry(self.keeper, self.rows.producers, self.film)
        self.doubt = Doubt(self.parts.dreamer)
        self._reseed(self.stream.walk.seed)
        self.thought: Thought | None = None
        self.thinks = True
        self._pictures, self._thoughts = 0, 0
        self._since = 0  # pictures since the last thought
        self._known = 0  # rows that were remembered before these words came
        self._origin = options.seed  # what a person set, part of every seed
        self._seed: int | None = None  # where the walk goes on from the next picture: other words, another place
        self._last: Picture | None = None  # that had never been
        self._before_me = "", 0  # the words that a mind before this one had on the wall, and how many pictures it kept of them
        self._first = options.first  # the last picture of a film that the next one goes on from
        self._veto = 0  # 2: not shown yet, 1: dark until there is another thought, 0: none
        self._vetoes = 0  # a thought that was begun before the last of them is refused with the picture
        self.slo: tuple[tuple[str, float], ...] = ()  # figures of the latency contract, for pictures to carry; a live room sets it
        self._lock = threading.Lock()  # one thought at a time

    # --- the mechanism ---

    @torch.inference_mode()
    def think(self, words: str, speaker: int, lenders: tuple[Share, ...], dream: Dream, noise: Tensor) -> Thought:
        """Steps 1 to 6 for one sentence; `noise` (c, h, w) is where its pictures begin."""
        watch = Stopwatch()
        tau, most = max(1e-3, dream.temperature), self.options.recalled
        u, carries = self.parts.means(words), self.parts.dreamer.carries

        # 1. recall by words, and who is painted for them
        recalled = self.memory.for_a_picture(u, most, tau, dream.gamma)
        company = self.gathering.company(words, u, recalled, dream.gamma, self._before)
        watch.lap("recall")
        # 2. compose them into one picture
        first = company.compose(noise, carries)
        watch.lap("compose")
        # 3. dream it under the words: the hidden picture
        condition = self.parts.condition(words)
        hidden = self.parts.dreamer.imagine(condition, noise, first.latent, dream.strength)
        watch.lap("dream")
        # 4. read back what was made, and whom it recalls
        read = self.parts.read(hidden)
        r, q = self.memory.both(u, read, most, tau)
        watch.lap("read")
        # 5. the gap: whom the picture remembers and the words did not
        gap, more = divergence(r.weights, q.weights), surplus(r.weights, q.weights)
        # 6. turn the words towards it, gather anew with those whom the gap is made of, and compose again
        pulls = [*self.rows.pulls(dream, speaker), *self.sharing.pulls(dream, words)]
        turned, heard = self._turn(u, condition, r, more, dream.beta * gap, dream.rho, tau, pulls)
        again = self.memory.for_a_picture(turned, most, tau, dream.gamma)
        elsewhere = turned if dream.rho > 0 or pulls else u
        company = self.gathering.company(words, elsewhere, again, dream.gamma, self._before, Recall(r.rows, more), dream.beta * gap)
        second = company.compose(noise, carries)
        watch.lap("gap")
        return Thought(
            words, speaker, lenders, u, r, q, tuple(self.memory.ids(r)), first, hidden, read, gap, more, dream.beta,
            dream.strength, second, company.ids, company, heard, 2, tuple(watch.laps), dream.key,
        )  # fmt: skip

    @property
    def _before(self) -> tuple[int, ...] | None:
        """Who is in the picture already; None before the first."""
        return self.thought.parents if self.thought is not None else None

    def _turn(
        self, u: Vector, condition: Tensor, r: Recall, more: np.ndarray, turn: float, rho: float, tau: float, pulls: Sequence[tuple[Recall, float]] = ()
    ) -> tuple[Vector, Tensor]:
        """c = slerp(t(u), e; beta J), and the same turn of the model's own condition; then, by rho, away from both, and to
        each of `pulls` as far as it says.

        A model hears sequences, not directions: there `e` is what the memories with the largest surplus say.
        """
        direction, heard = torch.from_numpy(u), condition
        if more.any():
            e = torch.from_numpy(towards(more, self.memory.words.raw(r.rows)))
            direction = slerp(direction, e, turn)
            if turn > 0:
                heard = slerp(heard, self._say(r.rows, more), turn)
        if rho > 0:
            far = self.memory.by_words(2 * self.memory.words.centre - u, self.options.recalled, tau)
            e = torch.from_numpy(towards(far.weights, self.memory.words.raw(far.rows)))
            direction, heard = slerp(direction, e, rho), slerp(heard, self._say(far.rows, far.weights), rho)
        for there, part in pulls:
            e = torch.from_numpy(towards(there.weights, self.memory.words.raw(there.rows)))
            direction, heard = slerp(direction, e, part), slerp(heard, self._say(there.rows, there.weights), part)
        return direction.numpy(), heard

    def _say(self, rows: np.ndarray, weights: np.ndarray) -> Tensor:
        """What these memories say, as one condition."""
        best = np.argsort(-weights, kind="stable")[:HEARD]
        best = best[weights[best] > 0]
        words = [self.memory.fragments[int(rows[k])].words for k in best]
        return mixed([self.parts.condition(one) for one in words], [float(weights[k]) for k in best])

    def _said(self, thought: Thought) -> str:
        """A thought's words with those of the memory that turns them most: what a text encoder hears that knows no directions."""
        leading = heaviest(thought.more)[:1] if thought.turn > 0.0 else ()
        return ", ".join([thought.words, *(self.memory.fragments[int(thought.r.rows[place])].words for place in leading)])

    # --- the stream ---

    @torch.inference_mode()
    def picture(self, dream: Dream, time: float) -> Picture:
        """The next picture for the newest request; `time` in seconds, of any clock that runs forwards."""
        asked_for, dream = dream, self.rows.producers.lead(dream)
        self.stream.walk.shape = self.rows.apriori.shape(dream.prior)
        if self._seed is not None:
            self._reseed(self._seed)
            self._seed = None
        if self._veto == 2:  # dark on this very picture, whatever is thought
            self._veto, self._pictures = 1, self._pictures + 1
            self.film.forget()
            return self._dark(dream)
        if self.thinks and (self._since >= self.options.think_every or self._other(dream, time)):
            self.ponder(asked_for, time)
        self._pictures, self._since = self._pictures + 1, self._since + 1
        self.rows.ledger.add("pictures")
        thought = self.thought
        if thought is None or self._veto:
            return self._dark(dream)
        begun = clock.perf_counter()
        study = dream.degree < thought.degree  # the hidden picture, to be looked at by those who study it
        condition = self.parts.condition(thought.words) if study else thought.condition
        asked = dream.at if (thought.key, thought.words) == dream.sentence else 0.0  # a picture of older words answers nobody
        if dream.film > 0 and self.thinks:
            self._try_film(dream, thought)
        films = dream.film > 0 and self.film.may and not dream.copies and not study and self._continues
        if not films:
            self.film.forget()
        if dream.copies > 0:  # the stream stands still meanwhile: what is copied is one picture
            rgba, latent = self.shadow.next(thought, self.stream.walk.fresh(self._pictures), dream.copies, time, asked)
            self.stream.interrupted()
        elif films:
            rgba, latent = self._filmed(thought, dream, time, asked)
        else:
            self.shadow.forget()
            start, onward = (thought.first.latent, None) if study else self._start(thought, time)
            rgba, latent = self.stream.next(condition, start, dream.strength, dream.feedback, time, asked, dream.flow, onward)
        if not dream.copies and not self.rows.aura.look(rgba, time):
            return self._withheld(asked_for, thought.words, time)
        measured, shares = self.measuring.now
        painted, contract = 1000 * (clock.perf_counter() - begun), self.parts.dreamer.contract
        state = replace(
            measured, picture=self._pictures, asked=asked, made=clock.monotonic(), autonomy=dream.autonomy,
            motion=self.film.motion if films else self.stream.motion, degree=1 if study else thought.degree, mass=self.keeper.mass,
            timings=(*thought.timings, ("paint", painted)), flow=dream.flow,
            shadow=self.shadow.size, copied=self.shadow.k, doubt=self.doubt.value, **self.film.measured,
            prior=self.rows.apriori.kl(dream.prior), aura=self.rows.aura.value, withheld=self.rows.aura.withheld, kept=self.rows.aura.kept,
            dream=replace(asked_for, words=""), time=time, seed=self.stream.walk.seed, step=contract.step, why=contract.why, contract=self.slo,
        )  # fmt: skip
        self._last = Picture(rgba, latent.numpy().astype(np.float16), shares, state)
        return self._last

    def _start(self, thought: Thought, time: float) -> tuple[Tensor, Onward | None]:
        """What is composed for the next picture (c, h, w), and what that flows to."""
        noise = self.stream.walk.at(time)
        if isinstance(self.ensemble, AtThoughtRate):
            return self.ensemble.next(thought.company, noise, time)
        return self.ensemble.next(thought.company, noise, time).latent, None

    @property
    def _continues(self) -> bool:
        """Whether there is a picture that a film may go on from: of the second degree, no residue of another, as large as those to come."""
        last, latent = self._last, self.stream.latent
        return last is not None and last.state.degree >= 2 and not last.state.dream.copies and latent is not None and latent.shape == self.parts.dreamer.latent

    def _try_film(self, dream: Dream, thought: Thought) -> None:
        """Ask once whether the picture may go on by itself, and whether a second model may; say where one may not."""
        if self.film.locked is None and (why := self.film.try_on(thought)):
            self.remembering.trouble(f"the picture does not go on by itself as it should: {why}")
        if why := self.rivalry.try_on(dream.rivals, thought):
            self.remembering.trouble(f"two models do not go on with one picture: {why}")

    def _filmed(self, thought: Thought, dream: Dream, time: float, asked: float) -> tuple[np.ndarray, Tensor]:
        """The next picture of the film, which begins with the last one of the stream; the stream goes on from its newest key."""
        assert self._last is not None and self.stream.latent is not None
        self.shadow.forget()
        self.stream.interrupted()

        def compose(at: float) -> Composed:
            start, onward = self._start(thought, at)
            ids, composition = self.ensemble.shown or (thought.parents, thought.again)
            return ids, composition if onward is None else replace(composition, latent=flow(start, *onward))

        first = (self._last.rgba, self.stream.latent)
        if self._first and self.film.chunk is None:
            first, self._first = self._extended(thought), b""
        two = self.rivalry.two(dream.rivals, thought)
        found = self.film.next(Asked(thought, dream, compose, first, time, asked, self._said(thought), two))
        assert self.film.chunk is not None
        self.stream.latent = self.film.chunk.end.latent
        return found

    def _extended(self, thought: Thought) -> tuple[np.ndarray, Tensor]:
        """The picture that a film is to go on from, and what it is dreamt anew to, a little: also here the first is of the second degree."""
        height, width = self.parts.dreamer.size
        with Image.open(io.BytesIO(self._first)) as picture:
            given = np.array(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
        noise = self.stream.walk.shaped(self.stream.walk.fresh(0))
        return given, self.parts.dreamer.imagine(thought.condition, noise, self.parts.dreamer.encode(given), ANEW * thought.strength)

    def live(self) -> None:
        """A room calls `think` from a thread of its own from here on; where pictures are quicker than composing, that too goes on beside them."""
        self.thinks = False
        self.film.live()
        self.rivalry.live()
        if getattr(self.parts.dreamer, "flows", False) and isinstance(self.ensemble, Ensemble):
            self.ensemble = AtThoughtRate(self.ensemble)

    def _withheld(self, dream: Dream, words: str, time: float) -> Picture:
        """This picture has been: it is dreamt anew from elsewhere. Until then the wall keeps the last one, or is dark where that has been, too."""
        self.ensemble.turn()
        self.film.forget()
        self.stream.anew(self._seeded(words, time))
        self.keeper.seed = self.stream.walk.seed
        if self._last is None or not self.rows.aura.holds(time):
            return self._dark(dream)
        aura = self.rows.aura
        state = replace(self._last.state, picture=self._pictures, autonomy=dream.autonomy, mass=self.keeper.mass, kept=aura.kept, dream=replace(dream, words=""), time=time,
                        seed=self.stream.walk.seed, aura=aura.value, withheld=aura.withheld, made=clock.monotonic())  # fmt: skip
        return replace(self._last, state=state)

    def _seeded(self, words: str, time: float) -> int:
        """The seed that these words have at this second: of everything kept so far, the place and the hour."""
        return seed(self.keeper.chain, f"{self.options.site} {self._origin}", round(60 * time), words)

    def wanted(self, dream: Dream, time: float) -> bool:
        """Whether somebody waits for a thought: other words, a crowd of which more is painted, a sentence without a picture, a veto."""
        return bool(self.keeper.owed) or self._other(dream, time) or self.gathering.arrived(self.thought)

    def _other(self, dream: Dream, time: float) -> bool:
        """Whether other words are present than were thought, or the picture of those was refused."""
        thought = self.thought
        return thought is None or bool(self._veto) or self._words(dream, time)[:2] != (thought.words, thought.speaker)

    def ponder(self, dream: Dream, time: float, waits: Callable[[], bool] = lambda: False) -> None:
        """Think about what is asked, answer who waits, remember what is due. Where it fails, the stream goes on.

        `waits`: whether somebody waits for another thought; what can be remembered later is then left for later.
        """
        dream = self.rows.producers.lead(dream)
        with self._lock:
            words, speaker, lenders = self._words(dream, time)
            if not self.memory.awake:
                self.remembering.trouble("nothing can be recalled: every kind of memory that is here is unplugged; the last thought stays")
            if not words or not self.memory.awake:
                return
            vetoes, noise = self._vetoes, self.stream.walk.at(time)
            if self.thinks:
                self.gathering.arrive(words, self.thought)
            thought = self.think(words, speaker, lenders, dream, noise)
            if vetoes != self._vetoes:
                return  # refused while it was thought: it is neither shown nor remembered
            if self.thought is None or (words, speaker) != (self.thought.words, self.thought.speaker):
                kept = self._before_me[1] if self.thought is None and words == self._before_me[0] else 0
                self._known = self.keeper.known = len(self.memory) - kept
                self.rows.aura.words(time, kept)
                self._seed = self._seeded(words, time) if self.thought is not None else None
            if self.thinks or self.thought is not None:  # the first picture of a show waits for nothing that it can do without
                self.doubt.look(thought, self.stream.walk, time)
            latent = self.stream.latent
            shown = thought.hidden if latent is None else latent
            self.measuring.take(self._as_shown(thought), dream, shown, self._known, time)
            self.thought, self._veto = thought, 0 if self._veto == 1 else self._veto
            self._thoughts, self._since = self._thoughts + 1, 0
            self.rivalry.linger(time)
            if self.thinks:
                self.rivalry.arrive(dream.rivals, thought)
            elif self._thoughts > SETTLED and not waits():
                self._try_film(dream, thought)
            try:
                for _ in range(TOGETHER if self.thinks else 0):
                    self.keeper.convert()
                self._remember(thought, dream, time, waits)
            except sqlite3.Error as wrong:
                self.remembering.trouble(f"the archive does not take anything in ({wrong}): playing on, remembering nothing")

    def _words(self, dream: Dream, time: float) -> tuple[str, int, tuple[Share, ...]]:
        """Whose words are present: somebody's, or, alone, the mind's own out of its own gap."""
        alone = dream.autonomy >= ALONE or not spoken(dream.words) or dream.key in self.keeper.gone
        if not alone:
            return dream.words, self.keeper.archive.said(dream.key), ()
        own = self.speech.alone(time, self.thought, self._thoughts)
        return said(own), 0, self.speech.lent(own)

    # --- remembering ---

    def _remember(self, thought: Thought, dream: Dream, time: float, waits: Callable[[], bool]) -> None:
        """Answer those who wait for a picture of their own, ANSWERS at most; else keep the picture that is shown, where it is time.

        Its parents are kept first, one by one: a picture never lies in the archive before those it is made of.
        """
        answered = 0
        while answered < (1 if self.thinks else ANSWERS) and (owed := self.keeper.next_owed(thought.speaker)) is not None:
            answered += 1
            if not self._answer(owed, thought, dream, waits) or waits():
                return
        latent = self.stream.latent  # of now: the stream goes on, and may begin anew meanwhile
        if not answered and self.remembering.due(time) and latent is not None and not self._veto and not dream.copies:
            vetoes, shown = self._vetoes, self._as_shown(thought, kept=True)
            if not self.keeper.adopt_all(shown.parents_of_note(), waits):
                return
            self.remembering.keyframe(thought, shown, latent, time)
            if vetoes != self._vetoes:  # while it was written down
                self.remembering.refuse(thought)

    def _answer(self, owed: Fragment, thought: Thought, dream: Dream, waits: Callable[[], bool]) -> bool:
        """A picture for one who waits; False: somebody else waits now, and this one still does."""
        mine, noise = thought, self.stream.walk.shaped(self.stream.walk.fresh(owed.id))
        ready = owed.id == thought.speaker
        if not ready:  # it is not on the wall: a thought for it, unseen, and in a live room of its own crowd, not of who is there
            ready = self.thinks or self.gathering.arrive(owed.words, None, waits)
            mine = self.think(owed.words, owed.id, (), dream, noise) if ready else thought
        if not ready or not self.keeper.adopt_all(mine.parents_of_note(), waits):
            self.keeper.owe(owed)
            return False
        self.remembering.answer(owed, mine, self.parts.dreamer.imagine(mine.condition, noise, mine.start, mine.strength))
        return True

    def _as_shown(self, thought: Thought, kept: bool = False) -> Thought:
        """A thought with the shares that the stream shows of it, once it does: they flow, and flow on from who was there before.
        `kept`: of the one picture that is remembered, where a film shows two."""
        shown = self.ensemble.shown
        if (film := self.film.kept if kept else self.film.shown) is not None:  # it carries on those who were there before, whatever the words are
            return replace(thought, again=film[1], parents=film[0])
        if shown is None or self.thought is None or (thought.words, thought.speaker) != (self.thought.words, self.thought.speaker):
            return thought
        return replace(thought, again=shown[1], parents=shown[0])

    # --- what people do ---

    def hear(self, text: Text) -> list[News]:
        """Store a sentence and acknowledge it. Its answer comes later, by `news`. A bad disk is a Trouble, not an end."""
        return self.remembering.hear(text)

    def touch(self, touch: Touch) -> Told:
        """Whose is this place? Those who have most of it, and a few of their words. A film that is touched is lingered on."""
        self.film.touched(touch.x)
        return self.measuring.touch(touch)

    def withdraw(self, withdraw: Withdraw) -> Withdrawn:
        """Take back what somebody gave. Raises OSError or sqlite3.Error where the disk does not even take the wish."""
        answer = self.remembering.withdraw(withdraw)
        self.gathering.forget()
        self.rivalry.forget()
        if answer.found and (last := self._last):  # a picture that is kept on the wall for another says nothing any more
            self._last = replace(last, state=replace(last.state, words="", caption="", readback=()))
        return answer

    def set(self, message: Set) -> None:
        """`/hm/veto`, `/hm/seed i`, `/hm/kinds/<kind> T`, `/hm/producers/kill i`; every other address is somebody else's."""
        match message.address.removeprefix("/hm/").split("/"), message.args:
            case ["veto"], _:
                self.veto()
            case ["seed"], (int() | float() as seed,):
                self._origin = int(seed)
                self._reseed(replace(self.options, seed=self._origin).walk)
            case ["producers", "kill"], (int() | float() as number,):
                self.rows.producers.kill(int(number))
            case ["kinds", kind], args:
                self.memory.plug(kind, bool(args[0]) if args else True)  # type: ignore[arg-type]

    def veto(self) -> None:
        """A person refuses this picture: dark at once, never remembered, and another walk through noise.

        What was remembered of the thought that is shown is let go, and a thought under way is refused with it.
        """
        self._veto, self._vetoes = 2, self._vetoes + 1
        self.remembering.refuse(self.thought)
        self._reseed(self.options.walk + self._pictures)
        self.stream.latent = None
        self.shadow.forget()

    def walk_on(self, seed: int) -> None:
        """From the next picture on the walk goes by this seed, whatever the words would have made of it: for a replay."""
        self._seed = None
        if seed != self.stream.walk.seed:
            self._reseed(seed)

    def _reseed(self, seed: int) -> None:
        self.stream.walk.reseed(seed)
        self.keeper.seed = seed

    def resume(self, seed: int, time: float, latent: Tensor, words: str = "", kept: int = 0) -> None:
        """Go on where another mind was: the seed of its walk, the seconds of its clock, its last latent (c, h, w).

        `words`, `kept`: what it had on the wall, where it had this archive, and how many pictures it remembered of that.
        """
        self._before_me = words, kept
        self._reseed(seed)
        self.stream.resume(time, latent)

    def news(self) -> list[News]:
        """Answers and troubles since the last call. Tries again now and then what the disk has refused."""
        self.remembering.try_again()
        if trouble := getattr(self.parts.dreamer, "trouble", ""):
            self.remembering.trouble(trouble)
        waiting = self.remembering.news
        return [waiting.popleft() for _ in range(len(waiting))]

    def close(self) -> None:
        if isinstance(self.ensemble, AtThoughtRate):
            self.ensemble.close()
        self.film.close()
        self.rivalry.close()
        self.rows.ledger.close()
        self.keeper.close()

    def _dark(self, dream: Dream) -> Picture:
        rgba = np.full((*self.parts.dreamer.size, 4), (0, 0, 0, 255), np.uint8)
        measured, shares = self.measuring.now
        aura = self.rows.aura
        state = replace(measured, picture=self._pictures, aura=aura.value, withheld=aura.withheld, degree=2, light=0.0, made=clock.monotonic(), autonomy=dream.autonomy)
        return Picture(rgba, np.zeros(self.parts.dreamer.latent, np.float16), shares[:0], state)
