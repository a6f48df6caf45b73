"""What people do to a mind at a bad moment: a veto during a thought, the last plug pulled, most of a crowd leaving."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from engine.core.crossings import PictureRing
from engine.core.mailbox import Mailbox
from engine.core.messages import Dream, Set, Stored, Text, Touch, Trouble, Withdraw, Withdrawn
from engine.mind.composed import Composed
from engine.mind.memory.space import Space
from engine.mind.memory.strata import _strata
from engine.mind.memory.words import Crowd
from engine.mind.mind import Mind
from engine.mind.room import Room
from tests.mind.small_mind import CAPTIONS, SIDE, Painter, options, painter, parts

SENTENCE = "the ocelot keeps seventeen umbrellas at night"


class Slow(Painter):
    """A painter who waits in the middle of a thought until somebody has come in."""

    def __init__(self) -> None:
        self.__dict__.update(painter().__dict__)
        self.thinking, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        self.thinking.set()
        self.go_on.wait(5.0)
        return super().imagine(condition, noise, start, strength)


def test_a_veto_during_a_thought_is_obeyed_and_the_refused_picture_is_not_remembered(tmp_path: Path) -> None:
    slow = Slow()
    mind = Mind(options(tmp_path, founding=24, keyframe=0.1), parts=parts(dreamer=slow))
    mind.thinks = False
    mind.ponder(Dream("a red moon at night"), 0.0)
    mind.picture(Dream("a red moon at night"), 0.1)
    before = mind.keeper.archive.count("kind = 4")
    slow.go_on.clear()
    slow.thinking.clear()
    thought = threading.Thread(target=mind.ponder, args=(Dream("a green tower at noon"), 1.0))
    thought.start()
    assert slow.thinking.wait(5.0)
    mind.set(Set("/hm/veto"))
    slow.go_on.set()
    dark = mind.picture(Dream("a green tower at noon"), 1.1)
    thought.join()
    assert mind.thought is not None and mind.thought.words != "a green tower at noon", "the refused thought was kept"
    still = mind.picture(Dream("a green tower at noon"), 1.2)
    assert dark.rgba[..., :3].max() == 0 and still.rgba[..., :3].max() == 0, "dark until there is another thought"
    assert mind.keeper.archive.count("kind = 4 AND state = 0") <= before, "the refused picture became a memory"
    mind.ponder(Dream("a green tower at noon"), 2.0)
    assert mind.picture(Dream("a green tower at noon"), 2.1).rgba[..., :3].max() > 0


def test_what_was_remembered_of_a_refused_picture_is_let_go(tmp_path: Path) -> None:
    mind = Mind(options(tmp_path, founding=24, keyframe=0.1, think_every=1), parts=parts())
    for number in range(4):
        mind.picture(Dream("a red moon at night"), float(number))
    (*_, last) = mind.keeper.archive.select("kind = 4")
    mass = mind.keeper.archive.mass
    mind.set(Set("/hm/veto"))
    found = mind.keeper.archive.fragment(last.id)
    assert found and found.state == 1 and last.id not in mind.memory.row
    assert not mind.keeper.archive.latents([last.id], "small") and mind.keeper.archive.mass == mass


@pytest.mark.parametrize("dreamer", [painter, lambda: Composed(painter())], ids=["painted", "composed"])
def test_the_only_kind_unplugged_leaves_the_last_thought_on_the_wall(tmp_path: Path, dreamer) -> None:  # type: ignore[no-untyped-def]
    mind = Mind(options(tmp_path, founding=24, think_every=1), parts=parts(dreamer=dreamer()))
    mind.picture(Dream("a red moon at night"), 0.0)
    mind.set(Set("/hm/kinds/founding", (False,)))
    pictures = [mind.picture(Dream(f"a blue river, {n}"), 1.0 + n) for n in range(6)]
    assert all(one.state.words == "a red moon at night" and one.rgba[..., :3].max() for one in pictures)
    told = [news for news in mind.news() if isinstance(news, Trouble)]
    assert len(told) == 1 and "unplugged" in told[0].what
    mind.set(Set("/hm/kinds/founding", (True,)))
    assert mind.picture(Dream("a blue river"), 9.0).state.words == "a blue river"


def test_a_few_who_are_left_among_thousands_still_have_a_spread() -> None:
    vectors = np.random.default_rng(0).standard_normal((5000, 16)).astype(np.float32)
    space = Space(vectors)
    asked = set(np.linspace(0, 4999, 2048).astype(int).tolist())
    left = [row for row in range(5000) if row not in asked][:3]
    for row in range(5000):
        space.hide(row, row not in left)
    mean, spread = space.spread(vectors[left[0]])
    assert np.isfinite(mean) and spread > 0


def test_two_of_three_take_it_back_and_it_is_private_now_as_after_a_restart(tmp_path: Path) -> None:
    mind = Mind(options(tmp_path, founding=24), parts=parts())
    stored = [mind.hear(Text(SENTENCE, key=f"k{n}", visit=f"v{n}"))[0] for n in range(3)]
    assert mind.keeper.crowd.allows(SENTENCE)
    for one in stored[:2]:
        assert mind.keeper.withdraw(one.code).found  # type: ignore[union-attr]
    live = mind.keeper.crowd.allows(SENTENCE)
    mind.close()
    again = Mind(options(tmp_path, founding=24), parts=parts())
    assert live is again.keeper.crowd.allows(SENTENCE) is False
    again.close()


def test_a_visit_that_takes_back_one_of_two_alike_sentences_is_still_protected() -> None:
    crowd = Crowd()
    crowd.add(SENTENCE, b"one")
    crowd.add(SENTENCE, b"one")
    crowd.forget(SENTENCE, b"one")
    assert not crowd.allows(SENTENCE)


def test_thousands_of_pictures_are_put_in_strata_in_seconds() -> None:
    rng = np.random.default_rng(0)
    t = rng.standard_normal((6000, 384)).astype(np.float32)
    t[1::10] = t[0] + 0.01 * t[1::10]
    t /= np.linalg.norm(t, axis=1, keepdims=True)
    begun = time.thread_time()
    found = _strata(t, t, 0.97)
    took = time.thread_time() - begun
    assert sum(map(len, found.values())) == len(found[0]) == 600 and took < 4.0, f"{took:.1f} s"
    few = t[:500]
    slowly: dict[int, list[int]] = {}
    for row in range(len(few)):
        near = {first: float(few[first] @ few[row]) for first in slowly}
        best = max(near, key=near.__getitem__, default=-1)
        if near.get(best, 0.0) >= 0.97:
            slowly[best].append(row)
        else:
            slowly[row] = []
    assert _strata(few, few, 0.97) == slowly, "as one by one"


class Mute:
    """One end of a post that keeps what it is given."""

    def __init__(self) -> None:
        mine, theirs = Mailbox.pair()
        self.theirs, self.end = theirs, Mailbox(mine)
        self.letters: list[object] = []

    def until(self, seen: Callable[[], bool], seconds: float = 20.0) -> None:
        until = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < until, self.letters
            self.end.wait(0.01)
            self.letters.extend(self.end.drain())


@pytest.mark.realtime
@pytest.mark.shared
def test_ears_outlive_what_one_letter_does_and_it_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    post, ring = Mute(), PictureRing((SIDE, SIDE))
    room = Room(post.theirs, ring.name, options(tmp_path, founding=12), parts)

    def broken(mind: Mind, withdraw: Withdraw) -> Withdrawn:
        raise ValueError("the snapshot of Tuesday holds no table")

    monkeypatch.setattr(Mind, "withdraw", broken)
    stream = threading.Thread(target=room.run)
    stream.start()
    post.end.send(Dream("a red moon at night"))
    for n in range(3):
        post.end.send(Withdraw(f"code {n}"))
    post.end.send(Text("after the fall", key="k"))
    post.until(lambda: any(isinstance(letter, Stored) and letter.key == "k" for letter in post.letters) and room.guard.count == 3)
    post.until(lambda: any(isinstance(letter, Trouble) for letter in post.letters))  # a sentence is stored while the mind still loads
    said = [letter.what for letter in post.letters if isinstance(letter, Trouble)]
    assert len(said) == 1 and "the snapshot of Tuesday" in said[0] and "test_mind.py:" in said[0] and room.guard.count == 3
    post.end.send(None)
    stream.join(20.0)
    assert not stream.is_alive()


def test_a_touch_between_two_thoughts_finds_shares_and_people_of_the_same_one(tmp_path: Path) -> None:
    mind = Mind(options(tmp_path, founding=24), parts=parts())
    mind.thinks = False
    mind.ponder(Dream("a red moon at night"), 0.0)
    wrong: list[BaseException] = []
    going = True

    def fingers() -> None:
        while going:
            try:
                told = mind.touch(Touch(0.4, 0.6))
                assert told.ancestors
            except Exception as error:
                wrong.append(error)

    def read(*asked: object) -> object:
        found = measure(*asked)  # type: ignore[arg-type]
        time.sleep(0.001)  # a thread that is interrupted here
        return found

    measure = mind.measuring.measure
    mind.measuring.measure = read  # type: ignore[method-assign, assignment]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    hand = threading.Thread(target=fingers)
    hand.start()
    try:
        for n in range(40):
            mind.ponder(Dream(CAPTIONS[n % len(CAPTIONS)]), 1.0 + n)
    finally:
        going = False
        hand.join()
        sys.setswitchinterval(switch)
    assert not wrong, wrong[0]
