"""A wall that is led: the same pictures as the wall that leads, begun at the same instant, whatever lies between them."""

from collections import deque

import numpy as np
import pytest

from engine.core.messages import Picture, State
from engine.stage.between import Between
from engine.stage.led import Led
from engine.stage.shown import Shown
from engine.stage.window import headless


@pytest.fixture(scope="module")
def context():
    made = headless()
    yield made
    made.release()


def picture(made, seed):
    y, x = np.mgrid[0:32, 0:32]
    rgba = np.full((32, 32, 4), 255, np.uint8)
    rgba[..., :3] = (127 + 100 * np.sin((x + seed % 3) / 5.0) * np.cos(y / 4.0))[..., None]  # related, so in-betweens are quick
    return Picture(rgba, np.zeros((1, 4, 4), np.float16), np.zeros((0, 1, 1), np.float16), State(made=made))


def played(context, delay, lead=0.06, seconds=30.0, lost=(), display=0.0):
    """By picture, when each wall began it: the one that leads at 30 Hz, one that is led at 27 Hz, `delay` seconds away.

    The one that leads says what it shows `display` seconds after it has gone on.
    """
    dark = context.texture((1, 1), 4)
    now = [0.0]
    leads, led = Between(context, dark), Led(context, dark)
    leads.source = led.source = lambda: now[0]
    leads.lead = lead
    rng, begun = np.random.default_rng(1), ({}, {})
    events = [(at, "picture") for at in np.cumsum(rng.uniform(0.15, 0.6, int(seconds * 3))) if at < seconds]
    events += [(k / 30, "leads") for k in range(int(30 * seconds))] + [(0.013 + k / 27, "led") for k in range(int(27 * seconds))]
    coming, said, before = deque(), deque(), {"leads": 0.0, "led": 0.0}
    for number, (at, what) in enumerate(sorted(events)):
        now[0] = at
        while coming and coming[0][0] <= at:
            led.offer(coming.popleft()[1], at)
        while said and said[0][0] <= at:
            led.follow(said.popleft()[1])
        if what == "picture":
            made = picture(at, number)
            leads.offer(made, at)
            if number not in lost:
                coming.append((at + delay, made))
            continue
        wall, times = (leads, begun[0]) if what == "leads" else (led, begun[1])
        wall.advance(at - before[what])
        before[what] = at
        if wall.begun[0]:
            times.setdefault(*wall.begun)
        if what == "leads":
            now[0] = at + display
            said.append((at + display + delay, leads.describe(Shown(at))))
    for each in (leads, led):
        each.release()
    return begun


def test_both_walls_begin_the_same_picture_within_a_frame(context):
    first, second = played(context, 0.012)
    assert len(first) > 40 and set(first) - set(second) <= {max(first)}
    apart = [second[made] - first[made] for made in first if made in second][1:]
    print("apart by ms:", np.percentile(np.abs(apart), [50, 99]) * 1e3)
    assert max(np.abs(apart)) <= 1 / 27, "a frame of the slower wall"


def test_what_is_said_a_frame_later_because_the_display_is_waited_for_is_in_time_all_the_same(context):
    first, second = played(context, 0.012, lead=0.03 + 2 / 30, display=1 / 30)  # as engine/house/wall.py says it
    apart = [second[made] - first[made] for made in first if made in second][1:]
    print("apart by ms:", np.percentile(apart, [1, 50, 99]) * 1e3)
    assert len(apart) > 30 and max(np.abs(apart)) <= 1 / 27


def test_without_a_word_beforehand_they_would_not(context):
    first, second = played(context, 0.05, lead=0.0)
    apart = [second[made] - first[made] for made in first if made in second]
    assert max(np.abs(apart)) > 1 / 27


def test_a_picture_that_was_lost_on_the_way_is_left_out_and_the_next_is_shown_together(context):
    first, second = played(context, 0.012, lost=range(400, 700))
    assert set(second) < set(first)
    late = [made for made in first if made > 20.0 and made in second]
    assert late and max(abs(second[made] - first[made]) for made in late[2:]) <= 1 / 27
