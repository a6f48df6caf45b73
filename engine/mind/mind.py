"""The mechanism of hypermnesia on one page: `Mind.think`.

A mind remembers fragments (words, what they mean, a picture, what is read in it, whom it descends from). For the words
that are present it recalls, composes, dreams, reads back what it dreamt, finds what the picture remembers and the words
did not, turns the words there, and dreams again. Only that second picture is shown, and some of them are remembered.
"""

from __future__ import annotations

import sqlite3
import threading
import time as clock
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.core.autonomy import ALONE
from engine.core.messages import (
    Ancestor,
    Dream,
    Kind,
    News,
    Picture,
    Returned,
    Set,
    State,
    Text,
    Token,
    Told,
    Touch,
    Trouble,
    Unkept,
    Withdraw,
    Withdrawn,
)
from engine.mind.company import Ensemble
from engine.mind.gap import angle, divergence, slerp, surplus, towards
from engine.mind.gathering import Gathering
from engine.mind.keeper import Keeper
from engine.mind.kin import Kin
from engine.mind.memory.lineage import authors, by_kind
from engine.mind.memory.recall import Recall
from engine.mind.memory.space import Vector
from engine.mind.memory.words import said, spoken
from engine.mind.options import MindOptions, spare
from engine.mind.parts import Parts, gather
from engine.mind.recipes import FIRST
from engine.mind.speech import Speech
from engine.mind.stream import Stream
from engine.mind.thought import Share, Stopwatch, Thought, mixed
from engine.painter.recipe import CROWD

AGAIN = 5.0  # seconds after which a disk that refused is asked again
MOST = 512  # sentences that are kept for it
TOGETHER = 4  # pictures of an older archive that come over with a thought, where thoughts and pictures take turns
HEARD = 3  # memories whose words together say where the picture turns
Progress = Callable[[str, float], None]


