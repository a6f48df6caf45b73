"""Letters between machines: what is packed comes back the same, and nothing else comes at all."""

import contextlib
import pickle
import zlib
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from engine.core.messages import Ancestor, Dream, Lineage, Picture, Resume, Set, State, Text, Trouble, Withdraw
from engine.places.frames import Receiver, Sender
from engine.places.minds import Ask
from engine.places.pulse import Beat, Heard
from engine.places.wire import LARGEST, Garbage, OtherVersion, packed, unpacked
from engine.stage.layer import dreamed
from engine.stage.shown import Shown

LETTERS = [
    Text("la mer", key="k", at=3.5), Set("/hm/beta", (0.5, 1, True, "x", b"y")), Withdraw("abc"), Trouble("mind", "what"),
    Ask(7, Dream("the sea", beta=0.9, key="k")), Resume(3, 1.5, (4, 2, 2), bytes(32)),
    Beat("north", ("mind",), 3.0, heard=(Heard("house", 1.0, 2.0),), shown=((1.0, 2.0),), figures=(("a", 1.0),)),
    Shown(1.0, 2.0, dreamed.drift(amount=0.02).feedback(trail=0.9).grade(light=0.8), end=4.0),
]  # fmt: skip


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: type(letter).__name__)
def test_a_letter_comes_back_the_same(letter):
    assert unpacked(packed(letter)) == letter


def test_garbage_is_garbage_and_never_anything_else():
    rng, whole = np.random.default_rng(0), packed(LETTERS[0])
    tries = [b"", b"hm", pickle.dumps(LETTERS[0]), bytes(LARGEST + 1), b"hm\x01\x04Text" + b"\x91" * 100_000, whole[:-1], whole + b"\x00"]
    tries += [bytes(rng.integers(0, 256, rng.integers(0, 200), np.uint8)) for _ in range(2000)]
    tries += [b"hm\x01\x04Text" + bytes(rng.integers(0, 256, 60, np.uint8)) for _ in range(2000)]
    for data in tries:
        with pytest.raises(Garbage):
            unpacked(data)
    for at in range(len(whole)):  # every letter with one byte turned: garbage, or a Text whose fields are of their types
        data = bytearray(whole)
        data[at] ^= 0x55
        with contextlib.suppress(Garbage):
            assert isinstance(unpacked(bytes(data)), Text)
    with pytest.raises(Garbage, match="no Set"):
        unpacked(b"hm\x01\x03Set" + msgspec.msgpack.encode({"address": 3}))


def test_another_version_is_named():
    with pytest.raises(OtherVersion, match="version 9, this is 1"):
        unpacked(b"hm\x09" + packed(LETTERS[0])[3:])


def picture(seed=0, made=10.0, words="the sea", ancestors=24):
    rng = np.random.default_rng(seed)
    line = Lineage(tuple(Ancestor(n, 1 / ancestors, voice=tuple(rng.uniform(-1, 1, 16).tolist())) for n in range(1, ancestors + 1)))
    state = State(seed, words, asked=made - 1, made=made, dream=Dream("", key=words), lineage=line, readback=("sea",), gap=0.4)
    shares = rng.dirichlet(np.full(ancestors, 0.2), (16, 16)).transpose(2, 0, 1)
    return Picture(np.zeros((8, 8, 4), np.uint8), rng.standard_normal((24, 16, 16)).astype(np.float16), shares.astype(np.float16), state)


def crossed(letters, receiver):
    ground, frame = (letter and unpacked(packed(letter)) for letter in letters)
    if ground:
        receiver.ground(ground)
    return receiver.picture(frame)


def test_a_picture_crosses_without_its_pixels_and_says_all_that_was_measured():
    carries = np.linspace(4.0, 0.1, 24, dtype=np.float32)
    sender, receiver = Sender("north", carries), Receiver()
    first, second, other = picture(1), picture(1, made=10.1), picture(2, made=10.2, words="a fire")
    for sent, now in ((first, 0.0), (second, 0.1), (other, 0.2)):
        letters = sender.pack(sent, 3, now)
        assert (letters[0] is None) == (sent is second), "a thought crosses once"
        found = crossed(letters, receiver)
        assert found.state == sent.state
        assert np.abs(found.shares.astype(float) - sent.shares).max() < 0.003
        error = np.abs(found.latent.astype(float) - sent.latent)
        assert (error <= 0.5 * 0.09 / np.sqrt(carries)[:, None, None] + 0.01).all()


def test_a_frame_without_its_ground_waits_and_one_that_unfolds_without_end_is_refused():
    sender, receiver = Sender("north", None), Receiver()
    sender.pack(picture(1), 0, 0.0)
    _, frame = sender.pack(picture(1, made=10.1), 0, 0.1)
    assert receiver.picture(frame) is None and receiver.waiting == 1
    ground, frame = Sender("north", None).pack(picture(1), 0, 0.0)
    receiver.ground(ground)
    for spoilt in ({"latent": zlib.compress(bytes(1 << 24))}, {"latent": b"x"}, {"shape": (65, 4, 4)}, {"shape": (24, 16, 15)}, {"steps": b"abcd"},
                   {"steps": np.full(24, np.nan, np.float32).tobytes()}, {"each": b"\xc1"}, {"each": msgspec.msgpack.encode({"made": "x"})}):  # fmt: skip
        with pytest.raises(ValueError):
            receiver.picture(replace(frame, **spoilt))
