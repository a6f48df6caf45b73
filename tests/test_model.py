"""The model: loading, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from turbo_models import FakeEncoder, save_embedded, save_sd_turbo

from engine.mind.folder import ModelMissing, find
from engine.mind.model import Model, load


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_embedded(tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd_turbo(tmp_path_factory.mktemp("turbo"))


def open_model(folder: Path, **options: object) -> Model:
    return load(
        folder, size=(128, 128), device="cpu", threads=1, encoder=FakeEncoder(), **{"numbers": "float32", **options}
    )  # type: ignore[arg-type]


def noise(model: Model, seed: int = 0) -> torch.Tensor:
    return torch.randn(model.latent, generator=torch.Generator().manual_seed(seed))


def plain(folder: Path, condition: torch.Tensor, sheet: torch.Tensor) -> tuple[np.ndarray, torch.Tensor]:
    """What diffusers' own pipeline makes of the same: picture (h, w, 3) in 0..1, and latent."""
    pipe = StableDiffusionPipeline.from_pretrained(folder, **find(folder).absent())
    pipe.set_progress_bar_config(disable=True)
    asked = {
        "prompt_embeds": condition[None],
        "num_inference_steps": 1,
        "guidance_scale": 0.0,
        "height": 128,
        "width": 128,
    }
    latent = pipe(latents=sheet[None].clone(), output_type="latent", **asked).images[0]
    return pipe(latents=sheet[None].clone(), output_type="np", **asked).images[0], latent


@pytest.mark.parametrize("kind", ["embedded", "turbo"])
def test_a_picture_is_that_of_the_plain_pipeline(kind: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(kind)
    model = open_model(folder)
    condition, sheet = model.condition("a lake under snow"), noise(model)
    rgba, latent = model.paint(condition, sheet)
    picture, expected = plain(folder, condition, sheet)
    assert (latent - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))
    assert np.abs(rgba[..., :3] - picture * 255).max() <= 0.51
    assert (rgba[..., 3] == 255).all()


def test_other_words_and_other_noise_make_other_pictures(turbo: Path) -> None:
    model = open_model(turbo)
    first = model.paint(model.condition("fire"), noise(model))[1]
    assert not torch.equal(first, model.paint(model.condition("ice"), noise(model))[1])
    assert not torch.equal(first, model.paint(model.condition("fire"), noise(model, 1))[1])
    assert torch.equal(first, model.paint(model.condition("fire"), noise(model))[1])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = save_embedded(tmp_path / "model")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelMissing, match=r"unet/\*\.safetensors is missing \(found in .*config\.json"):
        find(folder)


def test_a_misspelt_folder_is_guessed(tmp_path: Path) -> None:
    save_embedded(tmp_path / "winter")
    with pytest.raises(ModelMissing, match=r"did you mean .*winter"):
        find(tmp_path / "wintr")


def test_a_name_that_is_not_here_says_how_to_bring_it() -> None:
    with pytest.raises(ModelMissing, match="hypermnesia fetch nobody/nothing"):
        find("nobody/nothing")
