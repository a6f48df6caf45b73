"""The ladder that the engine is measured against: the same random weights, dtype and size, in one run.

B0  the diffusers pipeline, as it comes
B1  the original StreamDiffusion core, from a checkout (its own one-step path for SD-Turbo)
B2  B1 with torch.compile: default, reduce-overhead, max-autotune
B3  a graph of the UNet alone, eager decoding, a wait for the whole device: what engines on TensorRT do
B4  ours: one graph for the whole picture; then the same with its body compiled

Every rung ends with uint8 pixels on the host. A rung that does not apply says why instead of having figures.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.mind.model.contract import Series, Terms
from engine.mind.model.device import Cpu, Cuda, lay
from engine.mind.model.model import Model
from engine.mind.model.random_models import (
    Architecture,
    RandomWords,
    random_family,
    random_unet,
    random_vae,
    turbo_scheduler,
)

ROOFLINE_MS = {"H200": 1.87}  # SD-Turbo at 512², bf16: 790 TFLOP/s and 4.3 TB/s, operation by operation
EVERY = 0.25  # seconds between prompts while ours is measured
Paint = Callable[[], None]


class Skip(Exception):
    """This rung does not apply here; the text says why."""


@dataclass(frozen=True)
class Rung:
    """One way to paint: `make` prepares it and returns what paints a picture, or raises Skip."""

    name: str
    make: Callable[[], Paint]
    cost: float  # seconds that compiling it takes at most, of the budget


@dataclass
class Ladder:
    """One architecture on one device. `checkout` is a StreamDiffusion folder, `pictures` the most to paint a rung."""

    architecture: Architecture
    device: Cpu | Cuda
    dtype: torch.dtype
    checkout: Path | None = None
    pictures: int = 300
    ours: int = 10_000
    compiled: bool = True
    patience: float = 120.0  # seconds that compiling ours may take
    newest: Paint | None = None  # what painted last

    def __post_init__(self) -> None:
        self.words = RandomWords(self.architecture, self.dtype, self.device.torch)
        if isinstance(self.device, Cuda):
            self.words.capture(self.device.beside())
        self.condition = self.words.condition("a lake under snow").to(self.device.torch, self.dtype)
        self.noise = torch.randn(
            4, *(side // 8 for side in self.architecture.size), generator=torch.Generator().manual_seed(7)
        )

    def rungs(self) -> list[Rung]:
        cuda = isinstance(self.device, Cuda)
        compiled = [
            Rung(f"B2 {mode}", lambda mode=mode: self.stream_diffusion(mode), cost)  # type: ignore[misc]
            for mode, cost in (("default", 90.0), ("reduce-overhead", 90.0), ("max-autotune", 240.0))
            if self.compiled and (cuda or mode == "default")
        ]
        return [
            Rung("B0 diffusers", self.pipeline, 2.0),
            Rung("B1 StreamDiffusion", self.stream_diffusion, 2.0),
            Rung("B3 UNet graph", self.unet_graph, 5.0),
            Rung("B4 ours", self.own, 5.0),
            *([Rung("B4 ours compiled", lambda: self.own(compiled=True), 120.0)] if self.compiled else []),
            *compiled,
        ]

    def rows(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Measure rung by rung within a budget of seconds; the dearest compilations come last."""
        end, first = time.monotonic() + seconds, 0.0
        for rung in self.rungs():
            row: dict[str, Any] = {"rung": rung.name}
            if time.monotonic() + rung.cost > end:
                yield {**row, "note": f"skipped: needs {rung.cost:.0f} s, {max(0.0, end - time.monotonic()):.0f} s are left"}
                continue
            try:
                figures = self.measure(rung, end)
            except Skip as why:
                yield {**row, "note": f"skipped: {why}"}
                continue
            first = first or figures["p50"]
            yield {**row, **figures, "ratio": first / figures["p50"], **self.roofline(figures["p50"])}
            gc.collect()
            if isinstance(self.device, Cuda):
                torch.cuda.empty_cache()

    def roofline(self, p50: float) -> dict[str, float]:
        if not isinstance(self.device, Cuda) or self.architecture.name != "sd-turbo":
            return {}
        name = torch.cuda.get_device_name(self.device.torch)
        return next(({"roofline": p50 / ms} for key, ms in ROOFLINE_MS.items() if key in name), {})

    def measure(self, rung: Rung, end: float) -> dict[str, float]:
        began = time.monotonic()
        paint = self.newest = rung.make()
        for _ in range(5):
            paint()
        start = time.monotonic() - began
        ours = rung.name.startswith("B4")
        count, share = (self.ours, 0.5) if ours else (self.pictures, 0.2)
        limit = time.monotonic() + share * max(0.0, end - time.monotonic())
        series = Series(max(count, 1))
        with _asking(paint) if ours else threading.Lock():
            while series.count < count and (time.monotonic() < limit or series.count < 3):
                at = time.perf_counter()
                paint()
                series.note((time.perf_counter() - at) * 1e3)
        found = series.figures()
        extra: dict[str, float] = paint.figures() if isinstance(paint, _Ours) else {}
        return {**found, "p99/p50": found["p99"] / found["p50"], "pictures": series.count, "start_s": start, **extra}

    # --- the rungs ---

    def _pipe(self) -> Any:
        from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

        parts = {"unet": random_unet(self.architecture, self.dtype, self.device.torch), "scheduler": turbo_scheduler(),
                 "vae": random_vae(self.dtype, self.device.torch), "text_encoder": None, "tokenizer": None}  # fmt: skip
        if self.architecture.pooled:
            pipe = StableDiffusionXLPipeline(**parts, text_encoder_2=None, tokenizer_2=None, add_watermarker=False)
        else:
            pipe = StableDiffusionPipeline(
                **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
            )
        pipe.set_progress_bar_config(disable=True)
        return pipe.to(self.device.torch)

    def _asked(self) -> dict[str, Tensor]:
        if not self.architecture.pooled:
            return {"prompt_embeds": self.condition[None]}
        extra = (
            self.architecture.unet["projection_class_embeddings_input_dim"]
            - 6 * self.architecture.unet["addition_time_embed_dim"]
        )
        return {"prompt_embeds": self.condition[None, :-1], "pooled_prompt_embeds": self.condition[-1:, :extra]}

    def pipeline(self) -> Paint:
        pipe, (height, width) = self._pipe(), self.architecture.size
        noise = self.noise[None].to(self.device.torch, self.dtype)

        def paint() -> None:
            found = pipe(**self._asked(), latents=noise, num_inference_steps=1, guidance_scale=0.0, height=height,
                         width=width, output_type="pt").images  # fmt: skip
            found[0].float().mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu()

        return paint

    def stream_diffusion(self, mode: str = "") -> Paint:
        if self.checkout is None:
            raise Skip("no checkout of StreamDiffusion was given: hypermnesia bench picture --ladder FOLDER")
        if self.architecture.pooled:
            raise Skip("StreamDiffusion has no path for SDXL's pooled sentence")
        source = str(self.checkout / "src")
        sys.path.insert(0, source)
        try:
            from streamdiffusion import StreamDiffusion  # type: ignore[import-not-found]
        except ImportError as error:
            raise Skip(f"{self.checkout} holds no StreamDiffusion that can be imported: {error}") from None
        finally:
            sys.path.remove(source)
        pipe, (height, width) = self._pipe(), self.architecture.size
        pipe.encode_prompt = lambda **_: (self.condition[None], None)
        stream = StreamDiffusion(pipe, [0], self.dtype, width, height, do_add_noise=False, cfg_type="none")
        stream.prepare("", num_inference_steps=1, guidance_scale=1.0)
        if mode:
            stream.unet = torch.compile(stream.unet, mode=mode)
            stream.vae.decoder = torch.compile(stream.vae.decoder, mode=mode)

        @torch.inference_mode()
        def paint() -> None:
            _pixels(stream.txt2img_sd_turbo(1)).cpu()

        return paint

    def unet_graph(self) -> Paint:
        if not isinstance(self.device, Cuda):
            raise Skip("no GPU, no graph")
        pipe = self._pipe()
        x = self.noise[None].to(self.device.torch, self.dtype)
        t = torch.tensor([999], device=self.device.torch)
        extra = self._asked()
        time_ids = torch.tensor([[*self.architecture.size, 0, 0, *self.architecture.size]], device=x.device, dtype=x.dtype)
        added = {"text_embeds": extra["pooled_prompt_embeds"], "time_ids": time_ids} if self.architecture.pooled else None
        answer = torch.empty_like(x)

        def work() -> None:
            answer.copy_(pipe.unet(x, t, extra["prompt_embeds"], added_cond_kwargs=added, return_dict=False)[0])

        with torch.inference_mode(), self.device.painting():
            for _ in range(3):
                work()
            replay = self.device.capture(work)
        alpha = float(pipe.scheduler.alphas_cumprod[999]) ** 0.5

        @torch.inference_mode()
        def paint() -> None:
            with self.device.painting():
                replay()
                torch.cuda.synchronize()
                clean = (x - (1 - alpha**2) ** 0.5 * answer) / alpha
                _pixels(pipe.vae.decode(clean, return_dict=False)[0]).cpu()

        return paint

    def own(self, compiled: bool = False) -> Paint:
        family = random_family(self.architecture, self.dtype, self.device.torch, self.words)
        lay(family.network, self.dtype)
        lay(family.codec, self.dtype)
        if compiled and isinstance(self.device, Cpu):
            raise Skip("packed weights are as quick as compiled code on a processor (measured: 44.7 against 42.9 ms), 150 s sooner")
        model = Model(family, self.architecture.name, self.architecture.size, self.device, terms=Terms(deadline=1 / 30), compiled=compiled)
        if model.compiling and not model.compiling.done.wait(self.patience):
            model.compiling.stop()
            raise Skip(f"compiling takes longer than {self.patience:.0f} s; kernels that were tuned are kept for the next run")
        if model.compiling and model.compiling.trouble:
            raise Skip(model.compiling.trouble)
        return _Ours(model, self.noise)


