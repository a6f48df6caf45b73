"""The programme over a day: every scene has its turn, none has a third, nothing is cut, and the log says why."""

import itertools
import logging
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.clock import Now
from engine.core.messages import Dream, Keystroke, Set, State, Text
from engine.loop import NullMind
from engine.mind.mind import Mind
from engine.show.cast import Cast
from engine.show.programme import CROSS, MARGIN, STAY, Programme
from engine.show.scene import files, load
from engine.show.turns import MOST, Turns
from engine.stage.stage import CROSSING, Stage
from tests.mind.small_mind import options, parts
from tests.show.day import HOURS, Day, drifting, play


def well_shared(day: Day, hours: float) -> None:
    share = {name: seconds / (3600 * hours) for name, seconds in day.seconds.items()}
    assert min(share.values()) > 0.0, f"never on the wall: {share}"
    assert max(share.values()) <= 1 / 3, f"more than a third: {share}"
    stayed = [(b[0] - a[0], a[2]) for a, b in itertools.pairwise(day.changes)]
    assert all(seconds >= STAY for seconds, name in stayed if name not in ("shadow", "sequel")), "it flickers"
    assert all(seconds > CROSS for seconds, _ in stayed), "one that gives way is there first"
    assert not day.errors


def test_on_an_opening_day_every_scene_has_the_wall_and_none_a_third_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "engine.show.programme"):
        day = play(heard=False)
    well_shared(day, HOURS)
    reasons = [record.getMessage() for record in caplog.records if "has the wall, because" in record.getMessage()]
    assert len(reasons) == len(day.changes) >= len(day.seconds)
    for (_, was, name), reason in zip(day.changes, reasons, strict=True):
        assert reason.startswith(f"{name} has the wall, because {load_named(name).because}") and was in reason


def load_named(name: str):  # type: ignore[no-untyped-def]
    return load(next(path for path in files() if path.stem == name))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_on_an_opening_day_with_a_small_mind_every_scene_has_the_wall(tmp_path: Path) -> None:
    mind = Mind(options(tmp_path, founding=96, keyframe=60.0, idle=20.0, think_every=4), parts=parts())

    def thinks(dream: Dream, time: float) -> State:
        mind.news()
        return mind.picture(dream, time).state

    day = play(thinks)
    mind.close()
    well_shared(day, HOURS)
    assert day.grains > 3600 * HOURS / 10


def test_somebody_who_types_gets_the_scene_that_eats_and_a_small_wish_changes_nothing() -> None:
    show = Programme(Cast(files(), make=load), "gap")
    calm = drifting(Dream("the sea"), 0.0)
    for tick in range(int(STAY) - 10):
        show.update(Now(tick, float(tick), 1.0), calm)
    for tick in range(80, 160):
        for part in range(5):
            show.receive(Keystroke(6.0, at=tick + part / 5), Now(tick, tick + part / 5, 0.2))
        show.update(Now(tick, float(tick + 1), 1.0), calm)
        if show.name != "gap":
            break
    assert show.name == "feed" and tick + 1 >= STAY
    assert show.scene.wants() > MARGIN


def test_scenes_cross_in_sound_and_never_end_with_a_cut() -> None:
    show = Programme(Cast(files(), make=load), "apriori", hold=True)
    state = drifting(Dream("the sea"), 0.0)

    def power(tick: int) -> tuple[float, float]:
        """Of the grains of a second at sixty ticks: of the scene that leaves, and of the one that comes."""
        powers = {"apriori": 0.0, "industry": 0.0}
        for part in range(60):
            now = Now(60 * tick + part, tick + part / 60, 1 / 60)
            show.update(now, state)
            for grain in show.sound(now):
                powers["apriori" if grain.duration == 2.0 else "industry"] += grain.gain**2
        return powers["apriori"], powers["industry"]

    before = [power(tick) for tick in range(4)]
    show.play("industry", Now(240, 4.0, 1 / 60))
    crossing = [power(tick) for tick in range(4, 10)]
    assert before[-1][1] == 0.0 and before[-1][0] > 0.0
    leaving, coming = [a for a, _ in crossing], [b for _, b in crossing]
    assert leaving[0] > leaving[1] > leaving[3] > leaving[int(CROSS) + 1] == 0.0
    assert 0.0 < coming[0] < coming[2] < coming[5]
    assert CROSSING >= 2.0, "the wall dissolves as slowly"


