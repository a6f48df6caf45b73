"""The pages' server: visits, exactly once, the live view, health, and who is let in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import ClientConnection, connect

from engine.core.messages import Health, Keystroke, Returned, Set, Text, Token, Touch, Values, Withdraw, Withdrawn
from tests.doors.doors_house import House

pytestmark = pytest.mark.realtime


class Page:
    """A page of a kiosk, as far as its websocket."""

    def __init__(self, house: House, visit: str = "", path: str = "/visit", **headers: str):
        address = f"127.0.0.1:{house.opened.web}"
        self._open = connect(
            f"ws://{address}{path}", origin=f"http://{address}", additional_headers=headers, close_timeout=0.5
        )
        self.ws: ClientConnection = self._open.__enter__()
        self.welcome: dict[str, Any] = {}
        if path == "/visit":
            self.say(t="hello", visit=visit)
            self.welcome = self.hear("welcome")

    def say(self, **what: Any) -> None:
        self.ws.send(json.dumps(what))

    def hear(self, kind: str, seconds: float = 5.0) -> dict[str, Any]:
        """The next message of a kind; others are passed over."""
        end = time.monotonic() + seconds
        while True:
            said = json.loads(self.ws.recv(timeout=max(0.0, end - time.monotonic())))
            if said["t"] == kind:
                return said

    def close(self) -> None:
        self._open.__exit__(None, None, None)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


@pytest.fixture
def page(house: House) -> Iterator[Page]:
    house.said.clear()
    page = Page(house)
    yield page
    page.close()


def key(number: int = 0) -> str:
    return f"{time.monotonic_ns():016x}{number:04x}"


def test_a_text_is_stored_before_it_is_acknowledged_and_within_100_ms(house: House, page: Page) -> None:
    times = []
    for i in range(15):
        start = time.perf_counter()
        page.say(t="text", key=(k := key(i)), words="la mer la nuit", language="fr")
        assert page.hear("stored")["key"] == k
        assert k in house.stored
        times.append(time.perf_counter() - start)
    times.sort()
    assert times[len(times) // 2] < 0.1, times
    text = house.messages(Text)[0]
    assert (text.words, text.kind, text.language, text.visit) == (
        "la mer la nuit",
        "visitor",
        "fr",
        page.welcome["visit"],
    )


def test_a_text_said_again_is_one_text(house: House, page: Page) -> None:
    k = key()
    for _ in range(5):
        page.say(t="text", key=k, words="once", language="en")
    codes = {page.hear("stored")["code"] for _ in range(5)}
    assert len(codes) == 1
    assert len([text for text in house.stored if text == k]) == 1


def test_the_sentence_comes_back_even_to_a_page_that_was_away(house: House) -> None:
    page = Page(house)
    visit, k = page.welcome["visit"], key()
    page.say(t="text", key=k, words="a house by the sea", language="en")
    page.hear("stored")
    page.close()
    tokens = (Token("a"), Token("kitchen", 4, "founding", 0.0), Token("by the sea"))
    house.tell(Returned(k, visit, tokens, 0.31, 2))
    time.sleep(0.1)
    again = Page(house, visit)
    assert again.welcome["visit"] == visit
    back = again.hear("returned")
    assert (back["key"], back["displacement"], back["depth"]) == (k, 0.31, 2)
    assert back["tokens"][1] == {"text": "kitchen", "kind": "founding", "age": 0.0, "ancestor": 4}
    again.close()


def test_what_was_taken_back_is_not_said_again(house: House) -> None:
    page = Page(house)
    visit, k = page.welcome["visit"], key()
    page.say(t="text", key=k, words="forget this", language="en")
    code = page.hear("stored")["code"]
    page.say(t="withdraw", code=code)
    house.until(lambda: house.messages(Withdraw))
    assert house.messages(Withdraw)[-1].code == code
    house.tell(Withdrawn(code, True, visit))
    assert page.hear("withdrawn") == {"t": "withdrawn", "code": code, "found": True}
    page.close()
    again = Page(house, visit)
    with pytest.raises(TimeoutError):
        again.hear("stored", 0.3)
    again.close()


def test_keys_are_rhythm_and_never_letters(house: House, page: Page) -> None:
    page.say(t="key", bits=3, deleted=False, letter="x")
    page.say(t="key", bits=400, deleted=True)
    house.until(lambda: len(house.messages(Keystroke)) == 2)
    first, second = house.messages(Keystroke)
    assert (first.bits, first.deleted) == (3.0, False) and (second.bits, second.deleted) == (12.0, True)
    assert "letter" not in Keystroke.__slots__ and first.visit == page.welcome["visit"]


def test_a_touch_is_asked_and_told(house: House, page: Page) -> None:
    page.say(t="touch", x=0.5, y=3)
    house.until(lambda: house.messages(Touch))
    assert (house.messages(Touch)[-1].x, house.messages(Touch)[-1].y) == (0.5, 1.0)


def test_twenty_texts_in_ten_seconds_and_no_more() -> None:
    with House(texts=20) as house:
        page = Page(house)
        for i in range(25):
            page.say(t="text", key=key(i), words="the sea at night", language="en")
        wait = page.hear("wait")
        assert 0 < wait["seconds"] <= 10
        house.until(lambda: len(house.messages(Text)) == 20)
        time.sleep(0.1)
        assert len(house.messages(Text)) == 20
        page.close()


def test_the_desk_is_told_of_somebody_who_presses_and_of_nobody_else() -> None:
    with House(texts=20) as house:
        page = Page(house)
        for i in range(120):
            page.say(t="text", key=key(i), words="the sea at night", language="en")
        house.until(lambda: any("100 texts and pages were held back in the last minute, 100 of the kiosk" in note for note in house.get("/health").json()["notes"]))
        assert house.get("/health").json()["ok"]
        page.close()


@pytest.mark.parametrize(
    "said",
    ["", "no json", "[]", "null", '{"t":"text"}', '{"t":"text","key":"../../etc","words":"x"}', '{"t":"key","bits":"NaN"}',
     '{"t":"touch","x":"a","y":0}', '{"t":"touch","x":NaN,"y":0}', "[" * 3000, '{"t":"nothing"}', '{"t":["hello"]}'],
)  # fmt: skip
def test_a_page_gone_mad_harms_nobody(house: House, page: Page, said: str) -> None:
    page.ws.send(said)
    page.say(t="text", key=key(), words="still here", language="en")
    assert page.hear("stored")
    assert not house.messages(Keystroke) or all(s.bits == s.bits for s in house.messages(Keystroke))
    assert not house.messages(Touch)


def test_bytes_and_giant_messages_close_that_page_alone(house: House, page: Page) -> None:
    for evil in (b"\0\1\2", "x" * 20_000):
        other = Page(house)
        other.ws.send(evil)
        with contextlib.suppress(Exception):
            while True:
                other.ws.recv(timeout=2)
        other.close()
    page.say(t="text", key=key(), words="still here", language="en")
    assert page.hear("stored")


def test_pages_of_other_sites_may_not_open_sockets(house: House) -> None:
    address = f"127.0.0.1:{house.opened.web}"
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", None):
        with (
            pytest.raises(Exception, match=r"403|1008|rejected"),
            connect(f"ws://{address}/visit", origin=origin) as ws,
        ):
            ws.recv(timeout=2)


def test_a_machine_with_a_borrowed_name_is_not_served(house: House) -> None:
    assert house.get("/", host="evil.example").status == 403
    assert house.get("/", host="hypermnesia.local").status == 200
    assert house.get("/", host=f"127.0.0.1:{house.opened.web}").status == 200


def test_every_page_keeps_the_browser_on_a_short_line(house: House) -> None:
    for path in ("/", "/wall", "/desk", "/pages/write.js", "/qr.svg"):
        answer = house.get(path)
        policy = answer.headers["content-security-policy"]
        assert answer.status == 200 and "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in Path("engine/doors/pages").glob("*.html"):
        page = path.read_text()
        assert "<style" not in page and " style=" not in page and "http://" not in page and "https://" not in page
        assert "<script>" not in page and " on" + "click=" not in page


def test_health_says_what_is_wrong_and_what_to_do(house: House) -> None:
    house.send(
        Health(False, (("mind", "restarting"),), (("frame_p95_ms", 17.5),), (("scene", "gap"),), ("the mind restarts",))
    )
    house.until(lambda: house.get("/health").status == 503)
    health = house.get("/health").json()
    assert health["rooms"] == {"mind": "restarting"} and health["notes"] == ["the mind restarts"]
    house.send(Health(True, (("mind", "running"),), (("frame_p95_ms", 17.5),)))
    house.until(lambda: house.get("/health").status == 200)
    page = house.get("/health", accept="text/html,application/xhtml+xml")
    assert page.status == 200 and b"<h1>" in page.body and house.get("/health.json").json()["ok"]
    metrics = house.get("/metrics").text
    assert "hypermnesia_frame_p95_ms 17.5\n" in metrics and "hypermnesia_state_gap 0.25\n" in metrics
    families = {family.name: family.type for family in text_string_to_metric_families(metrics)}
    assert families["hypermnesia_up"] == "gauge" and families["hypermnesia_doors_letters_lost"] == "counter"


def test_the_desk_opens_with_its_token_alone(house: House) -> None:
    assert b"operator" in house.get("/desk").body
    with pytest.raises(Exception):  # noqa: B017 whichever way the server refuses
        Page(house, path="/desk/live").hear("now", 1.0)
    assert house.get("/desk?token=wrong").status == 403
    answer = house.get("/desk?token=letmein")
    assert answer.status == 303
    cookie = answer.headers["set-cookie"].split(";")[0]
    assert "HttpOnly" in answer.headers["set-cookie"] and "letmein" not in cookie
    desk = Page(house, path="/desk/live", Cookie=cookie)
    assert any(node["address"] == "/hm/beta" for node in desk.hear("nodes")["nodes"])
    assert desk.hear("now")["health"]["name"] == "hypermnesia"
    house.said.clear()
    desk.say(t="set", address="/hm/beta", args=[0.25])
    house.until(lambda: house.messages(Set))
    assert house.messages(Set)[0].args == (0.25,)
    desk.say(t="set", address="/hm/betta", args=[1])
    assert "did you mean /hm/beta" in desk.hear("error")["what"]
    desk.close()


def test_pages_hear_what_the_machine_remembers(house: House, page: Page) -> None:
    house.send(Values((("/hm/state/caption", ("une ville sous la neige",)),)))
    end = time.monotonic() + 3
    while page.hear("state")["caption"] != "une ville sous la neige":
        assert time.monotonic() < end


INIT = b"\0\0\0\x08ftyp"


class Stage:
    """The stage's side of the live view: an init segment, then numbered fragments, to whoever connects."""

    def __init__(self, folder: Path, pace: float = 0.01):
        self.path = str(folder / "live.sock")
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(self.path)
        self.door.listen()
        self.pace, self.connections, self.ended = pace, 0, False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self.ended:
            with contextlib.suppress(OSError):
                end, _ = self.door.accept()
                self.connections += 1
                self._feed(end)

    def _feed(self, end: socket.socket) -> None:
        number = 0
        with contextlib.suppress(OSError):
            end.sendall(struct.pack(">I", len(INIT)) + INIT)
            while not self.ended:
                piece = struct.pack(">Q", number) * 1000
                end.sendall(struct.pack(">I", len(piece)) + piece)
                number += 1
                time.sleep(self.pace)
        end.close()

    def close(self) -> None:
        self.ended = True
        self.door.close()


