"""The beat of others: MIDI clock from its bytes and over a real port, Link between two real peers, messages that wait."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest

from engine.core.errors import CannotPlay
from engine.core.messages import Set, Text
from engine.loop import ScriptedDoors
from engine.show import beat
from engine.show.beat import MidiClock, OnTheBeat


def ticks(clock: MidiClock, bpm: float, count: int, start: float = 10.0, jitter: float = 0.0) -> float:
    """Feed ticks; the time of the last one, without its jitter."""
    rng, step = np.random.default_rng(2), 60.0 / bpm / 24
    for k in range(count):
        clock.feed([0xF8], start + k * step + float(rng.uniform(-jitter, jitter)))
    return start + (count - 1) * step


@pytest.mark.parametrize("bpm", [60.0, 97.0, 180.0])
def test_a_midi_clock_with_jitter_is_followed_to_a_few_thousandths_of_a_beat(bpm: float) -> None:
    clock = MidiClock()
    clock.feed([0xFA], 9.9)
    last = ticks(clock, bpm, 24 * 8 + 1, jitter=0.002)
    assert clock.tempo() == pytest.approx(bpm, rel=0.01)
    found = clock.beat(last + 0.1)
    assert found == pytest.approx(8.0 + 0.1 * bpm / 60.0, abs=0.01)


def test_start_and_song_position_say_where_the_beat_is_and_other_messages_nothing() -> None:
    clock = MidiClock()
    ticks(clock, 120.0, 31)
    clock.feed([0xF2, 16, 0], 11.0)  # sixteen sixteenths: a bar
    for message in ([0x90, 60, 100], [0xFE], [0xFC], []):
        clock.feed(message, 11.0)
    last = ticks(clock, 120.0, 25, 11.0)
    assert clock.beat(last) == pytest.approx(5.0, abs=0.35)  # the jump of the trial's own clock is averaged in
    clock.feed([0xFA], 12.0)
    last = ticks(clock, 120.0, 49, last + 60 / 120 / 24)
    assert clock.beat(last) == pytest.approx(2.0, abs=0.01)


def test_a_clock_that_stopped_has_no_beat() -> None:
    clock = MidiClock()
    assert clock.beat(0.0) is None and clock.tempo() == 0.0
    last = ticks(clock, 120.0, 49)
    assert clock.beat(last + 0.4) is not None and clock.beat(last + 1.0) is None


def test_the_wait_is_to_the_next_multiple() -> None:
    assert beat.wait(3.0, 120.0, 1.0) == 0.0 and beat.wait(3.0, 120.0, 4.0) == pytest.approx(0.5)
    assert beat.wait(3.25, 60.0, 1.0) == pytest.approx(0.75) and beat.wait(3.25, 60.0, 0.0) == 0.0
    assert beat.wait(3.0004, 60.0, 1.0) == 0.0 and beat.wait(-0.5, 60.0, 1.0) == pytest.approx(0.5)


class Steady:
    """A beat of 120 a minute that begins at second 0, or none."""

    going = True

    def beat(self, now: float) -> float | None:
        return 2.0 * now if self.going else None

    def tempo(self) -> float:
        return 120.0

    def close(self) -> None:
        """Nothing is open."""


def test_texts_and_scenes_wait_for_the_bar_in_order_and_a_fader_does_not() -> None:
    now = [0.1]
    doors, pulse = ScriptedDoors(), Steady()
    quantised = OnTheBeat(doors, pulse, lambda: now[0])
    said = (Set("/hm/beat/quantum", (4.0,)), Text("first"), Set("/hm/beta", (0.5,)), Set("/hm/scene", ("gap",)))
    doors.messages += said
    assert list(quantised.drain()) == [said[2]]
    now[0] = 1.99
    assert list(quantised.drain()) == []
    now[0] = 2.0
    assert list(quantised.drain()) == [said[1], said[3]]
    pulse.going = False
    doors.messages.append(Text("nobody beats"))
    assert len(list(quantised.drain())) == 1
    values: dict[str, object] = {}
    doors.tell = lambda news, found: values.update(found())  # type: ignore[method-assign]
    quantised.tell((), lambda: {"/hm/beta": (0.5,)})
    assert values == {"/hm/beta": (0.5,), "/hm/beat/quantum": (4.0,), "/hm/beat/tempo": (0.0,)}


@pytest.mark.parametrize(("fact", "said"), [("lnik", "did you mean link"), ("midi:no such port", "no MIDI|an extra")])
def test_a_beat_that_cannot_be_had_is_said_before_the_show(fact: str, said: str) -> None:
    with pytest.raises(CannotPlay, match=said):
        beat.find(fact)


def test_a_place_without_a_beat_has_a_quantum_too_and_waits_for_nothing() -> None:
    """`/hm/beat/quantum` was unknown until a beat was configured."""
    doors = ScriptedDoors()
    quantised = OnTheBeat(doors, beat.find(""), lambda: 0.1)
    doors.messages += [Set("/hm/beat/quantum", (4.0,)), Text("at once")]
    assert [m.words for m in quantised.drain() if isinstance(m, Text)] == ["at once"]
    assert {node.address: node.value for node in quantised.nodes()} == {"/hm/beat/quantum": (4.0,), "/hm/beat/tempo": (0.0,)}


@pytest.mark.realtime
@pytest.mark.shared
def test_link_follows_a_real_peer_and_waits_for_nobody_alone() -> None:
    aalink = pytest.importorskip("aalink", reason="an extra: pip install 'hypermnesia[link]'")
    ours = beat.find("link")
    assert ours is not None and ours.beat(time.monotonic()) is None
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def join() -> object:
        peer = aalink.Link(97.0)
        peer.enabled = True
        return peer

    peer = asyncio.run_coroutine_threadsafe(join(), loop).result()
    end = time.monotonic() + 5.0
    while ours.beat(time.monotonic()) is None and time.monotonic() < end:
        time.sleep(0.05)
    peer.tempo = 140.0  # type: ignore[attr-defined]
    time.sleep(0.5)
    assert ours.tempo() == pytest.approx(140.0, rel=1e-4)
    found = ours.beat(time.monotonic())
    assert found is not None and abs((found - peer.beat + 0.5) % 1.0 - 0.5) < 0.05  # type: ignore[attr-defined]
    ours.close()
    loop.call_soon_threadsafe(loop.stop)


@pytest.mark.realtime
@pytest.mark.shared
def test_a_midi_clock_comes_in_at_a_real_port() -> None:
    """Over JACK's dummy, which needs no sequencer in the kernel."""
    rtmidi = pytest.importorskip("rtmidi", reason="an extra: pip install 'hypermnesia[midi]'")
    from tests.sound import null_audio

    if rtmidi.API_UNIX_JACK not in rtmidi.get_compiled_api() or not null_audio.jack_is_here():
        pytest.skip("no JACK: apt-get install jackd2")
    with null_audio.jack(2, 256):
        drummer = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="drummer")
        drummer.open_virtual_port("beat")
        with pytest.raises(CannotPlay, match=r"did you mean drummer:beat|there are: .*drummer:beat"):
            beat.find("midi:drumer:beta")
        pulse = beat.find("midi:drummer")
        assert pulse is not None
        drummer.send_message([0xFA])
        begun = time.monotonic()
        for k in range(24 * 3 + 1):
            time.sleep(max(0.0, begun + k * 0.5 / 24 - time.monotonic()))
            drummer.send_message([0xF8])
        found = pulse.beat(begun + 1.5)
        pulse.close()
        drummer.close_port()
    assert found == pytest.approx(3.0, abs=0.1) and pulse.tempo() == pytest.approx(120.0, rel=0.03)
