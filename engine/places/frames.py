"""Pictures as they cross a network: the latent, rounded by what each channel carries, and what was measured; no pixel.

Most of a State is of a thought, which lasts for many pictures. So a `Ground` goes out with each thought, at most twice a second, and a
`Frame` says by its number which ground it stands on and what differs from it. A frame without its ground waits for the
next one. Shares go with the ground, in 255 steps.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Picture, State

EACH = ("picture", "asked", "made", "seed", "time", "light", "aura", "withheld", "autonomy", "flow", "shadow", "copied", "motion", "degree", "standard", "doubt", "step")
OFTEN = 0.5  # seconds between two grounds of one thought: what is left out of EACH changes that often at most
AGAIN = 2.0  # seconds after which a ground goes out again, for who came late
STEP, MOST = 0.09, 1000  # as the archive rounds latents: decoded again at least 45 dB
PLAIN = 0.03  # deviations that a latent is rounded to where no channel says what it carries: 41 dB
LARGEST = (64, 128, 128)  # channels, rows, columns of a latent; rows and columns of shares are as many at most


@dataclass(frozen=True, slots=True)
class Ground:
    """A State and its shares, by a number."""

    mind: str
    number: int
    state: bytes  # deflated msgpack of a State
    rows: tuple[int, int, int]  # shape of the shares
    shares: bytes  # deflated u8, 255 = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a mind."""

    mind: str
    term: int  # of the request that it answers: see minds.py
    ground: int
    shape: tuple[int, int, int]
    steps: bytes  # (c,) f32: what each channel is rounded to
    latent: bytes  # deflated whole numbers of steps: see `_packed`
    each: bytes  # msgpack of what differs from the ground, by field


class Sender:
    """Makes grounds and frames of one mind's pictures. One thread."""

    def __init__(self, mind: str, carries: NDArray[np.float32] | None):
        self.mind, self.carries = mind, carries
        self._number, self._ground = 0, Ground(mind, 0, b"", (0, 1, 1), b"")
        self._kept: State | None = None
        self._shares: NDArray[np.float16] | None = None
        self._sent = -AGAIN

    def pack(self, picture: Picture, term: int, now: float | None = None) -> tuple[Ground | None, Frame]:
        """What is to be sent for a picture: a ground where there is a new one or it is time to say it again, and the frame."""
        now = time.monotonic() if now is None else now
        state = picture.state
        fresh = self._kept is None or state.lineage != self._kept.lineage or state.words != self._kept.words or state.dream != self._kept.dream
        new = self._kept is None or (fresh and now - self._sent >= OFTEN) or state.words != self._kept.words
        if new:
            self._number, self._kept = self._number + 1, state
            shares = np.rint(np.clip(picture.shares.astype(np.float32), 0.0, 1.0) * 255).astype(np.uint8)
            rows = shares.shape[0], shares.shape[1], shares.shape[2]
            said = zlib.compress(msgspec.msgpack.encode(state), 1)
            self._ground = Ground(self.mind, self._number, said, rows, zlib.compress(shares.tobytes(), 1))
        again = new or now - self._sent >= AGAIN
        if again:
            self._sent = now
        assert self._kept is not None
        steps = np.full(picture.latent.shape[0], PLAIN, np.float32)
        if self.carries is not None:
            steps = (STEP / np.sqrt(np.maximum(self.carries, 1e-6))).astype(np.float32)
        differs = {name: value for name in EACH if (value := getattr(state, name)) != getattr(self._kept, name)}
        c, h, w = picture.latent.shape
        frame = Frame(self.mind, term, self._number, (c, h, w), steps.tobytes(), _packed(picture.latent, steps), msgspec.msgpack.encode(differs))
        return self._ground if again else None, frame


