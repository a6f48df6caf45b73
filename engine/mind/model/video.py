"""Video pipelines of diffusers as something that goes on: chunk after chunk, each out of what was before.

Their calls return whole clips. Here each is asked for the next chunk alone, and what it needs of the ones before (attention's
keys and values, a history of latents, the last frames) is kept between chunks and bounded, however long the film is:

- *AnyFlow* (FAR): causal, 1 to 8 steps; its attention cache is kept, and begun anew out of the last frames when it is full.
- *Helios*: a history of latents in three degrees of detail; the newest of them are kept.
- *LTX-2*: no cache; each chunk is conditioned on the last frames of the one before, so that motion goes on, too.

Words are heard by each pipeline's own text encoder. Pictures are (n, 3, h, w) f32 0..1, on the CPU. One thread.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.mind.model.device import open_device
from engine.mind.model.find import find
from engine.mind.model.folder import Folder
from engine.mind.model.opening import quiet

LIMIT = 512  # tokens of a sentence
CONTEXT = 2  # chunks of AnyFlow that a cache is begun anew with


class Video(Protocol):
    """A video pipeline, one chunk at a time."""

    fps: float  # pictures a second that it was taught
    frames: int  # new pictures of a chunk

    def hear(self, words: str) -> Any:
        """What its text encoder makes of words."""

    def begin(self, pictures: Tensor) -> Any:
        """The past of a film whose last pictures (n, 3, h, w) these are."""

    def go_on(self, past: Any, heard: Any, seed: int) -> tuple[Tensor, Any]:
        """The next `frames` pictures (n, 3, h, w), and the past with them."""


@dataclass(slots=True)
class Rolled:
    """What AnyFlow keeps: the latents of its window, attention's cache over them, the decoder's own of the last ones."""

    latents: Tensor  # (1, t, c, h, w)
    parts: list[int]  # latents of each chunk
    pictures: Tensor  # the last ones (n, 3, H, W), out of which a window is begun anew
    cache: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    flag: dict[str, Any] = field(default_factory=dict)
    decoder: list[Any] = field(default_factory=list)


class AnyFlow:
    """`AnyFlowFARPipeline`."""

    fps = 16.0

    def __init__(self, pipe: Any, steps: int = 4):
        self.pipe, self.steps = pipe, steps
        config = pipe.transformer.config
        self._size, self._most = max(config.chunk_partition), len(config.chunk_partition)
        self.frames = self._size * pipe.vae_scale_factor_temporal
        pipe._guidance_scale, pipe._attention_kwargs = 1.0, None  # it was distilled with its guidance

    def hear(self, words: str) -> Tensor:
        return _t5(self.pipe, words)

    def begin(self, pictures: Tensor) -> Rolled:
        whole = 1 + (len(pictures) - 1) // self.frames * self.frames  # one latent, then chunks
        kept = pictures[-whole:]
        latents = self.pipe.encode_video(kept[None], *kept.shape[2:]).to(self.pipe.transformer.dtype)
        return Rolled(latents, [1, *[self._size] * ((latents.shape[1] - 1) // self._size)], kept)

    def go_on(self, past: Rolled, heard: Tensor, seed: int) -> tuple[Tensor, Rolled]:
        pipe, scheduler = self.pipe, self.pipe.scheduler
        if len(past.parts) >= self._most:
            past = self.begin(past.pictures)
        if not past.cache:
            self._prepare(past, heard)
        parts = [*past.parts, self._size]
        device, dtype, train = past.latents.device, past.latents.dtype, scheduler.config.num_train_timesteps
        shape = (1, self._size, *past.latents.shape[2:])
        latents = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device, dtype)
        scheduler.set_timesteps(self.steps, device=device)
        for number, t in enumerate(scheduler.timesteps):
            to = scheduler.sigmas[number + 1] * train
            velocity, _ = pipe.transformer(
                hidden_states=latents, timestep=t.expand(1, self._size), r_timestep=to.expand(1, self._size), encoder_hidden_states=heard,
                chunk_partition=parts, kv_cache=past.cache, kv_cache_flag=copy.deepcopy(past.flag), return_dict=False,
            )  # fmt: skip
            latents = scheduler.step(velocity, t, latents, return_dict=False)[0]
        past.latents, past.parts = torch.cat([past.latents, latents], 1), parts
        if len(parts) < self._most:
            self._keep(past, len(parts) - 1, heard)
        pictures = self._decode(latents, past)
        past.pictures = torch.cat([past.pictures, pictures])[-(1 + CONTEXT * self.frames) :]
        return pictures, past

    def _prepare(self, past: Rolled, heard: Tensor) -> None:
        """A cache for a whole window, as the pipeline lays it out, filled with what is there; and the decoder brought to its end."""
        config, latents = self.pipe.transformer.config, past.latents
        height, width = latents.shape[3:]
        full, less = ((height // patch[1]) * (width // patch[2]) for patch in (config.patch_size, config.compressed_patch_size))
        places = {"full_cache": config.full_chunk_limit * self._size * full,
                  "compressed_cache": max(1, self._most - config.full_chunk_limit + 1) * self._size * less}  # fmt: skip
        shape = (2, 1, config.num_attention_heads)
        past.cache = {layer: {name: latents.new_zeros(*shape, many, config.attention_head_dim) for name, many in places.items()}
                      for layer in range(config.num_layers)}  # fmt: skip
        past.flag = {"num_cached_chunks": 0, "is_cache_step": False}
        for number in range(len(past.parts)):
            self._keep(past, number, heard)
        past.decoder = []
        self._decode(latents, past)

    def _keep(self, past: Rolled, number: int, heard: Tensor) -> None:
        past.cache = self.pipe.encode_kv_cache(past.cache, past.flag, past.parts[: number + 1], number, past.latents, heard, None)

    def _decode(self, latents: Tensor, past: Rolled) -> Tensor:
        """Pictures of latents that follow those decoded last: the autoencoder is causal, and what it keeps is kept here."""
        vae = self.pipe.vae
        mean, spread = (torch.tensor(numbers, dtype=vae.dtype, device=latents.device).view(1, -1, 1, 1, 1) for numbers in (vae.config.latents_mean, vae.config.latents_std))
        inside = vae.post_quant_conv(latents.permute(0, 2, 1, 3, 4).to(vae.dtype) * spread + mean)
        first = not past.decoder
        vae.clear_cache()
        vae._feat_map = past.decoder or vae._feat_map
        found = []
        for number in range(inside.shape[2]):
            vae._conv_idx = [0]
            begins = {"first_chunk": True} if first and number == 0 else {}
            found.append(vae.decoder(inside[:, :, number : number + 1], feat_cache=vae._feat_map, feat_idx=vae._conv_idx, **begins))
        past.decoder = vae._feat_map
        vae.clear_cache()
        return _shown(torch.cat(found, 2))


@dataclass(slots=True)
class History:
    """What Helios keeps: the first picture's latent, and the newest of all."""

    first: Tensor  # (1, c, 1, h, w)
    latents: Tensor  # (1, c, n, h, w)
    shape: tuple[int, int]  # pixels


