"""A visit: one page of a kiosk or a phone on its websocket, from the first key to the sentence that comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import OrderedDict
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.core.lexicon import language as spoken_in
from engine.core.messages import Keystroke, News, Returned, Stored, Text, Told, Touch, Trouble, Unkept, Withdrawn
from engine.doors.guard import loopback
from engine.doors.limiter import Held, Limiter
from engine.doors.moderation import LIMIT
from engine.doors.options import LANGUAGES, WINDOW
from engine.doors.persons import Person, Persons
from engine.doors.porter import Porter

STATE = ("caption", "fragments", "autonomy", "gap", "displacement")  # what pages are told of /hm/state
LARGEST = 4096  # bytes of a message from a page


class Visits:
    """All pages that are open. Belongs to the event loop."""

    MOST = 400  # pages at once; 150 phones are promised

    def __init__(self, porter: Porter, persons: Persons):
        self.porter, self.persons = porter, persons
        options = porter.options
        self.texts = Limiter(options.texts, WINDOW)
        self.keys = Limiter(60, 1.0)
        self.touches = Limiter(10, 1.0)
        self.held = Held()
        self.phones = options.phones and (bool(options.public_url) or not loopback(options.host))  # can reach us at all
        self.open: set[Visit] = set()
        self.asked: OrderedDict[str, None] = OrderedDict()  # keys of texts that were counted: saying one again is free

    async def serve(self, socket: WebSocket) -> None:
        """One page, until it leaves."""
        await socket.accept()
        if len(self.open) >= self.MOST:
            await socket.send_text(json.dumps({"t": "crowded", "seconds": 5}))
            await socket.close(1013, "too many pages")
            return
        visit = Visit(self, socket)
        self.open.add(visit)
        try:
            await visit.run()
        finally:
            self.open.discard(visit)
            visit.leave()

    def remember(self, key: str) -> bool:
        """Whether a text is said for the first time."""
        first = key not in self.asked
        self.asked[key] = None
        while len(self.asked) > 4096:
            self.asked.popitem(last=False)
        return first

    def refresh(self) -> None:
        """A code was spent: pages of the kiosk show the next."""
        for visit in self.open:
            if visit.kiosk:
                visit.tell({"t": "code"})

    def close(self) -> None:
        """Say goodbye to all pages; they come back to the next doors."""
        for visit in self.open:
            visit.end()

    def tell_state(self) -> None:
        """Tell all pages what the machine remembers now; call it about twice a second."""
        values = self.porter.nodes.values
        state = {name: values[f"/hm/state/{name}"][0] for name in STATE if values.get(f"/hm/state/{name}")}
        for visit in self.open:
            if visit.name and visit.state != state:
                visit.state = state
                visit.tell({"t": "state", **state})


class Visit:
    """One page. What goes out waits in a bounded queue; a page that does not read is let go."""

    def __init__(self, visits: Visits, socket: WebSocket):
        self.visits, self.socket, self.porter = visits, socket, visits.porter
        self.client = socket.client.host if socket.client else ""
        self.kiosk = loopback(self.client) and not socket.scope.get("relayed", False)
        self.who: Person | None = None  # before it said hello
        self.state: dict[str, Any] = {}
        self._out: asyncio.Queue[str | None] = asyncio.Queue(128)

    @property
    def name(self) -> str:
        """By which it is answered; "" before it said hello."""
        return self.who.visit if self.who else ""

    async def run(self) -> None:
        writer = asyncio.create_task(self._write())
        try:
            while True:
                said = await self.socket.receive_text()
                if len(said) > LARGEST:
                    break
                await self._hear(said)
        except (WebSocketDisconnect, RuntimeError, KeyError):  # KeyError: bytes where text was due
            pass
        finally:
            writer.cancel()

    async def _write(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (said := await self._out.get()) is not None:
                await self.socket.send_text(said)
            await self.socket.close()

    def tell(self, what: dict[str, Any]) -> None:
        """Send a page something, later; a full queue means that nobody reads there."""
        if self._out.full():
            self.porter.counts["pages_dropped"] += 1
            return self.end()
        self._out.put_nowait(json.dumps(what, ensure_ascii=False, separators=(",", ":")))

    def end(self) -> None:
        """Close this page's socket; what waits for it is lost to it."""
        while not self._out.empty():
            self._out.get_nowait()
        self._out.put_nowait(None)

    def leave(self) -> None:
        """Nobody listens here any more."""
        for name in [name for name, listener in self.porter.listeners.items() if listener == self.learn]:
            del self.porter.listeners[name]

    async def _hear(self, said: str) -> None:
        try:
            what = json.loads(said, parse_constant=_refuse)
            kind = what["t"]
        except (ValueError, KeyError, TypeError, RecursionError):
            self.porter.counts["web_malformed"] += 1
            return
        if kind == "pulse":
            self.tell({"t": "pulse"})
        elif kind == "hello":
            self._hello(what)
        elif self.name:
            try:
                await self._do(kind, what)
            except (KeyError, ValueError, TypeError, OverflowError):
                self.porter.counts["web_malformed"] += 1

    def _hello(self, what: dict[str, Any]) -> None:
        """Let a page in: the kiosk always, a phone with the code of the room, or whoever was let in before."""
        now, persons = time.time(), self.visits.persons
        known = persons.known(str(what.get("visit", "")))
        if known is None and (wait := persons.wait(self.client, now)):
            self.porter.counts["web_too_many"] += 1
            self.visits.held.add(self.client, self.porter.clock())
            self.tell({"t": "crowded", "seconds": round(wait, 1)})
            return
        if known is None and self.kiosk:
            known = persons.at_kiosk(now)
        elif known is None and self.porter.options.phones:
            known = persons.by_code(str(what.get("p", "")), self.client, now)
        if known is None or not (self.kiosk or self.porter.options.phones):
            self.porter.counts["web_strangers"] += 1
            self.visits.held.add(self.client, self.porter.clock())
            self.tell({"t": "stranger", "spent": bool(what.get("p"))})
            return
        self.leave()
        self.who = known
        self.porter.listeners[self.name] = self.learn
        options = self.porter.options
        self.tell({"t": "welcome", "visit": self.name, "kiosk": self.kiosk, "limit": LIMIT, "idle": options.idle,
                   "phones": self.visits.phones, "languages": LANGUAGES})  # fmt: skip
        for news in self.porter.past(self.name):
            self.learn(news)
        self.state = {}
        if not self.kiosk:
            self.visits.refresh()

    async def _do(self, kind: str, what: dict[str, Any]) -> None:
        now = self.porter.clock()
        if self.kiosk and kind in ("key", "text"):
            self.visits.persons.touched(time.time())
        match kind:
            case "key":
                if not self.visits.keys.wait(self.name, now):
                    bits = min(12.0, max(0.0, float(what["bits"])))
                    self.porter.forward(Keystroke(bits, bool(what.get("deleted")), self.name, now))
            case "text":
                who = self.visits.persons.known(str(what.get("visit", ""))) or self.who
                assert who  # it said hello
                await self._text(who, str(what["key"]), str(what["words"]), str(what.get("language", "")), now)
            case "withdraw":
                if not self.visits.touches.wait(self.name, now):
                    self.porter.withdraw(str(what["code"]), self.name)
            case "touch":
                x, y = (min(1.0, max(0.0, float(what[axis]))) for axis in "xy")
                if not self.visits.touches.wait(self.name, now):
                    self.porter.forward(Touch(x, y, self.name, now))

    async def _text(self, who: Person, key: str, words: str, language: str, now: float) -> None:
        """A text, perhaps for the second time: the key makes it one. `who` wrote it, perhaps before this page was wiped."""
        if not 8 <= len(key) <= 64 or not key.isalnum():
            raise ValueError("a key is 8 to 64 letters and digits")
        wait = 0.0 if key in self.visits.asked else self.visits.texts.wait(who.person, now)
        if wait:
            self.porter.counts["texts_too_often"] += 1
            self.visits.held.add("the kiosk" if who.person.startswith("kiosk-") else self.client, now)
            self.tell({"t": "wait", "key": key, "seconds": round(wait, 1)})
            return
        first = self.visits.remember(key)
        if who.visit != self.name:  # a page that was wiped still hears that its sentence was kept
            self.porter.listeners.setdefault(who.visit, self.learn)
        tongue = language if language in ("fr", "en") else ""
        heard = await self.porter.say(Text(words, "visitor", key, who.visit, tongue, person=who.person))
        if first and (code := spoken_in(heard.words)) in ("fr", "en"):
            self.tell({"t": "heard", "key": key, "language": code})
        if heard.said in ("waiting", "empty", "long"):
            self.tell({"t": heard.said, "key": key, "private": heard.private})
        if first and heard.private and heard.words:
            self.tell({"t": "private", "key": key, "words": heard.words, "kinds": heard.private})
        if first and heard.care:
            self.tell({"t": "care", "key": key, "number": self.porter.options.helpline})
        if first and heard.unread:
            self.tell({"t": "unread", "key": key})

    def learn(self, news: News) -> None:
        """Turn news into words for the page."""
        match news:
            case Stored(key, fragment, code):
                self.tell({"t": "stored", "key": key, "fragment": fragment, "code": code})
            case Returned(key, _, tokens, displacement, depth):
                words = [{"text": t.text, "kind": t.kind, "age": t.age, "ancestor": t.ancestor} for t in tokens]
                self.tell({"t": "returned", "key": key, "tokens": words, "displacement": displacement, "depth": depth})
            case Withdrawn(code, found):
                self.tell({"t": "withdrawn", "code": code, "found": found})
            case Told(_, ancestors, words):
                shown = [{"share": a.share, "kind": a.kind, "age": a.age, "depth": a.depth} for a in ancestors[:6]]
                self.tell({"t": "told", "ancestors": shown, "words": words})
            case Unkept(key):
                self.tell({"t": "unkept", "key": key})
            case Trouble():
                pass


def _refuse(name: str) -> float:
    """JSON knows no NaN and no infinity, but Python would read them."""
    raise ValueError(f"{name} is no number")