@pytest.mark.parametrize("name", [path.stem for path in files()])
def test_a_scene_that_comes_back_does_not_say_again_what_was_said_meanwhile(name: str) -> None:
    show = Programme(Cast(files(), make=load), "lineage" if name == "gap" else "gap", hold=True)
    state = drifting(Dream("the sea"), 0.0)
    for tick in range(300):
        now = Now(tick, float(tick), 1.0)
        show.receive(Keystroke(6.0), now) if tick % 50 else show.receive(Text(f"a sentence {tick}", key=str(tick)), now)
        show.update(now, state)
        list(show.sound(now))
    waiting = [len(v) for v in vars(show.cast[name].scene).values() if isinstance(v, list | deque)]
    assert max(waiting, default=0) <= 64, f"{name} gathers what it never plays"
    show.play(name, Now(400, 400.0, 1 / 60))
    for tick in range(30):
        now = Now(400 + tick, 400.0 + tick / 60, 1 / 60)
        show.update(now, state)
        heard = list(show.sound(now))
        assert all(grain.time >= now.time for grain in heard) and not any(grain.prompt for grain in heard)
    assert not show.cast.guard.count


def test_no_frame_of_a_change_of_scenes_jumps() -> None:
    """The real stage, from each scene to the next: a frame differs from the last no more than a dissolve lets it."""
    import numpy as np

    from tests.rows.test_row_14_spread import Pictures

    class Frames:
        lost = 0

        def __init__(self) -> None:
            self.seen: list[np.ndarray] = []

        def offer(self, frame: np.ndarray, at: float) -> None:
            self.seen.append(frame[..., :3].astype(float))

        def hear(self, samples: object, at: float) -> None: ...
        def close(self) -> None: ...

    show, tap, mind = Programme(Cast(files(), make=load), "shadow", hold=True), Frames(), NullMind(State(1, degree=2))
    stage = Stage((128, 72), None, [tap], Pictures(), fps=20.0, live=False)
    for frame in range(240):
        now = Now(frame, frame / 20, 0.05)
        if frame == 100:
            show.play("apriori", now)
        show.update(now, mind.state)
        stage.show(show.draw(now), now.time)
    stage.close()
    far = np.abs(tap.seen[95] - tap.seen[-1]).mean()
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(tap.seen[90:])]
    assert far > 40.0 and max(steps) < 0.2 * far, f"a cut: {max(steps):.1f} of {far:.1f} in one frame"


def test_a_scene_tires_of_the_wall_and_rests_while_others_have_it() -> None:
    turns = Turns()
    for _ in range(1800):
        turns.pass_by("gap", 1.0)
    assert turns.tired("gap", 7) and not turns.tired("feed", 7) and not turns.tired("gap", 1)
    for _ in range(3600):
        turns.pass_by("feed", 1.0)
    assert turns.share("gap") < MOST and not turns.tired("gap", 7) and turns.tired("feed", 7)


def test_values_are_those_of_the_directory() -> None:
    show = Programme(Cast(files(), make=load), "gap")
    for scene in ("gap", "lineage"):
        show.receive(Set("/hm/scene", (scene,)), Now(0, 0.0, 1 / 60))
        show.receive(Set("/hm/gamma", (0.25,)), Now(1, 0.0, 1 / 60))
        show.update(Now(2, 0.1, 1 / 60), State(picture=3))
        assert show.values() == {node.address: node.value for node in show.directory().nodes if node.readable}


def test_shadow_gives_way_as_soon_as_somebody_writes() -> None:
    """Its sheet is empty when words come, and a minute and a half of empty paper is no answer."""
    show = Programme(Cast(files(), make=load), "shadow")
    alone = replace(drifting(Dream("the sea"), 0.0), autonomy=0.9, light=0.2)
    for tick in range(20):
        show.update(Now(tick, float(tick), 1.0), alone)
    assert show.name == "shadow"
    for tick in range(20, 26):
        show.update(Now(tick, float(tick), 1.0), replace(alone, autonomy=0.1))
    assert show.name != "shadow" and show.leaving in ("shadow", "")
