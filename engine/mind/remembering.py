"""What a mind takes in and gives back: sentences and their answers, pictures that are kept, and what is taken back.

Where the disk refuses, the mind plays on: a sentence waits in working memory, a picture is not kept, and it is said once.
"""

from __future__ import annotations

import sqlite3
import time as clock
from collections import deque

from torch import Tensor

from engine.core.messages import News, Returned, Text, Trouble, Unkept, Withdraw, Withdrawn
from engine.mind.keeper import Keeper
from engine.mind.measuring import Measuring
from engine.mind.memory.archive import Fragment
from engine.mind.memory.words import language, runs
from engine.mind.speech import Speech
from engine.mind.thought import Thought

AGAIN = 5.0  # seconds after which a disk that refused is asked again
MOST = 512  # sentences that are kept for it


class Remembering:
    """Between the mechanism and the keeper of memories. Any thread may call, except `answer` and `keyframe` (the thought's)."""

    def __init__(self, keeper: Keeper, speech: Speech, measuring: Measuring):
        self.keeper, self.speech, self.measuring = keeper, speech, measuring
        self.news: deque[News] = deque(maxlen=256)
        self.tried = 0.0  # monotonic seconds at which the disk was last asked again
        self._unheard: list[Text] = []  # sentences that the disk refused
        self._troubles: set[str] = set()
        self._kept = 0.0  # scene seconds at which the last keyframe was remembered
        self._kept_as: tuple[Thought | None, int] = None, 0  # the last thought that was remembered, and as which fragment

    # sentences

    def hear(self, text: Text) -> list[News]:
        """Store a sentence and acknowledge it. Its answer comes later, by `news`. A bad disk is a Trouble, not an end."""
        try:
            stored = self.keeper.hear(text)
            if self.keeper.standing.remembers:
                return [stored]
            self.trouble(self.keeper.standing.how)
            return []  # not acknowledged: it comes again to the mind that can keep it
        except sqlite3.Error as wrong:
            self._unheard = [*self._unheard, text][-MOST:]
            full = f"a sentence could not be stored yet ({wrong}); make room on the disk of {self.keeper.options.archive}"
            return [Unkept(text.key, text.visit), Trouble("mind", full)]

    def answer(self, owed: Fragment, thought: Thought, latent: Tensor) -> None:
        """A sentence gets its picture (c, h, w) and its line of descent, and whoever gave it others' words in it."""
        line = self.keeper.develop(thought, latent)
        if line:
            key, visit = self.keeper.waiting.pop(owed.id, (self.keeper.archive.key(owed.id), ""))
            tokens = self.speech.give_back(owed.words, thought, owed.language)
            self.news.append(Returned(key, visit, tokens, self.measuring.displacement(thought, latent), line.depth))

    def withdraw(self, withdraw: Withdraw) -> Withdrawn:
        """Take back what somebody gave. Raises OSError or sqlite3.Error where the disk does not even take the wish."""
        answer = self.keeper.withdraw(withdraw.code, withdraw.visit)
        self.speech.judge.forget()
        runs.cache_clear()
        language.cache_clear()
        if answer.found:  # its own sentences may have borrowed from it: it says something else next
            self.speech.unsay()
            self.measuring.unsay()
        if why := self.keeper.unsettled:
            self.trouble(f"what was taken back is no longer shown, but lies on the disk until this is over: {why}")
        return answer

    @property
    def owes(self) -> bool:
        """Whether the disk has refused something that `try_again` is for: that may take a while."""
        return bool(self._unheard or self.keeper.unsettled)

    def try_again(self) -> None:
        """What the disk refused, every AGAIN seconds: withdrawals that were begun, and sentences, oldest first."""
        now = clock.monotonic()
        if now - self.tried < AGAIN or not self.owes:
            return
        self.tried = now
        self.keeper.settle()
        try:
            while self._unheard:
                self.news.append(self.keeper.hear(self._unheard[0]))
                self._unheard = self._unheard[1:]
        except sqlite3.Error:
            return  # said when it was refused first

    # pictures

    def due(self, time: float) -> bool:
        """Whether it is time to keep what is shown; `time` in scene seconds."""
        return time - self._kept >= self.keeper.options.keyframe

    def keyframe(self, thought: Thought, shown: Thought, latent: Tensor, time: float) -> None:
        """Keep the picture (c, h, w) of `thought`; `shown` is the same with the shares that the stream shows of it."""
        self._kept = time
        self._kept_as = thought, self.keeper.keyframe(shown, latent, self.measuring.caption)

    def refuse(self, thought: Thought | None) -> None:
        """Let go what was kept of this thought, if anything was: a person has refused it."""
        if self._kept_as[0] is not thought:
            return
        (_, fragment), self._kept_as = self._kept_as, (None, 0)
        try:
            if fragment:
                self.keeper.refuse(fragment)
        except sqlite3.Error as wrong:
            self.trouble(f"a refused picture stays in the archive until a restart ({wrong}); it is not recalled")

    def trouble(self, what: str) -> None:
        """Said once."""
        if what not in self._troubles:
            self._troubles.add(what)
            self.news.append(Trouble("mind", what))
