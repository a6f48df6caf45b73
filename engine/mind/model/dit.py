"""Families whose network is a transformer: SANA-Sprint and FLUX.2-klein.

Their timestep is an argument like another and their words enter every block, so less can be folded than in a UNet; the
condition itself is the slot. They have no tiny decoder here: SANA's has 32 times fewer places to decode, klein's is the
full one.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from engine.mind.model.codec import Codec, Full
from engine.mind.model.families import Family, PipelineWords, Slot
from engine.mind.model.folder import Folder


class Transformer(Family):
    """What the two share: the slot is the condition and the timesteps, the condition blends token by token."""

    def __init__(self, pipe: Any, codec: Codec, words: Any):
        super().__init__()
        self.network, self.codec, self.scheduler, self.words = pipe.transformer, codec, pipe.scheduler, words

    def prepare(self, condition: Tensor, timesteps: tuple[float, ...], size: tuple[int, int]) -> Slot:
        parameter = next(self.network.parameters())
        times = torch.tensor(timesteps, device=parameter.device)
        return condition.to(parameter.device, parameter.dtype), times

    def mix(self, here: Slot, there: Slot, weights: Tensor, turn: Tensor, out: Slot) -> None:
        out[0].copy_(here[0] * weights[:, :1] + there[0] * weights[:, 1:])
        out[1].copy_(here[1])


class Sana(Transformer):
    """SANA-Sprint: a linear transformer in the latents of a deep autoencoder, angles for timesteps.

    A token that its mask leaves out is a row of zeros in the condition.
    """

    steps = 2

    def __init__(self, pipe: Any):
        super().__init__(pipe, Full(pipe.vae), SanaWords(pipe))
        self.side = int(pipe.transformer.config.sample_size or 32)
        self.guidance = 4.5 * float(pipe.transformer.config.guidance_embeds_scale)

    def predict(self, x: Tensor, slot: Slot, step: int) -> Tensor:
        words, times = slot
        mask = (words != 0).any(-1).to(torch.int64)
        guidance = torch.full((1,), self.guidance, device=x.device, dtype=x.dtype)
        answer: Tensor = self.network(
            x,
            words[None],
            times[step : step + 1],
            guidance=guidance,
            encoder_attention_mask=mask[None],
            return_dict=False,
        )[0]
        return answer


class SanaWords(PipelineWords):
    """Gemma, with the instructions that the pipeline gives it; 300 tokens."""

    def __init__(self, pipe: Any):
        self.instructions = inspect.signature(type(pipe).__call__).parameters["complex_human_instruction"].default
        super().__init__(pipe)

    @torch.inference_mode()
    def condition(self, words: str) -> Tensor:
        device = self.pipe.text_encoder.device
        tokens, mask = self.pipe.encode_prompt(words, device=device, complex_human_instruction=self.instructions)
        found: Tensor = tokens[0].float() * mask[0, :, None]
        return found


class Flux2(Transformer):
    """FLUX.2-klein: flow matching in four steps, on latents folded two by two and normalised by running statistics."""

    steps = 4

    def __init__(self, pipe: Any):
        super().__init__(pipe, Flux2Codec(pipe), Flux2Words(pipe))
        self.ids = pipe._prepare_text_ids
        self.places = pipe._prepare_latent_ids

    def prepare(self, condition: Tensor, timesteps: tuple[float, ...], size: tuple[int, int]) -> Slot:
        tokens, times = super().prepare(condition, timesteps, size)
        _, h, w = self.latent(size)
        words, places = self.ids(tokens[None]), self.places(torch.empty(1, 1, h, w))
        return tokens, times, words.to(tokens.device), places.to(tokens.device).contiguous()

    def mix(self, here: Slot, there: Slot, weights: Tensor, turn: Tensor, out: Slot) -> None:
        super().mix(here, there, weights, turn, out)
        out[2].copy_(here[2])
        out[3].copy_(here[3])

    def predict(self, x: Tensor, slot: Slot, step: int) -> Tensor:
        tokens, times, words, places = slot
        answer: Tensor = self.network(
            hidden_states=x.flatten(2).transpose(1, 2), encoder_hidden_states=tokens[None], guidance=None,
            timestep=times[step : step + 1].to(x.dtype), txt_ids=words, img_ids=places, return_dict=False,
        )[0]  # fmt: skip
        return answer.transpose(1, 2).reshape(x.shape)


class Flux2Words(PipelineWords):
    """Qwen3, three of its layers side by side; 512 tokens."""

    def __init__(self, pipe: Any):
        layers = pipe.text_encoder.config.num_hidden_layers
        self.layers = tuple(min(layer, layers) for layer in (9, 18, 27))
        super().__init__(pipe)

    @torch.inference_mode()
    def condition(self, words: str) -> Tensor:
        device = self.pipe.text_encoder.device
        found: Tensor = self.pipe.encode_prompt(words, device=device, text_encoder_out_layers=self.layers)[0][0]
        return found.float()


class Flux2Codec(Codec):
    """The KL autoencoder of FLUX.2 and the statistics that bring its folded latents to unit variance."""

    def __init__(self, pipe: Any):
        super().__init__()
        self.vae, self.fold, self.unfold = pipe.vae, pipe._patchify_latents, pipe._unpatchify_latents
        config = pipe.vae.config
        self.channels = 4 * int(config.latent_channels)
        self.factor = 2 ** len(config.block_out_channels)
        self.mean = torch.nn.Buffer(pipe.vae.bn.running_mean.view(1, -1, 1, 1).clone())
        spread = torch.sqrt(pipe.vae.bn.running_var + config.batch_norm_eps)
        self.spread = torch.nn.Buffer(spread.view(1, -1, 1, 1).clone())

    def encode(self, picture: Tensor) -> Tensor:
        latent: Tensor = self.fold(self.vae.encode(picture * 2 - 1).latent_dist.mode().contiguous())
        return (latent - self.mean) / self.spread

    def decode(self, latent: Tensor) -> Tensor:
        picture: Tensor = self.vae.decode(self.unfold(latent * self.spread + self.mean), return_dict=False)[0]
        return picture / 2 + 0.5


def open_sana(folder: Folder, dtype: torch.dtype, decoder: str, encoder: Any) -> Family:
    """Sana Sprint of a folder on this disk; it has one decoder and its own words, so `decoder` and `encoder` say nothing."""
    from diffusers import SanaSprintPipeline

    return Sana(SanaSprintPipeline.from_pretrained(folder.path, dtype=dtype, local_files_only=True))


def open_flux2(folder: Folder, dtype: torch.dtype, decoder: str, encoder: Any) -> Family:
    """Flux.2 Klein of a folder on this disk; it has one decoder and its own words, so `decoder` and `encoder` say nothing."""
    from diffusers import Flux2KleinPipeline

    return Flux2(Flux2KleinPipeline.from_pretrained(folder.path, dtype=dtype, local_files_only=True))