class _Ours:
    """Ours, painting towards whatever was asked last."""

    def __init__(self, model: Model, noise: Tensor):
        self.model, self.noise = model, noise
        self.newest = (model.condition("a lake under snow"), 0.0)

    def __call__(self) -> None:
        condition, asked = self.newest
        self.model.paint(condition, self.noise, asked=asked)

    def ask(self, number: int) -> None:
        asked = time.monotonic()
        self.newest = (self.model.condition(f"sentence {number}"), asked)

    def figures(self) -> dict[str, float]:
        found = self.model.contract.figures(time.monotonic())
        names = {"gpu_p50": "compute_ms_p50", "gpu_p99": "compute_ms_p99", "words_p50": "words_ms_p50", "words_p99": "words_ms_p99",
                 "recaptures": "recaptures", "grown": "allocator_growth_bytes"}  # fmt: skip
        return {"prompts": self.model.contract.words.count, "replay-eager": self.difference(),
                **{short: found[name] for short, name in names.items() if name in found}}  # fmt: skip

    @torch.inference_mode()
    def difference(self) -> float:
        """Largest difference of a latent between the captured pipeline and the same pipeline launched operation by operation."""
        pipeline, condition = self.model._stream, self.newest[0]
        replayed = pipeline.finish(pipeline.begin(condition, self.noise)).latent.clone()
        launch, pipeline.launch = pipeline.launch, pipeline._eager
        eager = pipeline.finish(pipeline.begin(condition, self.noise)).latent.clone()
        pipeline.launch = launch
        return float((replayed - eager).abs().max())


class _asking:
    """Asks for other words every EVERY seconds, from a thread beside, as the mind's thinking does."""

    def __init__(self, paint: Any):
        self._paint, self._stop = paint, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(EVERY):
            self._paint.ask(number)
            number += 1

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _pixels(picture: Tensor) -> Tensor:
    """(1, 3, h, w) in -1..1 -> (h, w, 3) u8."""
    return picture[0].float().div(2).add(0.5).clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