class Mind:
    """Words in, pictures and what was measured out. `picture` for one thread, the rest for any.

    The same options, the same archive and the same calls give the same bytes on a CPU. Called in turn (render, tests)
    it thinks within `picture`, every `think_every` pictures and when the words change; a live room calls `think` from a
    thread of its own and sets `thinks` to False.
    """

    def __init__(self, options: MindOptions, progress: Progress | None = None, parts: Parts | None = None):
        tell = progress or (lambda what, done: None)
        tell("loading the model", 0.0)
        torch.set_num_threads(options.threads or spare())
        self.options = options
        self.parts = parts or gather(options, tell)
        self.keeper = Keeper(options, self.parts, tell)
        self.memory = self.keeper.memory
        self.kin, self.speech = Kin(self.keeper), Speech(self.keeper)
        self.stream = Stream(self.parts.dreamer, _seed(options))
        self.gathering = Gathering(self.keeper)
        self.ensemble = Ensemble(self.parts.dreamer.carries)
        self._reseed(self.stream.walk.seed)
        self.thought: Thought | None = None
        self.thinks = True
        self._measured: tuple[State, np.ndarray] = (State(), np.zeros((0, 1, 1), np.float16))  # both or neither: three threads read them
        self._pictures, self._thoughts = 0, 0
        self._since = 0  # pictures since the last thought
        self._recalled = np.zeros((1, *self.parts.dreamer.latent), np.float32), np.ones(1)  # who was recalled last to compose
        self._caption: tuple[Token, ...] = ()  # what may be said of the picture, and whose each word is
        self._unheard: list[Text] = []  # sentences that the disk refused
        self._tried = 0.0  # when they were last tried again, and withdrawals that are not finished
        self._known = 0  # rows that were remembered before these words came
        self._veto = 0  # 2: not shown yet, 1: dark until there is another thought, 0: none
        self._vetoes = 0  # a thought that was begun before the last of them is refused with the picture
        self._kept_as: tuple[Thought | None, int] = None, 0  # the last thought that was remembered, and as which fragment
        self._news: deque[News] = deque(maxlen=256)
        self._own: tuple[Token, ...] = ()  # the machine's own sentence, when it is alone
        self._own_until = -1.0
        self._kept = 0.0  # scene seconds at which the last keyframe was remembered
        self._troubles: set[str] = set()
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
        turned, heard = self._turn(u, condition, r, more, dream.beta * gap, dream.rho, tau)
        again = self.memory.for_a_picture(turned, most, tau, dream.gamma)
        company = self.gathering.company(words, turned if dream.rho > 0 else u, again, dream.gamma, self._before, Recall(r.rows, more), dream.beta * gap)
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
        self, u: Vector, condition: Tensor, r: Recall, more: np.ndarray, turn: float, rho: float, tau: float
    ) -> tuple[Vector, Tensor]:
        """c = slerp(t(u), e; beta J), and the same turn of the model's own condition; then, by rho, away from both.

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
        return direction.numpy(), heard

    def _say(self, rows: np.ndarray, weights: np.ndarray) -> Tensor:
        """What these memories say, as one condition."""
        best = np.argsort(-weights, kind="stable")[:HEARD]
        best = best[weights[best] > 0]
        words = [self.memory.fragments[int(rows[k])].words for k in best]
        return mixed([self.parts.condition(one) for one in words], [float(weights[k]) for k in best])

    # --- the stream ---

    @torch.inference_mode()
    def picture(self, dream: Dream, time: float) -> Picture:
        """The next picture for the newest request; `time` in seconds, of any clock that runs forwards."""
        if self._veto == 2:  # dark on this very picture, whatever is thought
            self._veto, self._pictures = 1, self._pictures + 1
            return self._dark(dream)
        if self.thinks and self._due(dream, time):
            self.ponder(dream, time)
        self._pictures, self._since = self._pictures + 1, self._since + 1
        thought = self.thought
        if thought is None or self._veto:
            return self._dark(dream)
        begun = clock.perf_counter()
        study = dream.degree < thought.degree  # the hidden picture, to be looked at by those who study it
        condition = self.parts.condition(thought.words) if study else thought.condition
        composed = self.ensemble.next(thought.company, self.stream.walk.at(time), time)
        start = thought.first.latent if study else composed.latent
        asked = dream.at if (thought.key, thought.words) == dream.sentence else 0.0  # a picture of older words answers nobody
        rgba, latent = self.stream.next(condition, start, dream.strength, dream.feedback, time, asked)
        measured, shares = self._measured
        painted, contract = 1000 * (clock.perf_counter() - begun), self.parts.dreamer.contract
        state = replace(
            measured, picture=self._pictures, asked=asked, made=clock.monotonic(), autonomy=dream.autonomy,
            motion=self.stream.motion, degree=1 if study else thought.degree, mass=self.keeper.mass,
            timings=(*thought.timings, ("paint", painted)),
            dream=replace(dream, words=""), time=time, seed=self.stream.walk.seed, step=contract.step, why=contract.why, contract=self.slo,
        )  # fmt: skip
        return Picture(rgba, latent.numpy().astype(np.float16), shares, state)

    def wanted(self, dream: Dream, time: float) -> bool:
        """Whether somebody waits for a thought: other words, a sentence without a picture, a veto."""
        if self.thought is None or self._veto or self.keeper.owed:
            return True
        return self._words(dream, time)[:2] != (self.thought.words, self.thought.speaker)

    def _due(self, dream: Dream, time: float) -> bool:
        """Whether it is time for a thought, where thoughts and pictures take turns."""
        if self.thought is None or self._veto or self._since >= self.options.think_every:
            return True
        return self._words(dream, time)[:2] != (self.thought.words, self.thought.speaker)

    def ponder(self, dream: Dream, time: float) -> None:
        """Think about what is asked, answer who waits, remember what is due. Where it fails, the stream goes on."""
        with self._lock:
            words, speaker, lenders = self._words(dream, time)
            if not self.memory.awake:
                self._trouble("nothing can be recalled: every kind of memory that is here is unplugged; the last thought stays")
            if not words or not self.memory.awake:
                return
            vetoes, noise = self._vetoes, self.stream.walk.at(time)
            if self.thinks:
                self._arrive(words)
            thought = self.think(words, speaker, lenders, dream, noise)
            if vetoes != self._vetoes:
                return  # refused while it was thought: it is neither shown nor remembered
            if self.thought is None or (words, speaker) != (self.thought.words, self.thought.speaker):
                self._known = len(self.memory)
            self._measured = self._measure(self._as_shown(thought), dream)
            self.thought, self._veto = thought, 0 if self._veto == 1 else self._veto
            self._thoughts, self._since = self._thoughts + 1, 0
            try:
                for _ in range(TOGETHER if self.thinks else 0):
                    self.keeper.convert()
                self._remember(thought, dream, time)
            except sqlite3.Error as wrong:
                self._trouble(f"the archive does not take anything in ({wrong}): playing on, remembering nothing")

    def _words(self, dream: Dream, time: float) -> tuple[str, int, tuple[Share, ...]]:
        """Whose words are present: somebody's, or, alone, the mind's own out of its own gap."""
        alone = dream.autonomy >= ALONE or not spoken(dream.words) or dream.key in self.keeper.gone
        if not alone:
            return dream.words, self.keeper.archive.said(dream.key), ()
        if time >= self._own_until or not self._own:
            self._own_until = time + self.options.idle
            self._own = self._address()
        return said(self._own), 0, self.speech.lent(self._own)

    def _address(self) -> tuple[Token, ...]:
        """A sentence to itself: what the last picture remembered and its words did not, in the words of those memories."""
        if self.thought is None:
            return self.speech.somebody(self._thoughts)
        return self.speech.musing(self.thought, self._own)

    # --- painting ---

    def wanting(self) -> tuple[int, ...]:
        """Recipes that the newest thought would like to be painted, the most wanted first."""
        return self.thought.company.wanting if self.thought is not None else ()

    @property
    def hurries(self) -> bool:
        """Whether the crowd for the newest words is too small yet to make a picture of."""
        return len(self.wanting()) > CROWD - FIRST

    def paint(self) -> bool:
        """Paint one recipe that is wanted; whether there was one. 60 ms and more; any thread."""
        for one in self.wanting():
            if self.keeper.recipes.painted(one) is None and self.keeper.recipes.paint(one) is not None:
                return True
        return False

    def _arrive(self, words: str) -> None:
        """Where thoughts and pictures take turns, crowds arrive by the count of thoughts: FIRST at once, then two by two."""
        fresh = self.thought is None or words != self.thought.words
        waiting = self.gathering.wanted(words, self.parts.means(words), self.options.recalled) if fresh else self.wanting()
        for one in waiting[: FIRST if fresh else 2]:
            self.keeper.recipes.paint(one)

    # --- remembering ---

    def _remember(self, thought: Thought, dream: Dream, time: float) -> None:
        owed = self.keeper.next_owed(thought.speaker)
        if owed is not None:
            mine = thought
            if owed.id != thought.speaker:  # somebody else is still waiting: a thought for them, unseen
                mine = self.think(owed.words, owed.id, (), dream, self.stream.walk.fresh(owed.id))
            latent = self._finished(mine, self.stream.walk.fresh(owed.id))
            line = self.keeper.develop(mine, latent)
            if line:
                key, visit = self.keeper.waiting.pop(owed.id, (self.keeper.archive.key(owed.id), ""))
                tokens = self.speech.give_back(owed.words, mine, owed.language)
                self._news.append(Returned(key, visit, tokens, self._displacement(mine, latent), line.depth))
        elif time - self._kept >= self.options.keyframe and self.stream.latent is not None and not self._veto:
            self._kept = time
            vetoes = self._vetoes
            self._kept_as = thought, self.keeper.keyframe(self._as_shown(thought), self.stream.latent, self._caption)
            if vetoes != self._vetoes:  # while it was written down
                self._refuse()

    def _finished(self, thought: Thought, noise: Tensor) -> Tensor:
        """The second-degree picture of a thought, beside the stream."""
        return self.parts.dreamer.imagine(thought.condition, noise, thought.start, thought.strength)

    def _displacement(self, thought: Thought, latent: Tensor) -> float:
        """D: angle between the words and what is read back, over pi; each from the centre of its own space."""
        read = self.memory.images.centred(self.parts.read(latent))
        return angle(self.memory.words.centred(thought.meaning), read)

    def _as_shown(self, thought: Thought) -> Thought:
        """A thought with the shares that the stream shows of it, once it does: they flow, and flow on from who was there before."""
        shown = self.ensemble.shown
        if shown is None or self.thought is None or (thought.words, thought.speaker) != (self.thought.words, self.thought.speaker):
            return thought
        return replace(thought, again=shown[1], parents=shown[0])

    def _measure(self, thought: Thought, dream: Dream) -> tuple[State, np.ndarray]:
        lineage, places = self.kin.lineage(thought)
        shares = thought.parentage()
        kinds = by_kind(shares.values(), (self.keeper.kind(one) for one in shares))
        spoken = shares.get(thought.speaker, 0.0) if thought.speaker else 0.0
        shown = self.stream.latent if self.stream.latent is not None else thought.hidden
        self._caption = self.speech.caption(thought)
        state = State(
            words=thought.words, structure=f"{self.parts.dreamer.structure} {self.keeper.structure}", degree=thought.degree,
            gap=thought.gap, beta=thought.beta, neff=thought.again.neff, largest=thought.again.largest,
            displacement=self._displacement(thought, shown),
            light=self.keeper.novelty_rank(self.memory.novelty(self.parts.read(shown), self._known)),
            autonomy=dream.autonomy, mass=self.keeper.mass, fragments=len(self.memory), kinds=kinds,
            authors=authors(spoken, kinds[-1]), lineage=lineage, readback=self.speech.readback(thought),
            caption=said(self._caption),
        )  # fmt: skip
        return state, places

    # --- what people do ---

    def hear(self, text: Text) -> list[News]:
        """Store a sentence and acknowledge it. Its answer comes later, by `news`. A bad disk is a Trouble, not an end."""
        try:
            stored = self.keeper.hear(text)
            if self.keeper.standing.remembers:
                return [stored]
            self._trouble(self.keeper.standing.how)
            return []  # not acknowledged: it comes again to the mind that can keep it
        except sqlite3.Error as wrong:
            self._unheard = [*self._unheard, text][-MOST:]
            full = f"a sentence could not be stored yet ({wrong}); make room on the disk of {self.options.archive}"
            return [Unkept(text.key, text.visit), Trouble("mind", full)]

    def _try_again(self) -> None:
        """What the disk refused: withdrawals that were begun, and sentences, oldest first."""
        now = clock.monotonic()
        if now - self._tried < AGAIN or not (self._unheard or self.keeper.unsettled):
            return
        self._tried = now
        self.keeper.settle()
        try:
            while self._unheard:
                self._news.append(self.keeper.hear(self._unheard[0]))
                self._unheard = self._unheard[1:]
        except sqlite3.Error:
            return  # said when it was refused first

    def touch(self, touch: Touch) -> Told:
        """Whose is this place? Those who have most of it, and a few of their words."""
        state, shares = self._measured
        if not len(shares):
            return Told(touch.visit, ())
        _, rows, columns = shares.shape
        row, column = (min(n - 1, max(0, int(at * n))) for at, n in ((touch.y, rows), (touch.x, columns)))
        here = [(float(share), ancestor) for share, ancestor in zip(shares[:, row, column], state.lineage.ancestors, strict=True)]
        here.sort(key=lambda pair: -pair[0])
        told: tuple[Ancestor, ...] = tuple(replace(ancestor, share=share) for share, ancestor in here[:8] if share > 0.005)
        return Told(touch.visit, told, self.speech.few_words(told))

    def withdraw(self, withdraw: Withdraw) -> Withdrawn:
        """Take back what somebody gave. Raises OSError or sqlite3.Error where the disk does not even take the wish."""
        answer = self.keeper.withdraw(withdraw.code, withdraw.visit)
        self.speech.judge.forget()
        if answer.found:  # its own sentences may have borrowed from it: it says something else next
            self._own, self._own_until = (), -1.0
            state, shares = self._measured
            self._measured, self._caption = (replace(state, words="", caption="", readback=()), shares), ()
        if why := self.keeper.unsettled:
            self._trouble(f"what was taken back is no longer shown, but lies on the disk until this is over: {why}")
        return answer

    def set(self, message: Set) -> None:
        """`/hm/veto`, `/hm/seed i`, `/hm/kinds/<kind> T`; every other address is somebody else's."""
        match message.address.removeprefix("/hm/").split("/"), message.args:
            case ["veto"], _:
                self.veto()
            case ["seed"], (int() | float() as seed,):
                self._reseed(_seed(replace(self.options, seed=int(seed))))
            case ["kinds", kind], args:
                self.plug(kind, bool(args[0]) if args else True)  # type: ignore[arg-type]

    def veto(self) -> None:
        """A person refuses this picture: dark at once, never remembered, and another walk through noise.

        What was remembered of the thought that is shown is let go, and a thought under way is refused with it.
        """
        self._veto, self._vetoes = 2, self._vetoes + 1
        if self._kept_as[0] is self.thought:
            self._refuse()
        self._reseed(_seed(self.options) + self._pictures)
        self.stream.latent = None

    def _refuse(self) -> None:
        (_, fragment), self._kept_as = self._kept_as, (None, 0)
        try:
            if fragment:
                self.keeper.refuse(fragment)
        except sqlite3.Error as wrong:
            self._trouble(f"a refused picture stays in the archive until a restart ({wrong}); it is not recalled")

    def _reseed(self, seed: int) -> None:
        self.stream.walk.reseed(seed)
        self.keeper.seed = seed

    def resume(self, seed: int, time: float, latent: Tensor) -> None:
        """Go on where another mind was: the seed of its walk, the seconds of its clock, its last latent (c, h, w)."""
        self._reseed(seed)
        self.stream.resume(time, latent)

    def plug(self, kind: Kind, on: bool) -> None:
        """Whether memories of this kind may be parents from now on. What was inherited from them stays."""
        self.memory.plug(kind, on)

    def news(self) -> list[News]:
        """Answers and troubles since the last call. Tries again now and then what the disk has refused."""
        self._try_again()
        if trouble := getattr(self.parts.dreamer, "trouble", ""):
            self._trouble(trouble)
        return [self._news.popleft() for _ in range(len(self._news))]

    def close(self) -> None:
        self.keeper.close()

    def _trouble(self, what: str) -> None:
        """Said once."""
        if what not in self._troubles:
            self._troubles.add(what)
            self._news.append(Trouble("mind", what))

    def _dark(self, dream: Dream) -> Picture:
        height, width = self.parts.dreamer.size
        rgba = np.zeros((height, width, 4), np.uint8)
        rgba[..., 3] = 255
        measured, shares = self._measured
        state = replace(measured, picture=self._pictures, degree=2, light=0.0, made=clock.monotonic(), autonomy=dream.autonomy)
        return Picture(rgba, np.zeros(self.parts.dreamer.latent, np.float16), shares[:0], state)


def _seed(options: MindOptions) -> int:
    """Where the walk through noise starts: the seed and the place."""
    place = int.from_bytes(options.site.encode()[:6].ljust(6, b"\0"), "big")
    return (options.seed * 1_000_003 + place) & (2**62 - 1)