class Helios:
    """`HeliosPipeline`, or `HeliosPyramidPipeline`, which is the distilled one."""

    fps = 24.0

    def __init__(self, pipe: Any, steps: int = 4, latents: int = 9, history: tuple[int, ...] = (16, 2, 1)):
        self.pipe, self._latents, self._history = pipe, latents, history
        self.frames = 1 + (latents - 1) * pipe.vae_scale_factor_temporal
        distilled = bool(getattr(pipe.config, "is_distilled", False))
        pyramid = type(pipe).__name__ == "HeliosPyramidPipeline"
        self._calls: dict[str, Any] = {"pyramid_num_inference_steps_list": [2, 2, 2] if distilled else [steps] * 3} if pyramid else {"num_inference_steps": steps}
        self._calls |= {"history_sizes": list(history), "num_latent_frames_per_chunk": latents, "guidance_scale": 1.0, "num_frames": self.frames}

    def hear(self, words: str) -> Tensor:
        return _t5(self.pipe, words)

    def begin(self, pictures: Tensor) -> History:
        vae = self.pipe.vae
        mean, spread = (torch.tensor(numbers, dtype=vae.dtype, device=vae.device).view(1, -1, 1, 1, 1) for numbers in (vae.config.latents_mean, vae.config.latents_std))
        height, width = pictures.shape[2:]
        image = self.pipe.video_processor.preprocess(pictures[-1:], height=height, width=width)
        first, again = self.pipe.prepare_image_latents(
            image, mean, 1.0 / spread, self._latents, dtype=torch.float32, device=vae.device, generator=torch.Generator().manual_seed(0)
        )
        return History(first, again, (height, width))

    def go_on(self, past: History, heard: Tensor, seed: int) -> tuple[Tensor, History]:
        made: list[Tensor] = []

        def keep(pipe: Any, number: int, t: Any, values: dict[str, Tensor]) -> dict[str, Tensor]:
            made[:] = [values["latents"]]
            return values

        before = {"fake_image_latents": past.latents} if past.latents.shape[2] == 1 else {"video_latents": past.latents}
        (video,) = self.pipe(
            prompt_embeds=heard, image_latents=past.first, add_noise_to_image_latents=False, add_noise_to_video_latents=False, **before,
            height=past.shape[0], width=past.shape[1], generator=torch.Generator().manual_seed(seed), output_type="pt", return_dict=False,
            callback_on_step_end=keep, callback_on_step_end_tensor_inputs=["latents"], **{**self._calls, "history_sizes": list(self._history)},
        )  # fmt: skip
        latents = torch.cat([past.latents, made[0].to(past.latents)], 2)[:, :, -sum(self._history) :]
        return video[0].float().cpu(), History(past.first, latents, past.shape)


