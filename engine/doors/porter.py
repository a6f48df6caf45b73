"""The porter: what all doors share. Knows the nodes, forwards messages, and finds whoever waits for an answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from cachetools import LRUCache

from engine.core.messages import (
    Directory,
    Health,
    Message,
    News,
    Returned,
    Set,
    Stored,
    Text,
    Told,
    Trouble,
    Unkept,
    Value,
    Values,
    Withdraw,
    Withdrawn,
)
from engine.doors.moderation import LIMIT, Moderator, Verdict, clean
from engine.doors.nodes import Nodes
from engine.doors.options import DoorsOptions
from engine.doors.post import Post
from engine.doors.privacy import redact

log = logging.getLogger("engine.doors")

Listener = Callable[[News], None]
LOGGED = ("scene", "stage", "mind", "sound")  # rooms whose troubles the loop has said already, to the same terminal
Said = Literal["sent", "waiting", "known", "empty", "long"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a text on its way in."""

    said: Said
    words: str = ""  # as they go on: without what is somebody's own
    private: tuple[str, ...] = ()  # kinds of what was taken out
    care: bool = False
    unread: bool = False


class Porter:
    """Validates nothing itself but texts; belongs to the thread of the doors' event loop."""

    REMEMBERED = 4096  # stored keys and visits that may still ask

    def __init__(
        self, options: DoorsOptions, post: Post, moderator: Moderator, clock: Callable[[], float] = time.monotonic
    ):
        self.options, self.post, self.moderator, self.clock = options, post, moderator, clock
        self.nodes = Nodes()
        self.post.is_value = self.nodes.is_value
        self.troubles: deque[str] = deque(maxlen=32)  # the newest of them, with the time of day
        self.counts: Counter[str] = Counter()  # what came, what was refused: all of it reaches /metrics
        self.health = Health(ok=False, notes=("the loop has not spoken yet",))
        self.heard = clock()  # when the loop last spoke
        self.listeners: dict[str, Listener] = {}  # by visit
        self.watchers: list[Callable[[list[str]], None]] = []  # told which addresses changed
        self.recorders: list[Callable[[tuple[Message, ...]], None]] = []
        self._stored: LRUCache[str, Stored] = LRUCache(self.REMEMBERED)  # by key
        self._news: LRUCache[str, deque[News]] = LRUCache(self.REMEMBERED)  # by visit, for pages that come back
        self._flushing = False
        self.forgetters: list[Callable[[str], None]] = []  # told the keys of texts that were taken back
        self.hold: Callable[[Text, Verdict], bool] = lambda text, verdict: False  # the operator's queue, if any
        self._judges = ThreadPoolExecutor(1, "judge")  # one: texts keep their order
        self.let_go: Callable[[str], bool] = lambda key: False  # takes a text out of it again

    # towards the loop

    def forward(self, *messages: Message) -> None:
        """Send messages that belong together to the loop; they leave before this turn of the event loop ends."""
        self.post.put(*messages)
        for record in self.recorders:
            record(messages)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        try:
            done = self.post.flush()
        except Exception:  # a letter that nobody can send is gone; whatever comes after it must not wait for ever
            log.exception("a letter to the loop is lost")
            self.post.lost, done = self.post.lost + 1, False
        if done:
            self._flushing = False
        else:  # the loop looks at its post 60 times a second; 4 ms later there may be room
            asyncio.get_running_loop().call_later(0.004, self._flush)

    def set(self, address: str, args: tuple[Value, ...], at: float = 0.0) -> None:
        """Forward one parameter, checked before."""
        self.forward(Set(address, args, at))

    async def say(self, text: Text) -> Heard:
        """Clean, judge and forward a text. News of it goes to the listener of its visit."""
        if text.key in self._stored:
            self._tell(text.visit, self._stored[text.key])
            return Heard("known")
        words, private = clean(text.words), tuple[str, ...]()
        if text.kind == "visitor":  # performers are let in by the allow-list of their door
            words, private = redact(words)
        if not words or len(words) > LIMIT:
            return Heard("long" if words else "empty", "", private)
        verdict = Verdict(words)
        if text.kind == "visitor":
            work = asyncio.get_running_loop().run_in_executor
            verdict = await work(self._judges, self.moderator.judge, words, text.language)
        self.counts["texts_displaced" if verdict.displaced else "texts"] += 1
        self.counts["texts_apart"] += not verdict.lent
        heard = Heard("sent", words, private, verdict.care, verdict.unread)
        ready = replace(text, words=verdict.words, at=self.clock(), lent=verdict.lent)
        if text.kind == "visitor" and self.hold(ready, verdict):
            return replace(heard, said="waiting")
        self.forward(ready)
        return heard

    def known(self, key: str) -> bool:
        """True if a text of this key is on the disk."""
        return key in self._stored

    def withdraw(self, code: str, visit: str) -> None:
        """Forward a withdrawal; what still waits for the operator is taken back here, by its key."""
        code = clean(code)[:64]
        if self.let_go(code):
            self._tell(visit, Withdrawn(code, True, visit))
        else:
            self.forward(Withdraw(code, visit, self.clock()))

    # from the loop

    def hear(self, letter: object) -> None:
        """Take in one letter of the loop."""
        self.heard = self.clock()
        match letter:
            case Values(values):
                self._changed(self.nodes.update(values))
            case Directory(nodes):
                self.nodes.replace(nodes)
                self._changed(list(self.nodes.values))
            case Health():
                self.health = letter
            case Trouble(room, what):
                if room not in LOGGED:
                    log.warning("%s", what, extra={"room": room})
                self.troubles.append(f"{time.strftime('%H:%M:%S')} {room}: {what}")
                self.counts["troubles"] += 1
            case Stored() | Returned() | Withdrawn() | Told() | Unkept():
                self._learn(letter)
            case _:
                log.warning("a letter that the doors do not know: %s", type(letter).__name__)

    def _changed(self, addresses: list[str]) -> None:
        if addresses:
            for watcher in self.watchers:
                watcher(addresses)

    def _learn(self, news: Stored | Returned | Withdrawn | Told | Unkept) -> None:
        if isinstance(news, Stored):
            self._stored[news.key] = news
        if isinstance(news, Withdrawn) and news.found:
            self._forget(news.code)
        if isinstance(news, (Stored, Returned)) and news.visit:
            self._news.setdefault(news.visit, deque(maxlen=16)).append(news)
        self._tell(news.visit, news)

    def _forget(self, code: str) -> None:
        """What was withdrawn must not be said again by a page that comes back."""
        self.moderator.forget()
        keys = {stored.key for stored in self._stored.values() if stored.code == code}
        for forget in self.forgetters:
            for key in keys:
                forget(key)
        for heard in self._news.values():
            for news in [n for n in heard if isinstance(n, (Stored, Returned)) and n.key in keys]:
                heard.remove(news)

    def _tell(self, visit: str, news: News) -> None:
        listener = self.listeners.get(visit)
        if listener:
            listener(news)

    def past(self, visit: str) -> tuple[News, ...]:
        """What a visit was told before its page lost the connection."""
        return tuple(self._news.get(visit, ()))

    # for people

    @property
    def silent(self) -> float:
        """Seconds since the loop last spoke."""
        return self.clock() - self.heard
