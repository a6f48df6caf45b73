import multiprocessing
import os
import signal
import struct
import threading
import time

import numpy as np
import pytest

from engine.core.crossings import ClockPage, GrainRing, PictureRing
from engine.core.mailbox import Mailbox
from engine.core.messages import Grain, Picture, State, Stored, Text

SPAWN = multiprocessing.get_context("spawn")


def picture(number: int, side: int = 64) -> Picture:
    rgba = np.full((side, side, 4), number % 256, np.uint8)
    latent = np.full((4, 8, 8), number, np.float16)
    shares = np.full((3, 4, 4), 0.25, np.float16)
    return Picture(rgba, latent, shares, State(picture=number, words="la mer"))


def paint(name: str, count: int) -> None:
    ring = PictureRing(name=name)
    for number in range(1, count + 1):
        ring.write(picture(number))


def test_a_mailbox_delivers_in_order():
    a, b = (Mailbox(end) for end in Mailbox.pair())
    for n in range(50):
        a.send(Text(f"word {n}"))
    assert [t.words for t in b.drain()] == [f"word {n}" for n in range(50)]
    b.send(Stored("k", 1, "code"))
    assert list(a.drain()) == [Stored("k", 1, "code")]


def test_a_mailbox_nobody_reads_drops_the_oldest_and_counts():
    a, b = (Mailbox(end, capacity=10) for end in Mailbox.pair())
    count = 5000
    for n in range(count):
        a.send(Text("x" * 200, key=str(n)))
    got = [int(t.key) for t in b.drain()]
    for _ in range(10):
        a.flush()
        got += [int(t.key) for t in b.drain()]
    assert a.lost > 0
    assert len(got) + a.lost == count
    assert got == sorted(got) and got[-1] == count - 1, "the newest arrives"


def test_two_threads_may_post_while_a_third_flushes_and_every_letter_comes_once() -> None:
    """The loop drains (and so flushes) while the supervisor's thread sends: a letter had come twice, or been missing."""
    a, b = (Mailbox(end, capacity=1 << 20) for end in Mailbox.pair())
    count, wrong, over = 8000, [], threading.Event()

    def post(name: str) -> None:
        try:
            for number in range(count):
                a.send((name, number))
        except Exception as error:
            wrong.append(error)

    def flush() -> None:
        try:
            while not over.is_set():
                a.flush()
        except Exception as error:
            wrong.append(error)

    senders = [threading.Thread(target=post, args=(name,)) for name in "xy"]
    flusher = threading.Thread(target=flush)
    for thread in (*senders, flusher):
        thread.start()
    came: list[tuple[str, int]] = []
    until = time.monotonic() + 30
    while len(came) < 2 * count and not wrong and time.monotonic() < until:
        came.extend(b.drain())
    over.set()
    for thread in (*senders, flusher):
        thread.join()
    assert not wrong
    assert [number for name, number in came if name == "x"] == [number for name, number in came if name == "y"] == list(range(count))
    a.close()
    b.close()


def test_a_mailbox_whose_other_side_is_gone_does_not_raise():
    a, b = (Mailbox(end) for end in Mailbox.pair())
    b.close()
    a.send(Text("to nobody"))
    assert list(a.drain()) == []


def test_a_letter_too_large_is_refused_with_its_size():
    a, _ = (Mailbox(end) for end in Mailbox.pair())
    with pytest.raises(ValueError, match=r"\d+ bytes \(Text\)"):
        a.send(Text("x" * 300_000))


def test_a_picture_comes_out_as_it_went_in():
    ring = PictureRing((128, 128))
    reader = PictureRing(name=ring.name)
    assert reader.newest() is None
    serial = ring.write(picture(7))
    got = reader.newest()
    assert got is not None and serial == 1
    assert (got.rgba == 7).all() and got.rgba.shape == (64, 64, 4)
    assert (got.latent == 7).all() and (got.shares == 0.25).all()
    assert got.state.words == "la mer"
    assert reader.newest(after=1) is None
    reader.close()
    ring.close()


def test_a_picture_too_large_names_both_sizes():
    ring = PictureRing((32, 32))
    with pytest.raises(ValueError, match="64x64 does not fit into a ring for 32x32"):
        ring.write(picture(1))
    ring.close()


def test_a_reader_never_sees_half_a_picture():
    ring = PictureRing((64, 64))
    writer = SPAWN.Process(target=paint, args=(ring.name, 3000))
    writer.start()
    last = seen = 0
    while writer.is_alive() or ring.serial > last:
        got = ring.newest(last)
        if got is not None:
            assert (got.rgba == got.state.picture % 256).all(), "torn"
            last, seen = got.state.picture, seen + 1
    writer.join()
    assert last == 3000 and seen > 3
    ring.close()


def test_a_writer_killed_in_the_middle_leaves_the_ring_usable():
    ring = PictureRing((64, 64))
    for _ in range(3):
        writer = SPAWN.Process(target=paint, args=(ring.name, 10**7))
        writer.start()
        before = ring.serial
        while ring.serial < before + 20:
            time.sleep(0.005)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        serial = ring.write(picture(200))
        got = ring.newest()
        assert got is not None and got.state.picture == 200 and ring.serial == serial
    ring.close()


def test_an_offer_that_is_being_written_is_none_yet_and_none_is_ever_taken_for_another():
    ring = PictureRing((64, 64))
    assert ring.offered() is None
    ring.offer("GPU-1", (b"a" * 64, b"b" * 64, b"c" * 64))
    first = ring.offered()
    assert first is not None and first[1:] == ("GPU-1", (b"a" * 64, b"b" * 64, b"c" * 64))
    struct.pack_into("<q", ring._buffer, 16, first[0] + 1)  # a writer that was killed in the middle
    assert ring.offered() is None
    ring.retract()
    assert ring.offered() is None
    ring.offer("GPU-1", (b"d" * 64, b"e" * 64, b"f" * 64))
    second = ring.offered()
    assert second is not None and second[0] > first[0] and second[2][0] == b"d" * 64
    ring.close()


def test_grains_arrive_in_order_and_a_full_ring_counts():
    ring = GrainRing(capacity=8)
    reader = GrainRing(name=ring.name)
    for n in range(10):
        ring.put(Grain(n, source=n, detune=12.0, envelope="perc"), float(n))
    rows = reader.take()
    assert rows["source"].tolist() == list(range(8)) and ring.lost == 2
    assert rows["rate"][0] == 2.0 and rows["envelope"][0] == 2
    assert len(reader.take()) == 0
    reader.close()
    ring.close()


def test_the_clock_page_is_read_whole():
    page = ClockPage()
    other = ClockPage(page.name)
    page.publish(running=1, sample=480, seconds=3.5)
    assert other.read()["sample"] == 480 and other.read()["seconds"] == 3.5
    other.close()
    page.close()