class Ltx2:
    """`LTX2ConditionPipeline`, with the parts of any LTX-2 folder. Its sound is not asked for: here a film's sound is made of grains."""

    fps = 24.0

    def __init__(self, pipe: Any, steps: int = 8, frames: int = 24):
        self.pipe, self.steps = pipe, steps
        every = pipe.vae_temporal_compression_ratio
        self._before = 1 + every  # pictures that a chunk is conditioned on
        self.frames = max(every, frames // every * every)

    def hear(self, words: str) -> tuple[Tensor, Tensor]:
        found = self.pipe.encode_prompt(words, do_classifier_free_guidance=False)
        return found[0], found[1]

    def begin(self, pictures: Tensor) -> Tensor:
        """The last pictures; of one alone, that one."""
        return pictures[-self._before :] if len(pictures) >= self._before else pictures[-1:]

    def go_on(self, past: Tensor, heard: tuple[Tensor, Tensor], seed: int) -> tuple[Tensor, Tensor]:
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

        height, width = past.shape[2:]
        seen = LTX2VideoCondition(frames=past * 255, index=0, strength=1.0, crf=0)
        found = self.pipe(
            conditions=[seen], prompt_embeds=heard[0], prompt_attention_mask=heard[1], height=height, width=width,
            num_frames=1 + (len(past) - 1) + self.frames, frame_rate=self.fps, num_inference_steps=self.steps, guidance_scale=1.0,
            audio_guidance_scale=1.0, stg_scale=0.0, audio_stg_scale=0.0, modality_scale=1.0, audio_modality_scale=1.0,
            guidance_rescale=0.0, audio_guidance_rescale=0.0, generator=torch.Generator().manual_seed(seed), output_type="pt", return_dict=False,
        )[0][0].float().cpu()  # fmt: skip
        pictures = found[len(past) :]
        return pictures, self.begin(torch.cat([past, pictures]))


def _t5(pipe: Any, words: str) -> Tensor:
    """(1, LIMIT, d): as the pipelines' `encode_prompt`, for words that were cleaned at the door (theirs wants a library for it)."""
    found = pipe.tokenizer([words], padding="max_length", max_length=LIMIT, truncation=True, return_attention_mask=True, return_tensors="pt")
    device = pipe.text_encoder.device
    ids, mask = found.input_ids.to(device), found.attention_mask.to(device)
    hidden: Tensor = pipe.text_encoder(ids, mask).last_hidden_state
    heard: Tensor = (hidden * mask[..., None]).to(pipe.transformer.device, pipe.transformer.dtype)
    return heard


def _shown(video: Tensor) -> Tensor:
    """(1, 3, n, h, w) in -1..1 -> (n, 3, h, w) f32 0..1 on the CPU."""
    return (video[0].float().permute(1, 0, 2, 3) / 2 + 0.5).clamp(0.0, 1.0).cpu()


def open_video(name: str | Path, device: str = "auto") -> Video:
    """A video pipeline by name or folder, offline. Raises ModelMissing naming what is not there, ValueError for another kind."""
    import diffusers

    folder = find(name)
    if folder.pipeline not in ADAPTERS:
        raise ValueError(f"{folder.name} is a {folder.pipeline or 'folder without _class_name'}, which does not go on; possible: {', '.join(ADAPTERS)}")
    where = open_device(device)
    kind = torch.bfloat16 if where.torch.type == "cuda" else torch.float32
    with quiet():
        opens = diffusers.LTX2ConditionPipeline if ADAPTERS[folder.pipeline] is Ltx2 else diffusers.DiffusionPipeline
        pipe = opens.from_pretrained(folder.path, transformer=_network(folder, kind), dtype=kind, local_files_only=True, low_cpu_mem_usage=False)
        pipe.to(where.torch)
    pipe.set_progress_bar_config(disable=True)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    return ADAPTERS[folder.pipeline](pipe, folder.steps)


def _network(folder: Folder, kind: torch.dtype) -> Any:
    """The transformer of a folder, in `kind` but for what its class keeps in float32: diffusers reads such ones only with `accelerate`."""
    import diffusers

    made = getattr(diffusers, folder.parts["transformer"])
    network = made.from_config(made.load_config(folder.path / "transformer", local_files_only=True))
    found = folder.weights_of("transformer")
    assert found is not None  # the folder was looked through
    for file in found.files:
        network.load_state_dict(load_file(folder.path / "transformer" / file), strict=len(found.files) == 1)
    for name, module in network.named_modules():
        exact = any(kept in name.split(".") for kept in made._keep_in_fp32_modules or ())
        for own in (*module.parameters(recurse=False),):
            own.data = own.data.to(torch.float32 if exact else kind)
    return network


ADAPTERS: dict[str, type[AnyFlow] | type[Helios] | type[Ltx2]] = {
    "AnyFlowFARPipeline": AnyFlow,
    "HeliosPipeline": Helios,
    "HeliosPyramidPipeline": Helios,
    "LTX2Pipeline": Ltx2,
    "LTX2ImageToVideoPipeline": Ltx2,
    "LTX2ConditionPipeline": Ltx2,
}
