"""A mind on another machine, as the house sees it: the same room, the same ring, the same answers."""

import signal
import time
from pathlib import Path

import pytest

from engine.core.messages import Returned, Set, Stored, Text, Withdraw, Withdrawn
from tests.places.house_of_two import house

pytestmark = [pytest.mark.realtime]


def test_a_mind_elsewhere_dreams_remembers_answers_and_forgets(tmp_path: Path) -> None:
    with house(tmp_path) as here:
        here.start("north")
        here.mind.hear(Text("a violet tower in the fog", key="early", visit="v"))  # before any mind is there
        here.ask("a red moon at night")
        here.until(lambda: here.ring.serial > 3)
        here.until(lambda: here.got(Returned))
        assert here.got(Stored)[0].key == "early" and here.mind.pending == {}
        picture = here.mind.newest()
        assert picture is not None and picture.rgba.std() > 1.0 and picture.shares.sum() > 0.5
        assert picture.state.lineage.ancestors and abs(time.monotonic() - picture.state.made) < 5.0, "in this machine's seconds"
        asked = time.monotonic()
        here.ask("a blue river at noon", "2")
        here.until(lambda: (s := here.mind.newest().state).words == "a blue river at noon" and abs(s.asked - asked) < 0.02)
        here.mind.hear(Withdraw(here.got(Stored)[0].code, visit="v"))
        here.until(lambda: here.got(Withdrawn))
        assert here.got(Withdrawn)[0].found
        seed = here.mind.newest().state.seed
        here.mind.hear(Set("/hm/veto"))
        here.until(lambda: here.mind.newest().state.seed != seed)
        here.mind.rest(True)
        here.until(lambda: _still(here))
        here.mind.rest(False)
        serial = here.ring.serial
        here.until(lambda: here.ring.serial > serial)
        here.until(lambda: here.place("north").get("way_ms", 0.0) > 0.0)
        assert here.place("north")["dropped"] == 0.0


def _still(here) -> bool:
    before = here.ring.serial
    time.sleep(0.5)
    return here.ring.serial == before


@pytest.mark.long
def test_minds_that_are_killed_stopped_and_come_back_cost_no_picture_and_no_word(tmp_path: Path) -> None:
    """Two minds: whoever is on the wall is killed, then stopped; the other goes on; both know every sentence at the end."""
    with house(tmp_path) as here:
        for name in ("north", "west"):
            here.start(name)
        here.ask("a red moon at night", "k0")
        here.until(lambda: here.on and all(here.place(name).get("waiting") == 0.0 and here.place(name).get("term") is not None for name in here.minds))
        here.until(lambda: len(here.got(Returned)) == 1)
        gaps, said = [], 1
        for blow in (signal.SIGKILL, signal.SIGSTOP, signal.SIGKILL):
            hit = here.on
            here.wait(1.0)
            here.watch()
            here.minds[hit].send_signal(blow)
            here.ask("a blue river at noon", f"k{said}")
            said += 1
            here.until(lambda hit=hit: here.on not in ("", hit))
            here.until(lambda n=said: len(here.got(Returned)) >= n - 0)
            gaps.append(here.longest)
            if blow == signal.SIGSTOP:
                here.minds[hit].send_signal(signal.SIGCONT)
            else:
                here.minds[hit].wait()
                here.start(hit)
            here.watch()
            here.until(lambda hit=hit: here.place(hit).get("there", 0.0) and here.place(hit).get("waiting") == 0.0)
            here.wait(2.0)
            gaps.append(here.longest)  # and it comes back without a cut
        print("longest times without a picture:", [round(gap, 2) for gap in gaps])
        assert max(gaps) < 2.0
        keys = [stored.key for stored in here.got(Stored)]
        assert sorted(keys) == sorted({f"k{n}" for n in range(said)}), "each once"
        assert here.stored("north") == here.stored("west") and len(here.stored("north")) == said
