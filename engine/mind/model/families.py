"""Families of few-step models: what each kind needs, and nothing that all share.

A family turns words into a condition, a condition into a `Slot` (everything that depends on the words and on the
timestep, but not on the picture: made once a prompt, copied between pictures), and a slot and a latent into what the
network says. It is chosen by the class names in `model_index.json`, never by the model's name.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from engine.mind.model.captured import Captured
from engine.mind.model.codec import Codec, gauss
from engine.mind.model.device import Cpu, Cuda
from engine.mind.model.encoder import DIM, SLOTS
from engine.mind.model.fold import fold, guidance
from engine.mind.model.schedule import Schedule, schedule

Slot = tuple[Tensor, ...]  # fixed shapes and dtypes for the life of a model


class Words(Protocol):
    """Whatever turns words into a condition of fixed shape (tokens, dim), float32."""

    shape: tuple[int, int]

    def condition(self, words: str) -> Tensor: ...

    def to(self, device: torch.device) -> None:
        """Bring the text encoder to where it is to run."""

    def capture(self, device: Cpu | Cuda) -> None:
        """On a GPU, after `to`: the text encoder becomes one thing to launch, on streams of this device's own."""


class Family(nn.Module):
    """One network, its codec, its words and its arithmetic. Thread-safe: no; the model takes turns."""

    network: Any  # an nn.Module whose attributes differ from family to family
    codec: Codec
    words: Words
    scheduler: Any
    stride = 1  # how much smaller than the latent the network's deepest level is
    side = 64  # of the latents that the network was trained on
    steps = 1  # calls of the network a picture, unless somebody asks for more
    licence = "unknown"

    @property
    def own(self) -> tuple[int, int]:
        """(height, width) in pixels of the pictures that the model was trained on."""
        return self.side * self.codec.factor, self.side * self.codec.factor

    def latent(self, size: tuple[int, int]) -> tuple[int, int, int]:
        """Shape (c, h, w) of the latent of a picture of `size` = (height, width) pixels."""
        f = self.codec.factor
        whole = f * self.stride
        if size[0] % whole or size[1] % whole or min(size) < whole:
            near = [max(1, round(side / whole)) * whole for side in size]
            raise ValueError(f"a size of {size[1]}x{size[0]} does not divide by {whole}; nearest: {near[1]}x{near[0]}")
        return self.codec.channels, size[0] // f, size[1] // f

    def schedule(self, strength: float, size: tuple[int, int], steps: int | None = None) -> Schedule:
        _, h, w = self.latent(size)
        return schedule(self.scheduler, strength, steps or self.steps, tokens=h * w)

    def prepare(self, condition: Tensor, timesteps: tuple[float, ...], size: tuple[int, int]) -> Slot:
        """What the network needs of a condition (tokens, dim) at these timesteps; new memory, nothing synchronises."""
        raise NotImplementedError

    def mix(self, here: Slot, there: Slot, weights: Tensor, turn: Tensor, out: Slot) -> None:
        """Between two slots: `weights` (tokens, 2) are each token's shares of the two, `turn` () how far it is."""
        raise NotImplementedError

    def predict(self, x: Tensor, slot: Slot, step: int) -> Tensor:
        """F(x, timestep of `step`) for x (1, c, h, w) in the network's dtype. Fixed shapes, no synchronisation."""
        raise NotImplementedError

    def settle(self, x: Tensor, begin: Tensor, kept: Tensor) -> Tensor:
        """The clean latent (1, c, h, w) as it leaves the path. `begin`: what it began with; `kept` (): how much of that
        was left in the noise, 0 for plain noise. Fixed shapes, no synchronisation."""
        return x


