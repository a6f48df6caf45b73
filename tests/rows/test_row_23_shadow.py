"""Row 23: copies of copies. Only the residue is shown: nothing at first, then forms, and never noise."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.messages import Dream
from engine.mind.mind import Mind
from engine.mind.shadow import MIDDLE
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

WORDS = "a golden moon in the fog"


def structured(residue: torch.Tensor) -> float:
    """-1..1: how alike neighbouring places of a residue (c, h, w) are, channel by channel. White noise: 0 +- 1/sqrt(c h w)."""
    r = residue - residue.mean((1, 2), keepdim=True)
    across, down = (r[:, :, 1:] * r[:, :, :-1]).mean(), (r[:, 1:] * r[:, :-1]).mean()
    return float(torch.stack([across, down]).mean() / r.square().mean().clamp_min(1e-12))


def check(folder: Path) -> None:
    mind = Mind(options(folder, founding=48, keyframe=1.0, think_every=8), parts=parts())
    before = mind.picture(Dream(WORDS), 0.0).state
    assert before.shadow == before.copied == 0, "a shadow of nothing"
    made = [mind.picture(Dream(WORDS, copies=40, strength=0.3), 1.0 + n / 8) for n in range(48)]
    first, late = made[0], made[40]
    assert first.state.shadow == 0.0 and first.state.copied == 0, f"residue {first.state.shadow} of no copy"
    assert (first.rgba[..., :3] == MIDDLE).all() and not first.latent.any(), "the original itself is shown"
    size = [picture.state.shadow for picture in made[:41]]
    assert [picture.state.copied for picture in made[:41]] == list(range(41)), "copies are not counted"
    assert size[4] < size[20] < size[40] and size[40] > 0.1, f"copying adds nothing: {size[::10]}"
    residue = torch.from_numpy(late.latent.astype(np.float32))
    noise = structured(torch.randn(residue.shape, generator=torch.Generator().manual_seed(0)))
    assert abs(noise) < 0.1 < 0.4 < structured(residue), f"as much form as noise has: {structured(residue):.2f}, {noise:.2f}"
    assert float(np.abs(late.rgba[..., :3].astype(float) - MIDDLE).mean()) > 1.0, "nothing of it is seen"
    print(f"  measured: residue {size[4]:.2f}, {size[20]:.2f}, {size[40]:.2f} after 4, 20, 40 copies; form {structured(residue):.2f}, noise {noise:.2f}")
    assert made[41].state.copied == 1 and made[41].state.shadow < 0.5 * size[40], "the last copy is not the original of the next"
    parents = mind.keeper.archive.count("kind = 4")
    assert parents <= 1, "copies became memories"
    other = mind.picture(Dream("a red river", copies=40), 12.0).state
    assert other.copied == 0 and other.shadow == 0.0, "other words have another original"
    after = mind.picture(Dream("a red river"), 13.0)
    assert after.state.shadow == 0.0 and after.rgba[..., :3].std() > 5.0, "the picture does not come back"


def test_only_what_the_copies_left_is_shown(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(23)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.shadow.Shadow.size", property(lambda self: 0.5), "constant"),
    put("engine.mind.shadow.Shadow.size", property(lambda self: float(CHANCE.random())), "chance"),
    put("engine.mind.shadow.ANEW", 0.0, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_shadow_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
