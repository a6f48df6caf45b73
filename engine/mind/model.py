"""A few-step model that can be held in one hand: words to a condition, condition and noise to a picture.

    model = load("embedded", size=(256, 256))
    rgba, latent = model.paint(model.condition("the sea at night"), noise)

All latents have about unit variance, whatever the autoencoder. Everything is offline.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.codec import Tiny
from engine.mind.families import Family, SentenceWords, UNet, open_family
from engine.mind.folder import find
from engine.mind.graph import Path

LONGEST = 2000  # characters of a sentence that are looked at: no encoder here reads more, and some take seconds to cut


class Model:
    """One model at one size on one device.

    `name`, `size` (height, width) in pixels, `latent` (c, h, w), `structure` (hex), `licence` are fixed. Two threads may
    use it: one that paints, one that thinks (`condition`, `vector`, `encode`, `imagine`, `decode`); each of the two
    static paths takes its own turn.
    """

    def __init__(
        self, family: Family, name: str, size: tuple[int, int], device: str, structure: str, encoder: Any = None
    ):
        self.family, self.name, self.size, self.device = family, name, size, torch.device(device)
        self.latent = family.latent(size)
        self.licence = family.licence
        self.structure = structure
        self._encoder = encoder
        self._stream = Path(family, size, device=device)  # what the wall shows
        self._hidden = Path(family, size, device=device)  # what it does not
        self._conditions: OrderedDict[str, Tensor] = OrderedDict()
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._thinking = threading.Lock()
        self._painting = threading.Lock()

    # --- words ---

    def condition(self, words: str) -> Tensor:
        """(tokens, dim) f32 on the CPU, the same object for the same words while it is remembered. Do not write to it."""
        with self._thinking:
            return _remembered(self._conditions, words, lambda: self.family.words.condition(words[:LONGEST]).cpu())

    def vector(self, words: str) -> NDArray[np.float32]:
        """(384,) unit vector of the text space by which memories are recalled: MiniLM, whatever the model."""
        with self._thinking:
            if self._encoder is None:
                from engine.mind.encoder import Encoder

                self._encoder = Encoder.load()
            return _remembered(self._vectors, words, lambda: np.asarray(self._encoder.sentence([words[:LONGEST]])[0]))

    # --- pictures and latents ---

    @torch.inference_mode()
    def encode(self, rgb: NDArray[np.uint8]) -> Tensor:
        """A picture (height, width, 3) u8 of this model's size -> latent (c, h, w) f32."""
        if rgb.shape != (*self.size, 3):
            raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded; wanted {(*self.size, 3)}")
        with self._thinking:
            picture = torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device).permute(2, 0, 1)[None] / 255
            return self.family.codec.encode(picture.to(self._stream.dtype))[0].float().cpu()

    @torch.inference_mode()
    def decode(self, latent: Tensor) -> NDArray[np.uint8]:
        """Latent (c, h, w) -> picture (height, width, 4) u8, top row first, alpha 255."""
        with self._thinking:
            picture = self.family.codec.decode(latent[None].to(self.device, self._stream.dtype))[0].float()
            rgb = picture.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu()
        return np.concatenate([rgb.numpy(), np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=2)

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """A latent (c, h, w) f32 dreamt under a condition from noise (c, h, w), beside the stream and unseen by it."""
        with self._thinking:
            return self._hidden.paint(condition, noise, start, strength)[1].cpu().clone()

    def paint(
        self,
        condition: Tensor,
        noise: Tensor,
        start: Tensor | None = None,
        strength: float = 1.0,
        *,
        toward: Tensor | None = None,
        turn: float = 0.0,
        feedback: float = 0.0,
    ) -> tuple[NDArray[np.uint8], Tensor]:
        """The next picture of the stream: (rgba (height, width, 4) u8, latent (c, h, w) f32), both the caller's own.

        `start` and `strength` as in image-to-image; `toward` and `turn` (0..1) slerp the condition towards another,
        inside the path; `feedback` (0..1) is how much of the last picture the start keeps.
        """
        with self._painting:
            rgba, latent = self._stream.paint(condition, noise, start, strength, toward, turn, feedback)
            return rgba.cpu().numpy().copy(), latent.cpu().clone()


def load(
    name: str | FilePath = "embedded",
    size: tuple[int, int] = (256, 256),
    device: str = "auto",
    threads: int | None = None,
    *,
    decoder: str = "tiny",
    encoder: Any = None,
) -> Model:
    """Open a model by name ("embedded", "stabilityai/sd-turbo"), by folder or by single file. Offline.

    `size` is (height, width) in pixels. `device` is "auto", "cpu" or "cuda"; `threads` are those of the CPU. Raises
    `ModelMissing` naming what is not there, ValueError for a model or a size that has no place here.
    """
    device = _device(device)
    if threads:
        torch.set_num_threads(threads)
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    if str(name) == "embedded":
        from engine.mind import embedded

        parts = embedded.load()
        encoder = encoder or parts.encoder
        codec = Tiny(parts.vae.to(dtype))
        family: Family = UNet(parts.unet.to(dtype), codec, parts.scheduler, SentenceWords(parts.encoder))
        family.eval().requires_grad_(False).licence = "Apache-2.0"
        fingerprint = _weights_hash(family)
    else:
        folder = find(name)
        family = open_family(folder, dtype, decoder, encoder)
        fingerprint = folder.fingerprint()
    family.to(device)
    facts = json.dumps([fingerprint, size, str(dtype), family.steps, torch.__version__])
    return Model(family, str(name), size, device, hashlib.sha256(facts.encode()).hexdigest(), encoder)


def _device(asked: str) -> str:
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda was asked for and torch sees none; `hypermnesia doctor` says why, or use auto")
    if asked not in ("cpu", "cuda"):
        raise ValueError(f"device {asked!r} is unknown; possible: auto, cpu, cuda")
    return asked


def _weights_hash(family: Family) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(family.state_dict().items()):
        digest.update(key.encode() + value.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _remembered(memory: OrderedDict[str, Any], words: str, make: Any, room: int = 256) -> Any:
    if words in memory:
        memory.move_to_end(words)
    else:
        memory[words] = make()
        if len(memory) > room:
            memory.popitem(last=False)
    return memory[words]
