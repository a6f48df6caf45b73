"""The model: loading, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, StableDiffusionPipeline

from engine.mind.model.contract import Terms
from engine.mind.model.find import find
from engine.mind.model.folder import ModelMissing
from engine.mind.model.load import load
from engine.mind.model.model import Model
from tests.mind.model.turbo_models import FakeEncoder, save_lcm, save_sd_turbo, save_sdxl_turbo, save_wordless


@pytest.fixture(scope="module")
def wordless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_wordless(tmp_path_factory.mktemp("wordless"))


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd_turbo(tmp_path_factory.mktemp("turbo"))


@pytest.fixture(scope="module")
def velocity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd_turbo(tmp_path_factory.mktemp("velocity"), "v_prediction")


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sdxl_turbo(tmp_path_factory.mktemp("sdxl"))


def open_model(folder: Path, **options: object) -> Model:
    return load(
        folder, size=(128, 128), device="cpu", threads=1, encoder=FakeEncoder(), **{"numbers": "float32", **options}
    )  # type: ignore[arg-type]


def noise(model: Model, seed: int = 0) -> torch.Tensor:
    return torch.randn(model.latent, generator=torch.Generator().manual_seed(seed))


def plain(folder: Path, condition: torch.Tensor, sheet: torch.Tensor) -> tuple[np.ndarray, torch.Tensor]:
    """What diffusers' own pipeline makes of the same: picture (h, w, 3) in 0..1, and latent."""
    pipe = DiffusionPipeline.from_pretrained(folder, **find(folder).absent())
    pipe.set_progress_bar_config(disable=True)
    asked = {
        "prompt_embeds": condition[None],
        "num_inference_steps": 1,
        "guidance_scale": 0.0,
        "height": 128,
        "width": 128,
    }
    if "text_encoder_2" in find(folder).parts:
        asked |= {"prompt_embeds": condition[None, :-1], "pooled_prompt_embeds": condition[-1:, :32]}
    latent = pipe(latents=sheet[None].clone(), output_type="latent", **asked).images[0]
    return pipe(latents=sheet[None].clone(), output_type="np", **asked).images[0], latent


@pytest.mark.parametrize("kind", ["wordless", "turbo", "velocity", "sdxl"])
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
    folder = save_wordless(tmp_path / "model")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelMissing, match=r"unet/\*\.safetensors is missing \(found in .*config\.json"):
        find(folder)


def test_a_misspelt_folder_is_guessed(tmp_path: Path) -> None:
    save_wordless(tmp_path / "winter")
    with pytest.raises(ModelMissing, match=r"did you mean .*winter"):
        find(tmp_path / "wintr")


def test_a_name_that_is_not_here_says_how_to_bring_it() -> None:
    with pytest.raises(ModelMissing, match="hypermnesia fetch nobody/nothing"):
        find("nobody/nothing")


def test_a_condition_is_what_the_pipeline_would_make_of_the_words(sdxl: Path) -> None:
    model = open_model(sdxl)
    pipe = DiffusionPipeline.from_pretrained(sdxl)
    with torch.no_grad():
        tokens, _, pooled, _ = pipe.encode_prompt("a road", do_classifier_free_guidance=False)
    condition = model.condition("a road")
    assert torch.allclose(condition[:-1], tokens[0], atol=1e-6)
    assert torch.allclose(condition[-1, :32], pooled[0], atol=1e-6)


def test_encoding_what_was_decoded_comes_back_near(turbo: Path) -> None:
    """Random weights invert nothing: what is tested is shapes, ranges and that both ways look at the picture."""
    model = open_model(turbo)
    first, second = (model.decode(torch.full(model.latent, value)) for value in (0.0, 2.0))
    assert first.shape == (128, 128, 4)
    assert first.dtype == np.uint8
    assert model.encode(first[..., :3]).shape == model.latent
    assert not torch.equal(model.encode(first[..., :3]), model.encode(255 - second[..., :3]))
    assert model.encode(np.zeros((64, 192, 3), np.uint8)).shape == (4, 8, 24), "a memory may have another size than pictures have now"
    with pytest.raises(ValueError, match="cannot be encoded"):
        model.encode(first)
    with pytest.raises(ValueError, match="nearest"):
        model.encode(np.zeros((65, 64, 3), np.uint8))


def test_the_structure_tells_models_sizes_and_precisions_apart(turbo: Path, wordless: Path) -> None:
    same = [open_model(turbo).structure for _ in range(2)]
    others = [open_model(wordless).structure, open_model(turbo, numbers="bfloat16").structure]
    others.append(load(turbo, (64, 64), "cpu", 1, numbers="float32").structure)
    assert same[0] == same[1]
    assert len({same[0], *others}) == 4


