"""Who two rivals are: two producers, two corpora, or two models; and what people's lingering has made of them.

- *producers*: the one at work and the one that has lived longest beside it; what they are worth is theirs (row 18).
- *corpora*: this archive's hand and the other (`engine.mind.otherhand`), the left one always the same.
- *models*: the source of film and another (`Parts.second`): two video pipelines, one against what is carried, or, on any machine,
  the model against memories alone. Row 19 is asked of the second, too, before it may.

Seconds that people stayed with a corpus or a model lie in the archive and fade with the hours, as those of producers do.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3

from engine.mind.carried import Carried, Source
from engine.mind.film import Film
from engine.mind.filmed import Beside
from engine.mind.keeper import Keeper
from engine.mind.options import CORPORA
from engine.mind.otherhand import OtherHand
from engine.mind.rivals import Rival
from engine.mind.rows.producers import FADES, Producers
from engine.mind.thought import Thought

FACT = "rivals"
EVERY = 60.0  # seconds between two times that what they are worth is written down
AT_ONCE, MORE = 16, 4  # recipes that the other hand paints at first and with each thought, where thoughts and pictures take turns


class Rivalry:
    """The two. `two` for the stream's thread, the rest for the thought's."""

    def __init__(self, keeper: Keeper, producers: Producers, film: Film):
        self.keeper, self.producers, self.film = keeper, producers, film
        self.second = keeper.parts.second
        self.hand = OtherHand(keeper)
        self.locked: str | None = None  # why the second model may not go on, "" where it may; None: it has not been tried
        kept = keeper.archive.fact(FACT)
        self.worth: dict[str, float] = json.loads(kept) if kept else {}
        self._time, self._written = 0.0, -EVERY

    def two(self, kind: str, thought: Thought) -> tuple[Rival, ...]:
        """The two of this kind, always in the same order; () while they are not there."""
        source, second = self.film.source, self.second
        if kind != "corpora":
            self.hand.forget()
        match kind:
            case "producers":
                pair = sorted(self.producers.now[:2], key=lambda one: one.id)
                return tuple(Rival(source, one.id, f"producer {one.id}", one.lingered, producer=one) for one in pair)
            case "corpora" if self.hand.here(thought):
                hands = {name: self.hand if name == self.hand.name else None for name in CORPORA}
                return tuple(Rival(source, n, name, self.worth.get(name, 0.0), hand=hand, arrives=True) for n, (name, hand) in enumerate(hands.items(), 1))
            case "models" if second is not None and self.locked == "":
                pictures = isinstance(source, Carried) and isinstance(second, Carried)  # a pipeline goes on from what is there
                named = zip((source, second), self._names(source, second), strict=True)
                return tuple(Rival(one, n, name, self.worth.get(name, 0.0), arrives=pictures) for n, (one, name) in enumerate(named, 1))
        return ()

    @staticmethod
    def _names(*sources: Source) -> list[str]:
        """What each is called: a pipeline by its name, what is carried by the model that dreams it."""
        return [one.dreamer.name if isinstance(one, Carried) else one.name for one in sources]

    def try_on(self, kind: str, thought: Thought) -> str:
        """Ask row 19 of the second model once, where it is wanted; why it may not go on, or "". Half a second."""
        if kind != "models" or self.locked is not None:
            return ""
        alone = self.second is None or len(set(self._names(self.film.source, self.second))) == 1
        self.locked = "there is one alone; --rival NAME names another" if alone or self.second is None else self.film.wrong_with(self.second, thought)
        return self.locked

    def paint(self, kind: str, thought: Thought | None) -> bool:
        """Paint a recipe that the other corpus wants; whether there was one."""
        return kind == "corpora" and self.hand.paint(thought)

    def arrive(self, kind: str, thought: Thought | None) -> None:
        """The same where thoughts and pictures take turns: enough at first, then some with each thought."""
        if kind == "corpora" and thought is not None:
            self.hand.paint(thought, MORE if self.hand.ready(thought) else AT_ONCE)

    def linger(self, time: float) -> None:
        """What people stayed for since the last call, by this second of the mind's clock, goes to whom it was for."""
        fades, self._time = math.exp(-max(0.0, time - self._time) / FADES), time
        self.worth = {name: seconds * fades for name, seconds in self.worth.items()}
        for name, seconds in self.film.rivals.taken().items():
            kind, _, number = name.partition(" ")
            if kind == "producer":
                self.producers.linger({int(number): seconds})
            else:
                self.worth[name] = self.worth.get(name, 0.0) + seconds
        if self.worth and time - self._written >= EVERY:
            self._written = time
            with contextlib.suppress(sqlite3.Error):  # a disk that refuses costs what was lingered since it took something in
                self.keeper.archive.set_fact(FACT, json.dumps(self.worth).encode())

    def forget(self) -> None:
        """Pictures may have been taken back."""
        self.hand.forget()

    def live(self) -> None:
        """Nothing may wait from here on."""
        if self.second is not None and not isinstance(self.second, Carried | Beside):
            self.second = Beside(self.second, Carried(self.keeper.parts.dreamer))

    def close(self) -> None:
        if isinstance(self.second, Beside):
            self.second.close()
