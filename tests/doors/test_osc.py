"""The performer's door."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from engine.core.messages import Node, Returned, Set, Text, Token, Touch, Values
from engine.doors.nodes import Nodes
from engine.doors.packet import Malformed, Special, read
from engine.doors.port import Port
from engine.doors.wires import UdpDoor, bundle, encode
from tests.doors.doors_house import House, Performer

pytestmark = pytest.mark.realtime

NOW = 1_800_000_000.0


def tagged(seconds: float, *messages: bytes) -> bytes:
    """A bundle due at `seconds` since 1970."""
    tag = int((seconds + 2_208_988_800) * (1 << 32))
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


def plain(*messages: bytes) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


def nested(depth: int) -> bytes:
    data = encode("/hm/veto", ())
    for _ in range(depth):
        data = plain(data)
    return data


HOSTILE = {
    "the 20 bytes that hang python-osc": b"#bundle\0" + struct.pack(">Qi", 1, -4),
    "an element larger than its bundle": b"#bundle\0" + struct.pack(">Qi", 1, 400) + b"/a\0\0",
    "an element of no size": b"#bundle\0" + struct.pack(">Qi", 1, 0),
    "an element of odd size": b"#bundle\0" + struct.pack(">Qi", 1, 3) + b"/a\0",
    "a bundle without elements' sizes": b"#bundle\0" + struct.pack(">Q", 1) + b"\0\0",
    "a bundle that ends in its head": b"#bundle\0\0\0",
    "a bomb of nested bundles": nested(300),
    "bad utf-8 in an address": b"/\xff\xfe\0",
    "bad utf-8 in a text": b"/hm/text\0\0\0\0,s\0\0\xff\xff\xff\0",
    "not a number": encode("/hm/beta", (float("nan"),)),
    "infinity": encode("/hm/beta", (float("inf"),)),
    "the tag X": b"/hm/beta\0\0\0\0,Xf\0" + struct.pack(">f", 0.5),
    "a character that is none": b"/hm/beta\0\0\0\0,c\0\0" + struct.pack(">I", 0xD800),
    "a MIDI message cut off": b"/hm/beta\0\0\0\0,m\0\0\0\0",
    "sixty kilobytes": b"/" + b"a" * 60_000,
    "nothing": b"",
    "a slash": b"/",
    "no end": b"/hm/beta",
    "an argument cut off": b"/hm/beta\0\0\0\0,f\0\0\0\0",
    "a blob of negative size": b"/hm/text\0\0\0\0,b\0\0" + struct.pack(">i", -1),
    "a blob larger than the packet": b"/hm/text\0\0\0\0,b\0\0" + struct.pack(">i", 2**31 - 1),
    "open brackets": b"/hm/beta\0\0\0\0,[[[[[[f" + b"\0" + struct.pack(">f", 1),
    "bytes left over": encode("/hm/beta", (0.5,)) + b"\0\0\0\0",
}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


@pytest.fixture
def performer(house: House) -> Iterator[Performer]:
    performer = Performer(house.opened.osc)
    yield performer
    performer.close()


def sets(house: House, address: str) -> list[Set]:
    return [message for message in house.messages(Set) if message.address == address]


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_packet_is_refused_in_a_millisecond(data: bytes) -> None:
    before = time.perf_counter()
    with pytest.raises(Malformed):
        read(data)
    assert time.perf_counter() - before < 0.05


def test_random_damage_only_ever_raises_malformed() -> None:
    chance = random.Random(3)
    whole = [encode("/hm/text", ("hello world", 1, 0.5, b"xyz")), plain(encode("/a", (1,)), encode("/b", ("c",))),
             tagged(NOW, encode("/a", (2**40, True, None)))]  # fmt: skip
    refused = 0
    for _ in range(20_000):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 4)):
            at = chance.random()
            if at < 0.5:
                data[chance.randrange(len(data))] = chance.randrange(256)
            elif at < 0.8:
                del data[chance.randrange(len(data)) :]
            else:
                data += bytes(chance.randrange(256) for _ in range(chance.randrange(9)))
            data = data or bytearray(b"/")
        try:
            read(bytes(data))
        except Malformed:
            refused += 1
    assert 5_000 < refused < 20_000


def test_what_is_whole_is_read() -> None:
    (message,) = read(encode("/hm/text", ("é日本 🙂", 1, 2**40, 0.5, True, None, b"\0\1\2")))
    assert message.address == "/hm/text"
    assert message.args == ("é日本 🙂", 1, 2**40, 0.5, True, None, b"\0\1\2")
    assert read(tagged(NOW + 2, encode("/a", (1,))))[0].due == pytest.approx(NOW + 2, abs=1e-3)
    inner, outer = tagged(NOW + 1, encode("/b", ())), tagged(NOW + 2, encode("/a", ()))
    both = read(tagged(NOW + 2, encode("/a", ()), inner, plain(encode("/c", ()))))
    assert [m.address for m in both] == ["/a", "/b", "/c"] and {m.due for m in both} == {read(outer)[0].due}


def typed(address: str, tags: str, *data: bytes) -> bytes:
    """A message with any type tags."""
    return b"".join(text.encode() + b"\0" * (4 - len(text) % 4) for text in (address, "," + tags)) + b"".join(data)


ALL = typed("/hm/ping", "ifsbhdtScrmTFNI[i[T]]", struct.pack(">if", 1, 0.5), b"abc\0", struct.pack(">i", 1) + b"x\0\0\0",
            struct.pack(">qdQ", 2**40, 0.25, 1 << 40), b"sym\0", struct.pack(">I", 65), b"\1\2\3\4", b"\5\6\7\x08",
            struct.pack(">i", 7))  # fmt: skip


def test_every_type_tag_of_1_0_and_1_1_is_read_and_none_shifts_the_next() -> None:
    (message,) = read(ALL)
    plain_ones = [arg for arg in message.args if not isinstance(arg, Special)]
    assert plain_ones == [1, 0.5, "abc", b"x", 2**40, 0.25, "sym", "A", True, False, None, 7, True]
    assert [str(arg) for arg in message.args if isinstance(arg, Special)] == [
        "a time tag", "a colour", "a MIDI message", "an impulse"]  # fmt: skip


def test_patterns_name_what_the_specification_says() -> None:
    nodes = Nodes()
    nodes.replace(Node(a, "f", "") for a in ("/s/1/level", "/s/2/level", "/s/10/level", "/s/1/pan", "/t/x/y/z"))
    found = {
        "/s/*/level": 3, "/s/?/level": 2, "/s/{1,10}/*": 3, "/s/[1-9]/pan": 1, "/s/[!1]/level": 1, "//level": 3,
        "//z": 1, "/t/*": 0, "/S/1/LEVEL": 0, "/s/1/level": 1, "/s/{1": 0, "////": 0,
    }  # fmt: skip
    assert {pattern: len(nodes.matching(pattern)) for pattern in found} == found
    before = time.perf_counter()
    for evil in ("/" * 250, "/" + "*a" * 120, "/" + "{a,b}" * 40, "//*" * 80, "/[" * 100):
        nodes.matching(evil)
    assert time.perf_counter() - before < 0.5


def test_a_parameter_answers_without_arguments(performer: Performer) -> None:
    assert performer.ask("/hm/beta") == [("/hm/beta", [pytest.approx(0.6)])]
    assert performer.ask("/hm/scene") == [("/hm/scene", ["gap"])]
    several = dict(performer.ask("/hm/state/*"))
    assert several["/hm/state/caption"] == ["the sea"] and len(several["/hm/state/kinds"]) == 5


@pytest.mark.parametrize("given, taken", [(0.5, 0.5), (1, 1.0), (True, 1.0), (7.5, 1.0), (-3, 0.0)])
def test_numbers_are_interchangeable_and_held_in_range(
    house: House, performer: Performer, given: float, taken: float
) -> None:
    house.said.clear()
    performer.play("/hm/beta", given)
    house.until(lambda: sets(house, "/hm/beta"))
    (said,) = sets(house, "/hm/beta")
    assert said.args == (taken,) and isinstance(said.args[0], float) and said.at == 0.0


@pytest.mark.parametrize(
    "address, args, words",
    [("/hm/betta", (0.5,), "did you mean /hm/beta?"), ("/hm/beta", ("high",), "wants one number 0..1, found 'high'"),
     ("/hm/beta", (0.1, 0.2), "wants one number 0..1, found 0.1, 0.2"), ("/hm/scene", ("gup",), "did you mean gap?"),
     ("/hm/state/gap", (0.5,), "can only be read"), ("/hm/seed", (1.5,), "wants one whole number"),
     ("/hm/text", (3,), "wants words, found 3"), ("/hm/text", ("a", True), "wants words, found 'a', True"),
     ("/hm/text/in", ("the", "red"), "a language (fr, en) and then words, found 'the'"), ("/hm/text/once", (1, "a"), "a key"),
     ("/hm/scene/gap/trial", (0.5,), "/hm/scene/gap/trail?")],
)  # fmt: skip
def test_what_is_wrong_is_answered_with_the_nearest(
    house: House, performer: Performer, address: str, args: tuple, words: str
) -> None:
    house.said.clear()
    ((path, (said, near)),) = performer.ask(address, *args) or performer.ask(address, *args)  # ten errors a second are answered
    assert path == "/hm/error" and words in said
    assert near.startswith("/hm/")
    assert not house.said


def test_a_malformed_packet_is_answered_and_the_show_goes_on(performer: Performer) -> None:
    performer.raw(HOSTILE["the 20 bytes that hang python-osc"])
    ((path, (said, _)),) = performer.hear()
    assert path == "/hm/error" and "-4 bytes" in said
    assert performer.ask("/hm/beta")


def test_a_text_is_forwarded_and_its_fate_answered(house: House, performer: Performer) -> None:
    house.said.clear()
    ((path, (key, fragment, code)),) = performer.ask("/hm/text/in", "fr", "la mer\u202e la nuit")
    text = house.messages(Text)[0]
    assert (text.words, text.kind, text.language) == ("la mer la nuit", "performer", "fr")
    assert path == "/hm/stored" and key == text.key and fragment > 0 and code.startswith("code")
    house.tell(Returned(key, text.visit, (Token("la"), Token("neige", 3, "founding", 2.0)), 0.25, 4))
    assert performer.hear() == [("/hm/returned", [key, "la neige", 0.25, 4])]
    performer.play("/hm/text", b"la mer en blob")
    assert performer.hear()[0][0] == "/hm/stored"


@pytest.mark.parametrize(
    "args, words",
    [(("the", "red", "mountain"), "the red mountain"), (("I have", 3.0, "cats"), "I have 3 cats"),
     (("vas", "en", "paix"), "vas en paix"), ((b"un blob", "et", 0.5), "un blob et 0.5"), ((1984, "!"), "1984 !")],
)  # fmt: skip
def test_the_words_of_a_list_are_one_sentence(house: House, performer: Performer, args: tuple, words: str) -> None:
    """`/hm/text sss the red mountain` dreamt "the", and "mountain" kept the next sentence from being dreamt."""
    house.said.clear()
    assert performer.ask("/hm/text", *args)[0][0] == "/hm/stored"
    assert performer.ask("/hm/text", "the", "blue", "mountain")[0][0] == "/hm/stored"
    assert [text.words for text in house.messages(Text)] == [words, "the blue mountain"]


def test_a_key_makes_sending_twice_harmless(house: House, performer: Performer) -> None:
    house.said.clear()
    for words in (("a", "lamp"), ("another", "lamp")):
        assert performer.ask("/hm/text/once", "key-of-mine", *words)[0][1][0] == "key-of-mine"
    assert [(text.words, text.key) for text in house.messages(Text)] == [("a lamp", "key-of-mine")]


def test_a_text_that_is_too_long_is_answered(performer: Performer) -> None:
    ((path, (said, _)),) = performer.ask("/hm/text", "x" * 281)
    assert path == "/hm/error" and "1 to 280 characters" in said


def test_a_touch_reaches_the_loop(house: House, performer: Performer) -> None:
    performer.play("/hm/touch", 0.25, 2.0)
    house.until(lambda: house.messages(Touch))
    assert (house.messages(Touch)[-1].x, house.messages(Touch)[-1].y) == (0.25, 1.0)


def test_a_bundle_arrives_in_one_letter(house: House, performer: Performer) -> None:
    house.letters.clear()
    performer.raw(
        plain(*(encode("/hm/beta", (0.1,)), encode("/hm/rho", (0.2,)), encode("/hm/scene/gap/trail", (0.3,))))
    )
    house.until(lambda: house.letters)
    assert [message.address for message in house.letters[0]] == ["/hm/beta", "/hm/rho", "/hm/scene/gap/trail"]


def test_a_time_tag_reaches_the_loop_at_once_with_its_time(house: House, performer: Performer) -> None:
    house.said.clear()
    performer.raw(tagged(time.time() + 3.0, encode("/hm/rho", (0.5,))))
    performer.play("/hm/rho", 0.1)
    house.until(lambda: len(sets(house, "/hm/rho")) == 2)
    later, now = sets(house, "/hm/rho")
    assert later.at - time.monotonic() == pytest.approx(3.0, abs=0.2) and now.at == 0.0


def test_a_wildcard_turns_all_that_it_names(house: House, performer: Performer) -> None:
    house.said.clear()
    performer.play("/hm/{beta,rho}", 0.4)
    house.until(lambda: len(house.said) == 2)
    assert {message.address for message in house.messages(Set)} == {"/hm/beta", "/hm/rho"}


def test_a_wildcard_turns_what_it_can_and_says_where_it_could_not(house: House, performer: Performer) -> None:
    """One address that refused kept all others from being set."""
    house.said.clear()
    ((path, (said, _)),) = performer.ask("/hm/*", 0.25)
    house.until(lambda: len(house.said) == 2)
    assert {m.address: m.args for m in house.messages(Set)} == {"/hm/beta": (0.25,), "/hm/rho": (0.25,)}
    assert path == "/hm/error" and "/hm/scene wants one of gap" in said and "/hm/blackout is a switch" in said


def test_a_wildcard_reaches_switches_by_switches_and_buttons_by_nothing(house: House, performer: Performer) -> None:
    house.said.clear()
    performer.raw(typed("/hm/{blackout,freeze}", "T"))
    performer.raw(typed("/hm/v?to", ""))
    house.until(lambda: len(house.said) == 3)
    assert [(m.address, m.args) for m in house.messages(Set)] == [("/hm/blackout", (True,)), ("/hm/freeze", (True,)), ("/hm/veto", ())]
    ((path, (said, _)),) = performer.ask("/hm/tex*", "not by a pattern")
    assert path == "/hm/error" and "/hm/text" in said and len(house.said) == 3


@pytest.mark.parametrize("address, args", [("/hm/veto", ()), ("/hm/blackout", (True,)), ("/hm/hold", (True,))])
def test_an_impulse_presses_buttons_and_switches(house: House, performer: Performer, address: str, args: tuple) -> None:
    house.said.clear()
    performer.raw(typed(address, "I"))
    house.until(lambda: sets(house, address))
    assert sets(house, address)[0].args == args


def test_an_argument_that_is_no_number_is_refused_by_its_name(performer: Performer) -> None:
    for tag, data, name in (("I", b"", "an impulse"), ("r", bytes(4), "a colour"), ("m", bytes(4), "a MIDI message"), ("N", b"", "None")):
        performer.raw(typed("/hm/beta", tag, data))
        ((path, (said, _)),) = performer.hear()
        assert path == "/hm/error" and f"found {name}" in said


def test_a_button_let_go_is_no_second_press(house: House, performer: Performer) -> None:
    house.said.clear()
    performer.play("/hm/veto", 1.0)
    performer.play("/hm/veto", 0.0)
    performer.play("/hm/rho", 0.5)
    house.until(lambda: sets(house, "/hm/rho"))
    assert [message.args for message in sets(house, "/hm/veto")] == [()]


def test_ping_gives_back_every_type_as_it_came(performer: Performer) -> None:
    performer.raw(ALL)
    performer.sock.settimeout(2)
    assert performer.sock.recv(4096) == ALL.replace(b"/hm/ping", b"/hm/pong")


def test_two_programs_on_one_machine_are_both_told(house: House) -> None:
    """The second one's subscription took the place of the first, and its end was the first one's end."""
    one, two = Performer(house.opened.osc), Performer(house.opened.osc)
    for each in (one, two):
        each.play("/hm/subscribe", "/hm/state/gap", "/hm/state/caption")
        assert each.hear()
    two.play("/hm/unsubscribe")
    two.ask("/hm/ping")
    while two.hear(0.1):
        pass
    assert {address for _ in range(4) for address, _ in one.hear()} == {"/hm/state/gap", "/hm/state/caption"}
    one.play("/hm/unsubscribe", "/hm/state/gap")
    one.play("/hm/ping")
    while not any(address == "/hm/pong" for address, _ in one.hear()):
        pass
    assert {address for _ in range(4) for address, _ in one.hear()} == {"/hm/state/caption"}
    for each in (one, two):
        each.close()


def test_a_clock_that_is_plainly_wrong_is_aligned_said_and_counted() -> None:
    """A surface half an hour ahead: what it wanted now waited for half an hour."""
    with House() as house:
        performer = Performer(house.opened.osc)
        performer.raw(tagged(time.time() + 1800.0, encode("/hm/rho", (0.5,))))
        ((path, (said, _)),) = performer.hear()
        assert path == "/hm/error" and "1800 s ahead" in said
        performer.raw(tagged(time.time() + 1801.0, encode("/hm/rho", (0.75,))))
        house.until(lambda: len(sets(house, "/hm/rho")) == 2)
        at_once, in_a_second = sets(house, "/hm/rho")
        assert at_once.at - time.monotonic() < 0.0 and in_a_second.at - time.monotonic() == pytest.approx(1.0, abs=0.2)
        other = Performer(house.opened.osc)  # a program beside it is believed
        other.raw(tagged(time.time() + 30.0, encode("/hm/rho", (0.125,))))
        house.until(lambda: len(sets(house, "/hm/rho")) == 3)
        assert sets(house, "/hm/rho")[-1].at - time.monotonic() == pytest.approx(30.0, abs=0.3)
        other.close()
        health = house.get("/health", accept="application/json").json()
        assert health["doors"]["osc_clocks_aligned"] == 1 and any("1800 s ahead" in said for said in health["troubles"])
        performer.close()


def test_ping_and_sync_answer(performer: Performer) -> None:
    assert performer.ask("/hm/ping", 7, "a") == [("/hm/pong", [7, "a"])]
    heard = performer.ask("/hm/sync", 3)
    while heard[-1][0] != "/hm/synced":
        heard += performer.hear()
    assert heard[-1] == ("/hm/synced", [3]) and ("/hm/scene", ["gap"]) in heard


def test_subscribers_hear_the_newest_state_at_a_steady_rate(house: House, performer: Performer) -> None:
    performer.play("/hm/subscribe", "/hm/state/gap")
    performer.hear()
    house.send(Values((("/hm/state/gap", (0.75,)),)))
    end, values, times = time.monotonic() + 1.0, [], []
    while time.monotonic() < end:
        for address, args in performer.hear():
            assert address == "/hm/state/gap"
            values.append(args[0])
            times.append(time.monotonic())
    assert values[-1] == 0.75 and 20 <= len(values) <= 40
    performer.play("/hm/unsubscribe")
    time.sleep(0.1)
    while performer.hear(0.05):
        pass
    assert not performer.hear(0.2)


def test_answers_go_to_another_port_if_asked(house: House, performer: Performer) -> None:
    ear = Performer(house.opened.osc)
    performer.play("/hm/subscribe", "/hm/state/gap", ear.sock.getsockname()[1])
    assert ear.hear()[0][0] == "/hm/state/gap"
    performer.play("/hm/unsubscribe")
    ear.close()


def test_long_answers_are_cut_into_frames() -> None:
    datagrams = bundle([encode(f"/hm/state/{i}", (float(i),)) for i in range(200)])
    assert len(datagrams) > 1 and max(map(len, datagrams)) <= 1400
    assert sum(len(read(data)) for data in datagrams) == 200


def test_a_stranger_from_another_network_is_not_heard() -> None:
    with House(osc_allow=("10.0.0.0/8",), probe=False) as house:
        performer = Performer(house.opened.osc)
        performer.play("/hm/beta", 0.5)
        assert not performer.hear(0.3) and not house.said
        performer.close()


def test_panic_overtakes_what_waits_at_the_door() -> None:
    """A thousand faders lie in the kernel when the door opens; blackout, sent last, is taken first, and none is lost."""
    taken: list[bytes] = []

    async def opened() -> None:
        door = UdpDoor(Port.bind("127.0.0.1", 0), lambda data, sender: taken.append(data), lambda ip: True, Counter())
        performer = Performer(door.port.number)
        for _ in range(999):
            performer.play("/hm/rho", 0.5)
        performer.play("/hm/blackout", True)
        door.open()
        while len(taken) < 1000:
            await asyncio.sleep(0.001)
        door.close()
        performer.close()

    asyncio.run(asyncio.wait_for(opened(), 10))
    assert taken[0] == encode("/hm/blackout", (True,))


def test_panic_overtakes_a_flood() -> None:
    """20,000 moves are played while the loop stands, more than the kernel has room for; blackout, played last and once, leads its letter."""
    with House() as house:
        performer = Performer(house.opened.osc)
        house.stalled = True
        for i in range(20_000):
            performer.play("/hm/scene/gap/trail" if i % 2 else f"/hm/unknown/{i}", i / 20_000)
        performer.play("/hm/blackout", True)
        house.stalled = False
        house.until(lambda: sets(house, "/hm/blackout"))
        letters = [[message.address for message in letter] for letter in house.letters]
        assert all(letter[0] == "/hm/blackout" for letter in letters if "/hm/blackout" in letter)
        performer.close()


def test_twenty_thousand_messages_a_second_come_through() -> None:
    """Best of three: a second of 20,000 fader moves at their pace; none is lost and the newest value is the last."""
    best = 1.0
    for _ in range(3):
        with House() as house:
            performer = Performer(house.opened.osc)
            start = time.perf_counter()
            for i in range(20_000):
                performer.play("/hm/rho", i / 20_000)
                if i % 100 == 0:
                    time.sleep(max(0.0, start + i / 20_000 - time.perf_counter()))
            performer.play("/hm/rho", 1.0)
            house.until(lambda: any(message.args == (1.0,) for message in sets(house, "/hm/rho")))
            counts = house.get("/health").json()["doors"]
            lost = 1.0 - counts["osc_messages"] / 20_000
            best = min(best, lost)
            performer.close()
        if best <= 0.0:
            break
    assert best <= 0.0