def test_a_size_that_does_not_divide_names_the_nearest(turbo: Path) -> None:
    with pytest.raises(ValueError, match="100x96 does not divide by 32; nearest: 96x96"):
        load(turbo, (96, 100), "cpu")


def test_an_unknown_kind_of_pipeline_is_named_with_the_nearest(turbo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(turbo, tmp_path / "misspelt")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "StableDiffusionPipelin"}))
    with pytest.raises(ValueError, match=r"nearest: StableDiffusionPipeline"):
        load(folder)


def test_acceleration_that_cannot_be_had_is_an_error(turbo: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ValueError, match="torch sees none"):
        load(turbo, device="cuda")


EXHAUST = """
import resource, sys, torch
from engine.mind.model.contract import Terms
from engine.mind.model.load import load
sys.path.insert(0, "tests")
from tests.mind.model.turbo_models import FakeEncoder
torch.set_num_threads(1)
terms = Terms(ladder=((64, 64),))
model = load(sys.argv[1], (64, 64), "cpu", 1, numbers="float32", encoder=FakeEncoder(), terms=terms)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (140 << 20),) * 2)
model = load(sys.argv[1], (1536, 1536), "cpu", 1, numbers="float32", encoder=FakeEncoder(), terms=terms)
rgba, latent = model.paint(model.condition("a"), torch.randn(4, 192, 192))
print(model.size, rgba.shape, tuple(latent.shape), model.trouble, model.contract.steps_taken[-1][1:])
"""


def test_a_machine_without_memory_makes_smaller_pictures_and_says_so(wordless: Path) -> None:
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}  # an arena takes 64 MB of addresses when a thread begins
    done = subprocess.run(
        [sys.executable, "-c", EXHAUST, str(wordless)], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.stdout.startswith("(64, 64) (64, 64, 4) (4, 8, 8) no memory for"), done.stdout + done.stderr[-2000:]
    assert "out of memory" in done.stdout


def test_pictures_that_come_too_late_become_smaller_and_say_so(turbo: Path) -> None:
    terms = Terms(ladder=((64, 64),), deadline=60.0)  # however slow this machine is just now
    model = load(turbo, (128, 128), "cpu", 1, numbers="float32", terms=terms)
    condition, sheet, structure = model.condition("fire"), noise(model), model.structure
    model.paint(condition, sheet)
    model.lower()
    rgba, latent = model.paint(condition, sheet)
    assert rgba.shape == (64, 64, 4) and tuple(latent.shape) == model.latent == (4, 8, 8)
    assert model.trouble == "pictures of 128x128 came too late: they are 64x64 now"
    assert model.structure != structure, "a record says at which size its picture was made"
    model.lower()
    assert model.size == (64, 64) and model.contract.why == "the ladder has no smaller size"
    model.rise()
    assert model.size == (64, 64), "not before there has long been time"
    model.contract._rested = model.contract._long
    model.rise()
    rgba, latent = model.paint(condition, sheet)
    assert rgba.shape == (128, 128, 4) and model.structure == structure and "there is time again" in model.trouble


def test_a_ladder_that_cannot_be_climbed_is_refused_at_the_start(turbo: Path) -> None:
    with pytest.raises(ValueError, match="100x100 does not divide by 32"):
        load(turbo, (128, 128), "cpu", 1, terms=Terms(ladder=((100, 100),)))


def test_without_a_size_a_model_paints_its_own(turbo: Path) -> None:
    assert load(turbo, device="cpu", threads=1, numbers="float32").size == (128, 128)


@pytest.mark.parametrize("guided", [None, 32], ids=["plain", "told its guidance"])
@pytest.mark.parametrize("steps", [1, 4])
def test_a_latent_consistency_model_paints_what_its_own_pipeline_paints(guided: int | None, steps: int, tmp_path: Path) -> None:
    folder = save_lcm(tmp_path / "lcm", guided)
    model = open_model(folder, steps=steps)
    condition, sheet = model.condition("a road"), noise(model)
    kind = DiffusionPipeline if guided else StableDiffusionPipeline  # LCM's own pipeline knows only the guided kind
    pipe = kind.from_pretrained(folder, **find(folder).absent())
    pipe.set_progress_bar_config(disable=True)
    draw = torch.Generator().manual_seed(9)
    later = [torch.randn((1, *model.latent), generator=draw)[0] for _ in range(steps - 1)]
    wanted = pipe(
        prompt_embeds=condition[None], latents=sheet[None].clone(), num_inference_steps=steps, guidance_scale=8.5 if guided else 0.0,
        height=128, width=128, output_type="latent", generator=torch.Generator().manual_seed(9),
    ).images[0]  # fmt: skip
    found = model.imagine(condition, torch.stack([sheet, *later]))
    assert (found - wanted).abs().max() <= 1e-5 * max(1.0, float(wanted.abs().max()))
    assert open_model(folder).family.steps == 4, "unless somebody asks for less"