class UNet(Family):
    """A UNet2DConditionModel, folded: SD-Turbo, LCM, SDXL-Turbo and the embedded model."""

    def __init__(self, unet: Any, codec: Codec, scheduler: Any, words: Words):
        super().__init__()
        _refuse_unknown(unet.config)
        self.codec, self.scheduler, self.words = codec, scheduler, words
        self.pooled = _pooled_width(unet.config)
        self.network, self.constants = fold(unet)
        self.stride, self.side = 2 ** (len(unet.config.block_out_channels) - 1), _side(unet.config)
        self.still = nn.Buffer(self.constants.words_to_kv(self.constants.words.new_zeros(1, words.shape[1])), persistent=False)

    def prepare(self, condition: Tensor, timesteps: tuple[float, ...], size: tuple[int, int]) -> Slot:
        parameter = next(self.network.parameters())
        tokens, extra = _unpacked(condition.to(parameter.device, torch.float32), self.pooled)
        if extra is not None:
            sizes = torch.tensor([*size, 0, 0, *size], device=parameter.device)
            extra = torch.cat([extra, self.constants.sizes(sizes)], 1)
        kv, mod = self.constants.words_to_kv(tokens), self.constants.time_to_mod(tokens, timesteps, extra)
        return kv.to(parameter.dtype), mod.to(parameter.dtype)

    def mix(self, here: Slot, there: Slot, weights: Tensor, turn: Tensor, out: Slot) -> None:
        """Keys and values exactly, as if the condition had been blended; what the time does, linearly."""
        first, second = weights[: len(out[0])].unbind(1)
        kv = here[0] * first[:, None] + there[0] * second[:, None] + self.still * (1 - first - second)[:, None]
        out[0].copy_(kv)
        out[1].copy_(torch.lerp(here[1].float(), there[1].float(), turn))

    def predict(self, x: Tensor, slot: Slot, step: int) -> Tensor:
        answer: Tensor = self.network(x, slot[0], slot[1][step])
        return answer


class LargeForms(UNet):
    """A UNet that dreams the largest channels alone: what words look like from afar. It moves the large forms and colours
    of what it begins with, by as much as is larger than REACH; the detail stays what it was. From plain noise it says all
    that it knows, and the small channels are silent.

    Of the three ways to keep detail (large channels alone; all, each noised by its own deviation; a second network for
    the small ones) this is the one that a small network learned in hours cannot blur: see the model card.
    """

    REACH = 1.5 / 32  # of the shorter side, as the deviation of a Gaussian

    def __init__(self, unet: Any, codec: Codec, scheduler: Any, words: Words):
        super().__init__(unet, codec, scheduler, words)
        self.large = int(unet.config.in_channels)

    def predict(self, x: Tensor, slot: Slot, step: int) -> Tensor:
        answer = super().predict(x[:, : self.large].contiguous(memory_format=torch.channels_last), slot, step)
        return torch.cat([answer, x[:, self.large :]], 1)

    def settle(self, x: Tensor, begin: Tensor, kept: Tensor) -> Tensor:
        height, width = x.shape[2:]
        reach = self.REACH * min(height, width)
        change = x[:, : self.large] - begin[:, : self.large]
        wide = gauss(height, reach, x.device) @ change @ gauss(width, reach, x.device).T
        large = begin[:, : self.large] + torch.where(kept > 0, wide, change)
        return torch.cat([large, begin[:, self.large :] * (4 * kept).clamp(max=1.0)], 1)


class PlainUNet(Family):
    """The same called as diffusers calls it: the reference that the folded one is held against."""

    def __init__(self, unet: Any, codec: Codec, scheduler: Any, words: Words):
        super().__init__()
        _refuse_unknown(unet.config)
        self.network, self.codec, self.scheduler, self.words = unet, codec, scheduler, words
        self.pooled = _pooled_width(unet.config)
        self.stride, self.side = 2 ** (len(unet.config.block_out_channels) - 1), _side(unet.config)

    def prepare(self, condition: Tensor, timesteps: tuple[float, ...], size: tuple[int, int]) -> Slot:
        parameter = next(self.network.parameters())
        condition = condition.to(parameter.device, parameter.dtype)
        sizes = torch.tensor([*size, 0, 0, *size], device=parameter.device, dtype=parameter.dtype)
        return condition, torch.tensor(timesteps, device=parameter.device), sizes

    def mix(self, here: Slot, there: Slot, weights: Tensor, turn: Tensor, out: Slot) -> None:
        out[0].copy_(here[0] * weights[:, :1] + there[0] * weights[:, 1:])
        out[1].copy_(here[1])

    def predict(self, x: Tensor, slot: Slot, step: int) -> Tensor:
        tokens, pooled = _unpacked(slot[0], self.pooled)
        extra = None if pooled is None else {"text_embeds": pooled, "time_ids": slot[2][None]}
        width = self.network.config.time_cond_proj_dim
        guided = None if width is None else guidance(width).to(x.device, x.dtype)
        answer: Tensor = self.network(x, slot[1][step], tokens[None], timestep_cond=guided, added_cond_kwargs=extra,
                                      return_dict=False)[0]  # fmt: skip
        return answer


