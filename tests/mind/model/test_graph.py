"""The static pipeline: nothing moves, nothing is allocated, nothing falls over."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from torch import Tensor

from engine.mind.model.device import Cpu
from engine.mind.model.find import find
from engine.mind.model.graph import Pipeline
from engine.mind.model.load import load
from engine.mind.model.model import Model
from tests.mind.model.turbo_models import embedded_model, save_sd_turbo

SIZE = (64, 64)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def turbo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd_turbo(tmp_path_factory.mktemp("turbo"))


@pytest.fixture(scope="module")
def model() -> Model:
    return embedded_model(SIZE)


def noise(model: Model, seed: int = 0) -> Tensor:
    return torch.randn(model.latent, generator=torch.Generator().manual_seed(seed))


def test_no_buffer_moves_over_a_thousand_pictures(model: Model) -> None:
    conditions = [model.condition(f"sentence {n}") for n in range(100)]
    pipeline, sheet = model._stream, noise(model)
    parts = [*pipeline.slots[0], *pipeline.slots[1], *pipeline.shadow, *pipeline.now]
    before = pipeline.buffers.addresses() + [part.data_ptr() for part in parts]
    process, seen = psutil.Process(), []
    for n in range(1000):
        model.paint(conditions[n // 10], sheet, strength=0.5 if n % 20 < 10 else 1.0, feedback=0.3)
        if n % 100 == 99:
            gc.collect()
            seen.append(process.memory_info().rss)
    after = pipeline.buffers.addresses() + [
        part.data_ptr() for part in [*pipeline.slots[0], *pipeline.slots[1], *pipeline.shadow, *pipeline.now]
    ]
    assert before == after
    assert pipeline.captures == 1  # zero recaptures, whatever the words
    assert seen[-1] - seen[3] <= 2 << 20, [value >> 10 for value in seen]  # KiB of the process, once it is warm


def test_a_picture_allocates_as_much_as_it_gives_back(model: Model) -> None:
    """On a CPU operators take and return temporaries: what is proven is that none outlives its picture."""
    condition, sheet = model.condition("a"), noise(model)
    model.paint(condition, sheet)
    with torch.profiler.profile(profile_memory=True) as profile:
        for _ in range(5):
            model.paint(condition, sheet)
    assert profile.profiler is not None
    events = profile.profiler.kineto_results.events()
    sizes = [event.nbytes() for event in events if event.name() == "[memory]"]
    assert len(sizes) > 100
    assert sum(sizes) == 0


def test_a_strength_is_that_of_diffusers_image_to_image(turbo: Path) -> None:
    model = load(turbo, SIZE, "cpu", 1, numbers="float32")
    start, sheet, condition = noise(model, 1), noise(model, 2), model.condition("a road")
    pipe = StableDiffusionImg2ImgPipeline.from_pretrained(turbo, **find(turbo).absent())
    scheduler = pipe.scheduler
    scheduler.set_timesteps(2)
    t = scheduler.timesteps[1:]
    scheduler.set_begin_index(1)
    with torch.no_grad():
        x = scheduler.add_noise(start[None], sheet[None], t)
        answer = pipe.unet(scheduler.scale_model_input(x, t[0]), t[0], condition[None]).sample
        wanted = scheduler.step(answer, t[0], x).prev_sample[0]
    assert (model.imagine(condition, sheet, start, strength=0.5) - wanted).abs().max() <= 1e-4


@pytest.mark.parametrize("steps", [2, 4])
def test_several_steps_are_those_of_the_plain_pipeline(turbo: Path, steps: int) -> None:
    model = load(turbo, SIZE, "cpu", 1, numbers="float32", steps=steps)
    condition, sheet = model.condition("a road"), noise(model)
    pipe = StableDiffusionPipeline.from_pretrained(turbo, **find(turbo).absent())
    pipe.set_progress_bar_config(disable=True)
    wanted = pipe(
        prompt_embeds=condition[None], latents=sheet[None].clone(), num_inference_steps=steps, guidance_scale=0.0,
        height=SIZE[0], width=SIZE[1], output_type="latent",
    ).images[0]  # fmt: skip
    found = model.imagine(condition, sheet)
    assert (found - wanted).abs().max() <= 1e-5 * max(1.0, float(wanted.abs().max()))


def test_a_turn_of_one_is_the_other_sentence_and_half_a_turn_lies_between(model: Model) -> None:
    a, b, sheet = model.condition("a"), model.condition("b"), noise(model)
    pictures = [model.paint(a, sheet, toward=b, turn=turn)[1] for turn in (0.0, 0.5, 1.0)]
    assert torch.allclose(pictures[0], model.paint(a, sheet)[1], atol=1e-5)
    assert torch.allclose(pictures[2], model.paint(b, sheet)[1], atol=1e-4)
    whole = (pictures[2] - pictures[0]).norm()
    assert 0 < (pictures[1] - pictures[0]).norm() < whole
    assert 0 < (pictures[1] - pictures[2]).norm() < whole


def test_feedback_keeps_the_last_picture_and_gathers_no_contrast(model: Model) -> None:
    condition = model.condition("a")
    model.forget()
    for n in range(30):
        kept = model.paint(condition, noise(model, n), strength=0.3, feedback=0.9)[1]
    assert float(kept.std(dim=(1, 2)).max()) <= 1.5
    again = model.paint(condition, noise(model, 99), strength=0.3, feedback=0.9)[1]
    model.forget()
    alone = model.paint(condition, noise(model, 99), strength=0.3, feedback=0.9)[1]
    assert (again - kept).norm() < (alone - kept).norm()


def test_two_pictures_under_way_do_not_touch_one_another(model: Model) -> None:
    pipeline, a, b = model._stream, model.condition("a"), model.condition("b")
    first = pipeline.begin(a, noise(model, 1))
    second = pipeline.begin(b, noise(model, 2))
    one, two = pipeline.finish(first).latent.clone(), pipeline.finish(second).latent.clone()
    assert torch.equal(one, model.paint(a, noise(model, 1))[1])
    assert torch.equal(two, model.paint(b, noise(model, 2))[1])


def test_a_picture_that_is_not_finite_never_reaches_the_wall(model: Model) -> None:
    condition, sheet = model.condition("a"), noise(model)
    rgba, latent = model.paint(condition, sheet)
    broken = sheet.clone()
    broken[0, 0, 0] = float("nan")
    faults = model.contract.faults
    shown, kept = model.paint(condition, broken)
    assert torch.equal(kept, latent)
    assert (shown == rgba).all()
    assert model.contract.faults == faults + 1
    assert "not finite" in model.trouble
    assert torch.isfinite(model.paint(condition, sheet)[1]).all()


def test_ten_thousand_characters_and_none_at_all_are_sentences_too(turbo: Path, model: Model) -> None:
    clip = load(turbo, SIZE, "cpu", 1, numbers="float32")
    for one in (clip, model):
        for words in ("", "x" * 10_000, "mot " * 2_500):
            rgba, latent = one.paint(one.condition(words), noise(one))
            assert rgba.shape == (*SIZE, 4)
            assert torch.isfinite(latent).all()


class FragileCpu(Cpu):
    """A device whose first captured graph fails when it is told to, like a driver that lost its context's mind."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.replays = 0

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        def replay() -> None:
            if self.broken:
                raise RuntimeError("CUDA error: graph replay failed")
            self.replays += 1
            work()

        return replay