def test_the_live_view_reaches_every_watcher_and_is_read_for_nobody(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with House(live=stage.path) as house:
        assert stage.connections == 0
        early = Page(house, path="/live")
        assert json.loads(early.ws.recv(timeout=5))["why"] == ""
        assert early.ws.recv(timeout=5) == INIT
        first = struct.unpack_from(">Q", early.ws.recv(timeout=5))[0]
        late = Page(house, path="/live")
        late.ws.recv(timeout=5)
        assert late.ws.recv(timeout=5) == INIT
        assert struct.unpack_from(">Q", late.ws.recv(timeout=5))[0] > first
        assert stage.connections == 1
        early.close()
        late.close()
        house.until(lambda: house.get("/health").json()["doors"]["watchers"] == 0)
    stage.close()


def test_a_watcher_that_does_not_read_is_dropped_and_counted(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=0.0)
    with House(live=stage.path) as house:
        slow, quick = Page(house, path="/live"), Page(house, path="/live")
        end = time.monotonic() + 20
        while not house.get("/health").json()["doors"].get("live_dropped"):
            with contextlib.suppress(Exception):
                quick.ws.recv(timeout=0.5)
            assert time.monotonic() < end
        slow.close()
        quick.close()
    stage.close()


def test_a_show_without_a_live_view_says_so(house: House) -> None:
    page = Page(house, path="/live")
    assert "no live view" in json.loads(page.ws.recv(timeout=5))["why"]
    page.close()


def test_a_hundred_and_fifty_phones_write_at_once() -> None:
    with House() as house:
        address = f"127.0.0.1:{house.opened.web}"

        async def phone(number: int) -> float:
            from websockets.asyncio.client import connect as dial

            async with dial(f"ws://{address}/visit", origin=f"http://{address}") as ws:  # type: ignore[arg-type]
                await ws.send(json.dumps({"t": "hello", "visit": ""}))
                while json.loads(await ws.recv())["t"] != "welcome":
                    pass
                await asyncio.sleep(1.0)
                start = time.perf_counter()
                await ws.send(
                    json.dumps({"t": "text", "key": key(number), "words": f"phone {number}", "language": "en"})
                )
                while json.loads(await ws.recv())["t"] != "stored":
                    pass
                return time.perf_counter() - start

        async def crowd() -> list[float]:
            return await asyncio.gather(*(phone(number) for number in range(150)))

        times = sorted(asyncio.run(crowd()))
        assert len(house.stored) == 150
        assert times[75] < 1.0, f"median {times[75]:.3f} s, worst {times[-1]:.3f} s"
