"""Video pipelines that go on: the same pictures as their own calls, and no more memory after two hundred chunks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.core.errors import CannotPlay
from engine.core.messages import Dream
from engine.house.checks import check_film
from engine.mind.filmed import Filmed, filmed
from engine.mind.mind import Mind
from engine.mind.model.folder import FILMS, ModelMissing
from engine.mind.model.models import describe
from engine.mind.model.opening import quiet
from engine.mind.model.video import ADAPTERS, AnyFlow, Helios, Ltx2
from tests.mind.model.turbo_models import save_wordless
from tests.mind.model.video_models import SIZE, save, small_anyflow, small_helios, small_ltx2
from tests.mind.small_mind import options, painter, parts

WORDS = "a road under snow"


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with quiet(), torch.inference_mode():
        yield


def first() -> Tensor:
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def test_anyflow_goes_on_as_its_own_call_does() -> None:
    pipe = small_anyflow()
    pipe.set_progress_bar_config(disable=True)
    adapter = AnyFlow(pipe, steps=2)
    heard, past, made = adapter.hear(WORDS), adapter.begin(first()), []
    for seed in (1, 2, 3):
        pictures, past = adapter.go_on(past, heard, seed)
        made.append(pictures)
    noise = torch.cat([torch.zeros(1, 1, 16, 4, 4), *(torch.randn(1, 2, 16, 4, 4, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2, 3))], 1)
    own = pipe(
        prompt_embeds=heard, video=first()[None], height=SIZE[0], width=SIZE[1], num_frames=25, num_inference_steps=2, output_type="pt",
        chunk_partition=[1, 2, 2, 2], latents=noise.permute(0, 2, 1, 3, 4),
    ).frames[0]  # fmt: skip
    assert torch.allclose(heard, pipe.encode_prompt(WORDS, do_classifier_free_guidance=False, max_sequence_length=512)[0], atol=1e-6)
    assert len(made[0]) == adapter.frames == 8
    assert torch.allclose(torch.cat(made), own[1:], atol=1e-4)


def test_helios_goes_on_as_its_own_call_does() -> None:
    pipe = small_helios()
    pipe.set_progress_bar_config(disable=True)
    adapter = Helios(pipe, steps=2, latents=3, history=(4, 2, 1))
    heard, past = adapter.hear(WORDS), adapter.begin(first())
    given = past.first, past.latents
    one, past = adapter.go_on(past, heard, 1)
    own = pipe(
        prompt_embeds=heard, image_latents=given[0], fake_image_latents=given[1], add_noise_to_image_latents=False, height=SIZE[0], width=SIZE[1],
        num_frames=18, num_inference_steps=2, guidance_scale=1.0, history_sizes=[4, 2, 1], num_latent_frames_per_chunk=3, output_type="pt",
        generator=torch.Generator().manual_seed(1),
    ).frames[0]  # fmt: skip
    assert len(one) == adapter.frames == 9
    assert torch.allclose(one, own[:9], atol=1e-4)
    two, past = adapter.go_on(past, heard, 2)
    assert two.shape == one.shape and not torch.allclose(one, two, atol=1e-3)


def test_ltx2_goes_on_as_its_own_call_does() -> None:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    pipe = small_ltx2()
    pipe.set_progress_bar_config(disable=True)
    adapter = Ltx2(pipe, steps=2, frames=8)
    heard, past = adapter.hear(WORDS), adapter.begin(first())
    one, past = adapter.go_on(past, heard, 1)
    seen = LTX2VideoCondition(frames=first() * 255, index=0, strength=1.0, crf=0)
    own = pipe(
        conditions=[seen], prompt_embeds=heard[0], prompt_attention_mask=heard[1], height=SIZE[0], width=SIZE[1], num_frames=1 + adapter.frames,
        num_inference_steps=2, guidance_scale=1.0, audio_guidance_scale=1.0, stg_scale=0.0, audio_stg_scale=0.0, modality_scale=1.0,
        audio_modality_scale=1.0, guidance_rescale=0.0, audio_guidance_rescale=0.0, generator=torch.Generator().manual_seed(1), output_type="pt",
    ).frames[0]  # fmt: skip
    assert len(one) == adapter.frames and torch.allclose(one, own[1:], atol=1e-4)
    two, past = adapter.go_on(past, heard, 2)
    assert two.shape == one.shape and not torch.allclose(one, two, atol=1e-3)


def numbers(past: Any) -> int:
    """Of everything that is kept between two chunks."""
    if isinstance(past, Tensor):
        return past.numel()
    if isinstance(past, dict | list | tuple):
        return sum(numbers(one) for one in (past.values() if isinstance(past, dict) else past))
    return sum(numbers(getattr(past, name)) for name in getattr(past, "__slots__", ()))


@pytest.mark.parametrize("made", [
    lambda: AnyFlow(small_anyflow(), steps=1), lambda: Helios(small_helios(), steps=1, latents=2, history=(4, 2, 1)), lambda: Ltx2(small_ltx2(), steps=1, frames=8),
], ids=("AnyFlow", "Helios", "LTX-2"))  # fmt: skip
@pytest.mark.parametrize("chunks", [8, pytest.param(200, marks=pytest.mark.long)])
def test_what_is_kept_between_chunks_does_not_grow(made: Callable[[], Any], chunks: int) -> None:
    adapter = made()
    adapter.pipe.set_progress_bar_config(disable=True)
    heard, past, kept = adapter.hear(WORDS), adapter.begin(first()), []
    for seed in range(chunks):
        pictures, past = adapter.go_on(past, heard, seed)
        assert len(pictures) == adapter.frames and bool(pictures.isfinite().all())
        kept.append(numbers(past))
    assert max(kept[len(kept) // 2 :]) <= max(kept[: len(kept) // 2])


@pytest.mark.parametrize("made", [small_anyflow, *(pytest.param(one, marks=pytest.mark.long) for one in (small_helios, small_ltx2))], ids=("AnyFlow", "Helios", "LTX-2"))
def test_a_folder_is_opened_listed_and_goes_on_with_the_minds_own_pictures(made: Callable[[], Any], tmp_path: Path) -> None:
    folder = save(made(), tmp_path / "film")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    assert "goes on with pictures" in (said := describe(str(folder))) and "apache-2.0" in said and "memory" in said
    with torch.inference_mode(False):
        mind = Mind(options(tmp_path / "archive", founding=32, think_every=24), parts=parts(film=filmed(folder, painter())))
    if isinstance(mind.film.source, Filmed) and hasattr(mind.film.source.video, "steps"):
        mind.film.source.video.steps = 1
    mind.film.locked = ""  # with random weights nothing goes on from what was there
    played = [mind.picture(Dream("a golden moon in the fog", film=0.7), n / 8).state for n in range(13)]
    assert played[1].chunk == 1 and played[1].fidelity > 0.9 and played[-1].chunk >= 2 and played[-1].film == str(folder)
    index = json.loads((folder / "model_index.json").read_text())
    part = "transformer"
    assert part in index
    next((folder / part).glob("*.safetensors")).unlink()
    with pytest.raises(ModelMissing, match="transformer"):
        filmed(folder, painter())
    with pytest.raises(CannotPlay, match=r"--film .*transformer"):
        check_film(str(folder))


def test_what_does_not_go_on_is_refused_by_name(tmp_path: Path) -> None:
    folder = save_wordless(tmp_path / "still")
    with pytest.raises(CannotPlay, match=r"StableDiffusionPipeline does not go on; possible: AnyFlowFARPipeline"):
        check_film(str(folder))
    assert set(ADAPTERS) == set(FILMS)
