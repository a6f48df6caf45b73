"""The floor: each person's sentence has the wall for itself, for a while. Pure values; scene seconds.

The newest words win the wall, but not over words that nobody has seen yet: what a person writes waits until the sentence
before it was on the wall for STAY seconds, fewer where several wait. Of those who wait, whoever had the wall longest ago
is next: one who writes without a pause waits behind himself. A performer plays the wall and waits for nobody, nor does
what a show's own script says. Every sentence is remembered and answered at once, whether it waits here or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.core.fair import FairQueue
from engine.core.messages import State, Text

STAY, LEAST = 6.0, 1.5  # seconds that a sentence is seen while nobody waits (shared with those who do), and at least
UNSEEN = 10.0  # seconds after which a sentence gives way that no picture shows: a scene may dream words of its own
MOST = 12  # that may wait; of more, the oldest of whoever has most goes, answered and not shown


@dataclass(slots=True)
class Floor:
    """Whose words are present, and who waits. One thread."""

    present: Text | None = None  # None: nobody's who waits for anybody
    waiting: FairQueue[tuple[Text, float]] = field(default_factory=lambda: FairQueue(MOST))  # with when it came
    overtaken: int = 0  # sentences that were answered and never had the wall
    _began: float = 0.0  # when the present one got the wall
    _seen: float | None = None  # when its picture was first there

    def put(self, text: Text, now: float) -> Text | None:
        """Take in a text; returns what has the wall from now on, if it is another."""
        if not text.person or text.kind != "visitor":
            self._begin(None, now)
            return text
        self.overtaken += self.waiting.put(text.key, text.person, (text, now)) is not None
        return self._next(now) if self.present is None else None

    def look(self, state: State, now: float) -> Text | None:
        """The next in turn, where the present sentence has had its time; `state` is of the picture on the wall."""
        one = self.present
        if one is None or now < self._began or not state.made:  # nobody is seen before the first picture
            self._began = now
            return self._next(now) if one is None else None
        if self._seen is None and state.asked and state.dream.key == one.key:
            self._seen = now
        stay = max(LEAST, STAY / (1 + len(self.waiting)))
        had = now - self._seen >= stay if self._seen is not None else now - self._began >= UNSEEN
        return self._next(now) if had else None

    def forget(self, key: str) -> None:
        """It was taken back."""
        self.waiting.pop(key)
        if self.present is not None and key == self.present.key:
            self.present = None

    def _next(self, now: float) -> Text | None:
        if (turn := self.waiting.next()) is None:
            self._begin(None, now)
            return None
        text, came = turn
        self._begin(text, now)
        return replace(text, at=text.at + max(0.0, now - came))  # what is promised of light counts from its turn

    def _begin(self, text: Text | None, now: float) -> None:
        self.present, self._began, self._seen = text, now, None