def _side(config: Any) -> int:
    """`sample_size`; SDXL-Turbo's says 64, the base model's 128."""
    side = config.sample_size or 64
    return int(side if isinstance(side, int) else min(side))


def _pooled_width(config: Any) -> int:
    """How much of the last row of a condition is SDXL's pooled sentence; 0 where there is none."""
    if config.addition_embed_type != "text_time":
        return 0
    return int(config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim)


def _unpacked(condition: Tensor, pooled: int) -> tuple[Tensor, Tensor | None]:
    """Tokens, and the pooled sentence (1, n) if the last row carries one."""
    return (condition[:-1], condition[-1:, :pooled]) if pooled else (condition, None)


def _refuse_unknown(config: Any) -> None:
    """Say at once which part of a UNet has no place here, instead of dreaming wrongly."""
    wanted = {
        "class_embed_type": (None,),
        "addition_embed_type": (None, "text", "text_time"),
        "encoder_hid_dim_type": (None, "text_proj"),
        "center_input_sample": (False,),
    }
    for key, possible in wanted.items():
        if config.get(key) not in possible:
            raise ValueError(f"a UNet with {key} = {config.get(key)!r} is not supported; possible: {possible}")


class PipelineWords:
    """A pipeline's own `encode_prompt`: CLIP for SD, two of them and a pooled row for SDXL. Over-long words are cut."""

    def __init__(self, pipe: Any):
        self.pipe = pipe
        first = self.condition("")
        self.shape = (first.shape[0], first.shape[1])

    def to(self, device: torch.device) -> None:
        for name in ("text_encoder", "text_encoder_2"):
            if getattr(self.pipe, name, None) is not None:
                getattr(self.pipe, name).to(device)

    def capture(self, device: Cpu | Cuda) -> None:
        for name in ("text_encoder", "text_encoder_2"):
            encoder: Any = getattr(self.pipe, name, None)
            if type(encoder).__name__.startswith("CLIPText"):  # of fixed length and without a cache of what was said
                encoder.forward = Captured(encoder.forward, device)

    @torch.inference_mode()
    def condition(self, words: str) -> Tensor:
        device = self.pipe.text_encoder.device
        found = self.pipe.encode_prompt(
            words, device=device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        tokens: Tensor = found[0][0].float()  # (tokens, dim)
        if len(found) == 4:  # SDXL: (embeds, negative, pooled, negative pooled)
            tokens = torch.cat([tokens, nn.functional.pad(found[2].float(), (0, tokens.shape[1] - found[2].shape[1]))])
        return tokens


class SentenceWords:
    """Sentences and their words through `engine.mind.model.encoder`: the embedded model's 12 slots of 512."""

    def __init__(self, encoder: Any):
        self.encoder = encoder
        self.shape = (SLOTS, DIM)

    def to(self, device: torch.device) -> None:
        """The encoder stays on the CPU: 1.6 ms a sentence, and the recall needs it there."""

    def capture(self, device: Cpu | Cuda) -> None:
        """Nothing of it runs on a GPU."""

    def condition(self, words: str) -> Tensor:
        return torch.as_tensor(self.encoder.condition([words])[0], dtype=torch.float32)