def test_a_failed_replay_is_followed_by_a_picture_and_a_new_capture(model: Model) -> None:
    device = FragileCpu()
    pipeline = Pipeline(model.family, SIZE, device)
    wanted = pipeline.finish(pipeline.begin(model.condition("a"), noise(model))).latent.clone()
    device.broken = True
    found = pipeline.finish(pipeline.begin(model.condition("a"), noise(model))).latent.clone()
    assert torch.equal(found, wanted)
    assert pipeline.failures == 1
    assert pipeline._capturing is not None
    pipeline._capturing.join(30)
    assert pipeline.captures == 2
    device.broken = False
    pipeline.finish(pipeline.begin(model.condition("a"), noise(model)))
    assert device.replays == 2


def test_a_condition_of_another_model_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match=r"a condition of shape \(77, 32\)"):
        model.paint(torch.zeros(77, 32), noise(model))


def test_what_a_caller_was_given_stays_as_it_was(model: Model) -> None:
    condition = model.condition("a")
    rgba, latent = model.paint(condition, noise(model))
    copies: tuple[Any, Tensor] = rgba.copy(), latent.clone()
    for n in range(3):
        model.paint(condition, noise(model, n + 1))
    assert (rgba == copies[0]).all()
    assert torch.equal(latent, copies[1])


def test_a_moment_is_measured() -> None:
    device = Cpu()
    before, after = device.event(), device.event()
    before.record()
    time.sleep(0.01)
    after.record()
    assert 9 < after.milliseconds_since(before) < 500
