"""Eight simulated hours of a small mind, with visitors who come and go: what the rows promise for long, holds for long."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.autonomy import SENTENCE, Autonomy
from engine.core.messages import Dream, State, Text
from engine.mind.letters import answer
from engine.mind.mind import Mind
from engine.mind.replay import replay
from tests.mind.small_mind import CAPTIONS, options
from tests.rows.test_row_12_standard import keen

HOURS = 8.0
OWN = ("my grandmother's garden", "we were here", "the night we met", "why is the sea so loud", "a house without doors", "snow")


def visitors(seconds: float, seed: int = 8) -> dict[int, Text]:
    """Second -> what somebody says: groups of a few, twenty minutes of them and as many of nobody."""
    draw, said, now = np.random.default_rng(seed), {}, 60.0
    while now < seconds:
        for number in range(int(draw.integers(2, 7))):
            words = str(draw.choice(CAPTIONS if draw.random() < 0.6 else OWN))
            said[int(now)] = Text(words, key=f"{int(now)}", visit=f"v{int(now) // 600}-{number}")
            now += float(draw.uniform(20, 200))
        now += float(draw.exponential(1200.0))
    return said


def day(mind: Mind, seconds: float, every: float) -> Iterator[tuple[Text | None, State]]:
    """A picture every so many seconds, and who spoke before it."""
    presence, words, said = Autonomy(), Text(""), visitors(seconds)
    for step in range(int(seconds / every)):
        now = step * every
        spoke = next((said[second] for second in range(int(now - every) + 1, int(now) + 1) if second in said), None)
        if spoke:
            presence.human(SENTENCE, now)
            words = spoke
            answer(mind, spoke)
        yield spoke, mind.picture(Dream(words.words, key=words.key, autonomy=presence.value(now)), now).state


def lived(folder: Path, hours: float, every: float) -> tuple[Mind, list[tuple[Text | None, State]]]:
    mind = Mind(options(folder, founding=len(CAPTIONS), keyframe=60.0, idle=24.0, think_every=max(1, round(20 / every))), parts=keen())
    return mind, list(day(mind, 3600 * hours, every))


def check(folder: Path, hours: float, every: float) -> None:
    mind, log = lived(folder / "first", hours, every)
    states = [state for _, state in log]
    retro = np.array([state.retro for state in states])
    kept = np.array([1.0 - state.standard for state in states])
    gini, light = np.array([s.gini for s in states]), np.array([s.light for s in states])
    autonomy = np.array([s.autonomy for s in states])
    print(f"  measured: {len(states)} pictures in {hours:g} h: retro at most {retro.max():.2f} days a day, Vendi over the archive's own at least "
          f"{kept.min():.2f}, gini {gini[len(gini) // 4:].min():.2f} to {gini.max():.2f}, {states[-1].withheld} withheld, "
          f"{states[-1].fragments} fragments, producers of generation {max(p.generation for p in states[-1].producers)}")
    assert retro.max() <= 1.5, f"nostalgia: {retro.max():.2f} days a day"
    assert kept.min() >= 0.3, f"collapse: {kept.min():.2f} of the archive's own"
    assert 0.0 <= light.min() < light.max() <= 1.0 and gini.min() > 0.0 and gini.max() < 1.0
    assert autonomy.min() < 0.2 and autonomy.max() > 0.9, "nobody came, or nobody ever left"
    assert states[-1].mass == mind.keeper.archive.mass == mind.keeper.archive.count()
    assert states[-1].withheld < 0.05 * len(states), f"{states[-1].withheld} of {len(states)} pictures were withheld"
    mind.close()

    again = Mind(replace(mind.options, archive=folder / "again"), parts=keen())
    for spoke, state in log[:120]:
        if spoke:
            answer(again, spoke)
        (picture,) = replay(again, [pickle.loads(pickle.dumps(state))])
        assert (picture.state.gap, picture.state.aura, picture.state.standard) == (state.gap, state.aura, state.standard), f"picture {state.picture} is another"
    again.close()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_eight_hours(tmp_path: Path) -> None:
    check(tmp_path, HOURS, 1.0)
