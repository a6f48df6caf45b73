"""Row 8: the night writes the frames. What was dreamt by day moves the noise of the next, bounded and reversible."""

import datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.messages import Dream, Picture
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.command import main
from engine.mind.memory.prior import KAPPA, LEAST, acting, history
from engine.mind.mind import Mind
from engine.mind.night import night
from tests.mind.small_mind import options, painter, parts, vector
from tests.rows.sabotage import Sabotage, fails, put

WORDS = "a red moon at night"


def dreamt(folder: Path, light: float) -> Mind:
    """A mind after a night, whose archive holds pictures of one light."""
    archive, draw = Archive(folder), np.random.default_rng(8)
    for number in range(3 * LEAST):
        latent = (light + 0.5 * draw.standard_normal(painter().latent)).astype(np.float16)
        archive.remember(Birth("machine", f"dream {number}", vector(f"dream {number}"), Seen(latent, vector(f"dream {number}"))), "small")
    archive.close()
    mind = Mind(options(folder, founding=24, keyframe=1e9, think_every=1), parts=parts())
    night(mind.keeper, mind.rows)
    return mind


def shown(mind: Mind, amount: float) -> Picture:
    mind.memory.plug("machine", False)  # the same company: noise alone differs
    return [mind.picture(Dream(WORDS, prior=amount), 40.0 + number / 4) for number in range(3)][-1]


def check(folder: Path) -> None:
    empty = Mind(options(folder / "empty", founding=24, keyframe=1e9, think_every=1), parts=parts())
    night(empty.keeper, empty.rows)
    noise = empty.stream.walk.normal(3.0)
    assert shown(empty, 1.0).state.prior == 0.0 and acting(empty.keeper.archive) is None, "something was learned of nothing"
    assert torch.equal(empty.stream.walk.at(3.0), noise), "the noise of an empty archive is not N(0, I) bit by bit"

    light, dark = dreamt(folder / "light", 2.0), dreamt(folder / "dark", -2.0)
    pictures = {name: shown(mind, 1.0) for name, mind in (("light", light), ("dark", dark))}
    for name, picture in pictures.items():
        assert 0.5 * KAPPA < picture.state.prior <= KAPPA, f"{name}: KL {picture.state.prior:.4f} is not within {KAPPA}"
    apart = float(np.abs(pictures["light"].rgba.astype(float) - pictures["dark"].rgba).mean())
    assert apart > 0.5, f"two archives, one seed: the same pictures ({apart:.2f} of 255 apart)"
    means = [float(mind.stream.walk.at(3.0).mean() - mind.stream.walk.normal(3.0).mean()) for mind in (light, dark)]
    assert means[0] > 0.05 and means[1] < -0.05, f"noise does not lean to what was dreamt: {means}"
    assert shown(light, 0.0).state.prior == 0.0 and torch.equal(light.stream.walk.at(3.0), light.stream.walk.normal(3.0)), "the force does not turn it off"

    light.keeper.archive.calendar = lambda: datetime.date.today() + datetime.timedelta(days=1)
    night(light.keeper, light.rows)
    nights = [one.night for one in history(light.keeper.archive)]
    light.close()
    assert len(nights) == 2 and main(["--archive", str(folder / "light"), "prior", nights[0]]) == 0, f"no history: {nights}"
    again = Archive(folder / "light")
    there = acting(again)
    assert there is not None and there.night == nights[0], "a night is not put back"
    again.close()
    assert main(["--archive", str(folder / "light"), "prior", "none"]) == 0 and acting(Archive(folder / "light")) is None, "it cannot be taken back"
    print(f"  measured: KL {pictures['light'].state.prior:.4f} of at most {KAPPA}, pictures of two archives {apart:.1f} of 255 apart")


def test_the_night_moves_the_noise(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.memory.prior.Prior.kl", property(lambda self: 0.01), "constant"),
    put("engine.mind.memory.prior.Prior.of", lambda self, noise: torch.randn(noise.shape), "chance"),
    put("engine.mind.night.refit", lambda archive, space, night: None, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_prior_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_a_night_that_fitted_nothing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dreamt(tmp_path, 1.0).close()
    assert main(["--archive", str(tmp_path), "prior", "1999-01-01"]) == 1
    assert "1999-01-01" in capsys.readouterr().err