class Receiver:
    """Makes pictures, without pixels, of what comes from one mind. Raises ValueError for what cannot be one. One thread."""

    def __init__(self) -> None:
        self._grounds: dict[int, tuple[dict[str, Any], NDArray[np.float16]]] = {}
        self.waiting = 0  # frames whose ground had not come

    def ground(self, ground: Ground) -> None:
        """Keep a ground; the last two are kept."""
        n, rows, columns = ground.rows
        if not (0 <= n <= 256 and 0 < rows <= LARGEST[1] and 0 < columns <= LARGEST[2]):
            raise ValueError(f"shares of {ground.rows}")
        state = msgspec.msgpack.decode(inflated(ground.state, 1 << 18), type=State)
        shares = np.frombuffer(inflated(ground.shares, n * rows * columns + 1), np.uint8).reshape(n, rows, columns)
        newest = {number: kept for number, kept in self._grounds.items() if number == ground.number - 1}
        self._grounds = newest | {ground.number: ({f.name: getattr(state, f.name) for f in fields(State)}, (shares / 255.0).astype(np.float16))}

    def picture(self, frame: Frame) -> Picture | None:
        """The picture of a frame; its `rgba` is empty. None where its ground has not come."""
        if frame.ground not in self._grounds:
            self.waiting += 1
            return None
        c, h, w = frame.shape
        if not all(0 < have <= most for have, most in zip(frame.shape, LARGEST, strict=True)):
            raise ValueError(f"a latent of {frame.shape}")
        try:
            latent = _unpacked(frame.latent, frame.steps, (c, h, w))
            differs = msgspec.msgpack.decode(frame.each, type=dict[str, Any])
            state = msgspec.convert({name: differs.get(name, self._grounds[frame.ground][0][name]) for name in EACH}, type=_EACH)
        except msgspec.MsgspecError as wrong:
            raise ValueError(f"no picture: {wrong}") from wrong
        if not np.isfinite(latent).all():
            raise ValueError("a latent that is not finite")
        kept, shares = self._grounds[frame.ground]
        whole = State(**(kept | {name: getattr(state, name) for name in EACH}))
        return Picture(np.empty((0, 0, 4), np.uint8), latent, shares, whole)


def shifted(state: State, by: float) -> State:
    """A State whose monotonic times are said by another clock, `by` seconds later."""
    return replace(state, asked=state.asked + by if state.asked else 0.0, made=state.made + by if state.made else 0.0)


def _packed(latent: NDArray[np.float16], steps: NDArray[np.float32]) -> bytes:
    """Whole numbers of steps, signs folded in, high bytes apart from low ones, deflated. As engine.mind.memory.records.pack
    keeps them, but quicker to make and to read, a fifth larger, and bounded when read."""
    places = np.rint(latent.astype(np.float32) / steps[:, None, None]).clip(-MOST, MOST).astype(np.int32)
    unsigned = ((places << 1) ^ (places >> 31)).astype(np.uint16)  # 0, -1, 1, -2, 2 ... are 0, 1, 2, 3, 4 ...
    return zlib.compress((unsigned >> 8).astype(np.uint8).tobytes() + (unsigned & 255).astype(np.uint8).tobytes(), 6)


def _unpacked(data: bytes, steps: bytes, shape: tuple[int, int, int]) -> NDArray[np.float16]:
    """Raises ValueError for what `_packed` did not make."""
    size = shape[0] * shape[1] * shape[2]
    high, low = np.frombuffer(inflated(data, 2 * size), np.uint8).reshape(2, *shape).astype(np.int32)
    unsigned = high << 8 | low
    places = (unsigned >> 1) ^ -(unsigned & 1)
    found: NDArray[np.float16] = (places * np.frombuffer(steps, np.float32).reshape(-1, 1, 1)).astype(np.float16)
    if found.shape != shape:
        raise ValueError(f"{len(steps)} bytes of steps for {shape[0]} channels")
    return found


def inflated(data: bytes, most: int) -> bytes:
    """Raises ValueError for what is no deflated data, or more than `most` bytes of it: a small letter can unfold without end."""
    try:
        found = zlib.decompressobj().decompress(data, most + 1)
    except zlib.error as wrong:
        raise ValueError(str(wrong)) from wrong
    if len(found) > most:
        raise ValueError(f"more than {most} bytes")
    return found


_EACH = msgspec.defstruct("Each", [(f.name, {"int": int, "float": float, "str": str}[str(f.type)]) for f in fields(State) if f.name in EACH])
