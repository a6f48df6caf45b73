"""Row 16: hesitations and deletions are seen and heard before Enter. Same text, other rhythm: another schedule of the noise."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import Now
from engine.core.flow import Flow
from engine.core.messages import Dream, Keystroke, State
from engine.mind.mind import Mind
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.scene import SCENES, load
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

EVEN = tuple(Keystroke(3.0, at=1.0 + 0.2 * n) for n in range(15))
HALTING = tuple(Keystroke(3.0, at=1.0 + 0.2 * n + (1.5 if n > 7 else 0.0)) for n in range(15))
TAKEN_BACK = (*EVEN, Keystroke(0.0, deleted=True, at=4.2), Keystroke(0.0, deleted=True, at=4.3))


def typed(keys: tuple[Keystroke, ...], seconds: float = 8.0) -> tuple[list[Dream], list[float], int]:
    """What a show asks for at each eighth of a second while somebody types, the flow that it publishes, the grains."""
    show = Programme(Cast([SCENES / "feed.py"], make=load), "feed", hold=True)
    waiting, dreams, flows, grains = list(keys), [], [], 0
    for tick in range(int(8 * seconds)):
        now = Now(tick, tick / 8, 1 / 8)
        while waiting and waiting[0].at <= now.time:
            show.receive(waiting.pop(0), now)
        show.update(now, State(picture=1))
        dreams.append(show.dream(now))
        grains += len(list(show.sound(now)))
        flows.append(float(show.values()["/hm/state/flow"][0]))
    return dreams, flows, grains


def pictures(folder: Path, dreams: list[Dream]) -> np.ndarray:
    mind = Mind(options(folder, founding=24, keyframe=1e9, think_every=1000), parts=parts())
    made = [mind.picture(Dream("a red moon at night", flow=dream.flow), n / 8) for n, dream in enumerate(dreams)]
    assert [picture.state.flow for picture in made] == [dream.flow for dream in dreams], "the record does not say"
    return np.stack([picture.latent for picture in made]).astype(float)


def check(folder: Path) -> None:
    silent, flow, drips = typed(())
    assert not any(flow) and not any(dream.flow for dream in silent), "a flow where nobody types"
    (even, flow, bites), (halting, halted, _), (_, more, _) = typed(EVEN), typed(HALTING), typed(TAKEN_BACK)
    assert 5.0 < max(flow) < 25.0 and flow[0] == 0.0 and flow[-1] < 0.2 * max(flow), f"15 bits a second come out as {max(flow):.1f}"
    assert min(halted[20:33]) < 0.5 * min(flow[20:33]), "a hesitation is not seen"
    assert more[35] > flow[35] + 0.5, "a deletion is not seen"
    assert bites > 1.5 * drips, f"nothing is heard before Enter: {bites} grains, {drips} in silence"
    rest, one, other = (pictures(folder / name, dreams) for name, dreams in (("s", silent), ("e", even), ("h", halting)))
    assert np.array_equal(rest[:8], one[:8]), "something moves before the first key"
    steps = [float(np.sqrt(np.mean(np.square(b - a)))) for a, b in itertools.pairwise(one[8:32])]
    calm = [float(np.sqrt(np.mean(np.square(b - a)))) for a, b in itertools.pairwise(rest[8:32])]
    assert np.mean(steps) > 1.15 * np.mean(calm), f"typing moves the picture by {np.mean(steps):.3f}, silence by {np.mean(calm):.3f}"
    assert float(np.abs(one - other).max()) > 0.05, "the same text in another rhythm: the same pictures"
    print(f"  measured: {max(flow):.1f} bits a second at most, {bites} grains before Enter against {drips}; pictures move by {np.mean(steps):.3f} against {np.mean(calm):.3f}")


def test_what_is_typed_moves_noise_and_grains_before_enter(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(16)


@pytest.mark.parametrize("sabotage", [
    put("engine.core.flow.Flow.value", lambda self, time: 8.0, "constant"),
    put("engine.core.flow.Flow.value", lambda self, time: float(CHANCE.uniform(0, 20)), "chance"),
    put("engine.mind.stream.rush", lambda flow: 0.0, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_flow_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_flow_is_bits_a_second() -> None:
    flow = Flow()
    for n in range(200):
        flow.key(2.0, False, n / 10)
    assert flow.value(20.0) == pytest.approx(20.0, rel=0.05)
    assert flow.value(40.0) == 0.0
