"""A mind that is too slow gives up what its contract says, in that order, and takes it back when it can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.core.crossings import PictureRing
from engine.core.mailbox import Mailbox
from engine.core.messages import Dream, Returned, State, Text, Trouble
from engine.mind.model.codec import fitted
from engine.mind.model.contract import Contract, Terms
from engine.mind.room import Room
from tests.mind.small_mind import SIDE, Painter, options, parts

pytestmark = pytest.mark.realtime

TERMS = Terms(deadline=0.05, window=8, ladder=((32, 32),))


class Slow(Painter):
    """A painter that takes as long as the test says, and is quick once it is small."""

    def __init__(self) -> None:
        super().__init__()
        self.contract, self.cost = Contract(TERMS), 0.005

    def paint(
        self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0, *, asked: float = 0
    ) -> tuple[np.ndarray, Tensor]:
        rgba, latent = super().paint(condition, noise, start, strength, asked=asked)
        return rgba[: self.size[0], : self.size[1]], latent

    def decode(self, latent: Tensor) -> np.ndarray:
        time.sleep(self.cost)
        return super().decode(latent)

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """Smaller latents of smaller pictures, as a Model's are; what is given to it may have any size."""
        like = torch.empty(Painter.latent)
        made = super().imagine(condition, fitted(noise, like), start if start is None else fitted(start, like), strength)
        return made if self.size == (SIDE, SIDE) else F.avg_pool2d(made, 2)

    def lower(self) -> None:
        self.size, self.cost = (32, 32), 0.005
        self.contract.resized(time.monotonic(), self.size, self.contract.why)


class Playing:
    """A room in this process, its stream in a thread."""

    def __init__(self, folder: Path):
        self.painter = Slow()
        self.ring = PictureRing((SIDE, SIDE))
        mine, theirs = Mailbox.pair()
        self.mailbox = Mailbox(mine)
        self.room = Room(theirs, self.ring.name, options(folder), lambda: parts(dreamer=self.painter))
        self.thread = threading.Thread(target=self.room.run, daemon=True)
        self.thread.start()
        self.mailbox.send(Dream("a red moon at night", at=time.monotonic()))

    @property
    def state(self) -> State:
        found = self.ring.newest()
        return found.state if found else State()

    def until(self, seen: Callable[[State], bool], seconds: float = 30.0) -> State:
        end = time.monotonic() + seconds
        while not seen(state := self.state):
            assert time.monotonic() < end, f"not within {seconds} s: {state.step}, {state.why}"
            time.sleep(0.005)
        return state

    def thoughts(self, seconds: float) -> int:
        """How many thoughts the mind has in so many seconds."""
        assert self.room.mind
        before = self.room.mind._thoughts
        time.sleep(seconds)
        return self.room.mind._thoughts - before

    def stop(self) -> None:
        self.mailbox.send(None)
        self.thread.join(10)
        self.mailbox.close()
        self.ring.close()


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Playing]:
    made = Playing(tmp_path)
    made.until(lambda state: state.picture > 20)
    yield made
    made.stop()


def test_a_slow_mind_stops_musing_and_still_answers(playing: Playing) -> None:
    assert any(playing.thoughts(1.0) for _ in range(10)), "a mind that is in time muses"
    playing.painter.contract.take("skip", "the test says so", time.monotonic())
    playing.painter.cost = 0.06  # late, so that no step up is taken
    playing.until(lambda state: state.step == "skip" or state.contract != ())
    assert playing.room._late()
    assert 0 in (playing.thoughts(1.0) for _ in range(6)), "one may be under way, on a busy machine for long"
    playing.mailbox.send(Dream("a blue river at noon", at=time.monotonic()))
    playing.until(lambda state: state.words == "a blue river at noon")


def test_every_second_picture_is_left_to_the_wall_then_pictures_become_smaller(playing: Playing) -> None:
    playing.painter.cost = 0.07  # over the promise of 50 ms, under twice as much
    playing.until(lambda state: state.step == "extrapolate")
    first, began = playing.state.picture, time.monotonic()
    last, ended = first, began
    while time.monotonic() < began + 1.0 and (state := playing.state).step == "extrapolate":  # a stall of the machine takes the next step
        last, ended = state.picture, time.monotonic()
        time.sleep(0.01)
    rate = (last - first - 1) / max(0.2, ended - began)  # one may have been under way
    assert rate <= 1.1 / (1.8 * TERMS.deadline), "a rest after each picture"
    playing.painter.cost = 0.2
    state = playing.until(lambda state: dict(state.contract).get("size_px") == 32.0)
    assert playing.ring.newest().rgba.shape == (32, 32, 4)  # type: ignore[union-attr]
    steps = [step for _, step, _ in playing.painter.contract.steps_taken]
    at = steps.index("smaller")
    assert steps[at - 2 : at + 1] == ["skip", "extrapolate", "smaller"]
    assert "32x32" in playing.painter.contract.steps_taken[at][2] and dict(state.contract)["misses"] > 0
    playing.mailbox.send(Dream("a blue river at noon", at=time.monotonic()))
    playing.until(lambda state: state.words == "a blue river at noon")  # it thinks and remembers at the smaller size
    playing.mailbox.send(Text("a golden tower in the fog", key="k"))
    end = time.monotonic() + 20
    letters: list[object] = []
    while not any(isinstance(letter, Returned) for letter in letters):
        assert time.monotonic() < end
        time.sleep(0.05)
        letters += playing.mailbox.drain()
    assert not [letter for letter in letters if isinstance(letter, Trouble)]


def test_the_account_travels_with_the_pictures(playing: Playing) -> None:
    state = playing.until(lambda state: dict(state.contract).get("pictures", 0) > 20)
    figures = dict(state.contract)
    assert 0 < figures["compute_ms_p50"] < 50 and figures["interval_ms_p50"] >= 1000 / 61
    assert figures["size_px"] == SIDE and figures["faults"] == 0 and figures["age_ms"] < 1000


def test_words_are_not_answered_by_a_picture_of_older_words(playing: Playing) -> None:
    counted = playing.painter.contract.words.count
    asked = time.monotonic()
    playing.mailbox.send(Dream("a golden tower in the fog", at=asked))
    playing.until(lambda state: state.words == "a golden tower in the fog")
    assert playing.painter.contract.words.count == counted + 1
    assert playing.painter.contract.words.worst <= 1e3 * (time.monotonic() - asked) + 2000
