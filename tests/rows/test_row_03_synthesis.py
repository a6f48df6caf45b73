"""Row 3: nothing stored is replayed. Recall is forced on one memory; the picture is carried by many all the same."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.core.messages import Dream
from engine.mind import blend
from engine.mind import compose as source
from engine.mind.blend import CAP, CROWD, Composition
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put


def check(folder: Path) -> None:
    mind = Mind(options(folder, founding=64, recalled=64), parts=parts())
    noise = torch.randn(mind.parts.dreamer.latent, generator=torch.Generator().manual_seed(3))
    seen, crisp, nearest, largest = [], [], [], []
    for row in range(0, 64, 4):
        words = mind.memory.fragments[row].words
        thought = mind.think(words, 0, (), Dream(words, temperature=1e-3, gamma=0.0), noise)  # nothing else is recalled
        assert float(thought.r.weights.max()) > 0.4 or len({f.words for f in mind.memory.fragments}) < 64, "this is no attack"
        memories = thought.company.latents
        made = thought.again
        true = (made.places[:, None] * memories).sum(0)
        assert torch.allclose(true, made.latent, atol=1e-3), "the shares are not those of the picture"
        assert made.largest <= CAP + 1e-6, f"one memory has {made.largest:.2f} of the picture"
        assert made.neff >= CROWD - 1e-6, f"N_eff {made.neff:.1f}"
        away = (memories - made.latent).square().mean((1, 2, 3)).sqrt()
        apart = torch.cdist(memories.flatten(1), memories.flatten(1)).fill_diagonal_(torch.inf).amin(1) / memories[0].numel() ** 0.5
        near = float((away / apart).min())
        assert near > 0.3, f"a copy: {near:.2f} of the way from a memory to its nearest fellow"
        crisp.append(float(made.latent.flatten(1).std(1).mean() / memories.flatten(2).std(2).mean()))
        nearest.append(near)
        largest.append(made.largest)
        seen.append(made.latent)
    assert min(float((a - b).square().mean().sqrt()) for n, a in enumerate(seen) for b in seen[:n]) > 0.05, "always one picture"
    assert sum(crisp) / len(crisp) > 0.75, f"average soup: {sum(crisp) / len(crisp):.2f} of the memories' contrast"
    print(f"  measured: largest share {max(largest):.2f}, nearest memory {min(nearest):.2f} of the way to its fellow, {sum(crisp) / len(crisp):.2f} of the memories' contrast")


def test_a_copy_attack_fails(tmp_path: Path) -> None:
    check(tmp_path)


def constant(memories: torch.Tensor, prior: torch.Tensor, start: torch.Tensor, *_: object, **__: object) -> Composition:
    n, _, h, w = memories.shape
    return Composition(memories.mean(0), torch.full((n, h, w), 1 / n), torch.full((n,), 1 / n))


def chance(memories: torch.Tensor, prior: torch.Tensor, start: torch.Tensor, *_: object, **__: object) -> Composition:
    made = source.compose(memories, prior, start)
    places = torch.softmax(torch.randn(made.places.shape, generator=torch.Generator().manual_seed(0)), 0)
    return replace(made, places=places, shares=places.mean((1, 2)))


def left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit, neither on what places decide nor on what is published."""

    def uncapped(logits: torch.Tensor, *_: float) -> tuple[torch.Tensor, torch.Tensor]:
        places = torch.softmax(logits, 0)
        return places, places.mean((1, 2))

    monkeypatch.setattr(source, "limit", uncapped)
    monkeypatch.setattr(blend, "within", lambda *_: True)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.company.compose", constant, "constant"),
    put("engine.mind.company.compose", chance, "chance"),
    left_out,
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_synthesis_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
