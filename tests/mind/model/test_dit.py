"""SANA-Sprint and FLUX.2-klein: small random folders, opened for real, equal to their own pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline

from engine.mind.model.load import load
from engine.mind.model.model import Model
from tests.mind.model.turbo_models import FakeEncoder, save_klein, save_sana_sprint


def noise(model: Model) -> torch.Tensor:
    return torch.randn(model.latent, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def sana(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sana_sprint(tmp_path_factory.mktemp("sana"))


@pytest.fixture(scope="module")
def klein(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_klein(tmp_path_factory.mktemp("klein"))


def test_sana_in_one_step_is_its_pipeline(sana: Path) -> None:
    model = load(sana, (32, 32), "cpu", 1, numbers="float32", encoder=FakeEncoder(), steps=1)
    sheet = noise(model)
    pipe = DiffusionPipeline.from_pretrained(sana)
    pipe.set_progress_bar_config(disable=True)
    asked = {
        "num_inference_steps": 1,
        "intermediate_timesteps": None,
        "height": 32,
        "width": 32,
        "use_resolution_binning": False,
    }
    wanted = pipe("a road under snow", latents=sheet[None].clone(), output_type="latent", **asked).images[0]
    picture = pipe("a road under snow", latents=sheet[None].clone(), output_type="np", **asked).images[0]
    rgba, latent = model.paint(model.condition("a road under snow"), sheet)
    assert (latent - wanted).abs().max() <= 1e-4 * max(1.0, float(wanted.abs().max()))
    assert abs(rgba[..., :3] - picture * 255).max() <= 1.0


def test_klein_in_four_steps_is_its_pipeline(klein: Path) -> None:
    model = load(klein, (32, 32), "cpu", 1, numbers="float32", encoder=FakeEncoder())
    sheet = noise(model)
    assert model.latent == (16, 16, 16)
    pipe = DiffusionPipeline.from_pretrained(klein)
    pipe.set_progress_bar_config(disable=True)
    condition = model.condition("a road under snow")
    picture = pipe(
        prompt_embeds=condition[None], latents=sheet[None].clone(), num_inference_steps=4, guidance_scale=1.0,
        height=32, width=32, output_type="np",
    ).images[0]  # fmt: skip
    rgba, _ = model.paint(condition, sheet)
    assert abs(rgba[..., :3] - picture * 255).max() <= 1.0


@pytest.mark.parametrize("kind", ["sana", "klein"])
def test_a_transformer_hears_other_words_and_turns_between_them(kind: str, request: pytest.FixtureRequest) -> None:
    model = load(request.getfixturevalue(kind), (32, 32), "cpu", 1, numbers="float32", encoder=FakeEncoder())
    sheet, a, b = noise(model), model.condition("fire"), model.condition("a road under snow")
    first, half, other = (model.paint(a, sheet, toward=b, turn=turn)[1] for turn in (0.0, 0.5, 1.0))
    assert (first - other).abs().max() > 1e-5
    assert (half - first).norm() > 0
    assert model.encode(model.decode(first)[..., :3]).shape == model.latent
