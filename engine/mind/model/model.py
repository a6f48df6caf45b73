"""A few-step model that can be held in one hand: words to a condition, condition and noise to a picture.

    model = load("embedded", size=(256, 256))
    rgba, latent = model.paint(model.condition("the sea at night"), noise)

All latents have about unit variance, whatever the autoencoder. Everything is offline.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.model.attention import prefer, quickest, shapes
from engine.mind.model.captured import Captured
from engine.mind.model.codec import fitted
from engine.mind.model.compiled import job
from engine.mind.model.compiling import Beside
from engine.mind.model.contract import Contract, Terms
from engine.mind.model.cpu import can_pack, pack
from engine.mind.model.device import Cpu, Cuda, out_of_memory
from engine.mind.model.families import Family
from engine.mind.model.graph import Finished, Pipeline

PHRASES = 256  # conditions and vectors of words that are kept, those used last
LONGEST = 2000  # characters of a sentence that are looked at: no encoder here reads more, and some take seconds to cut


class Model:
    """One model on one device, at one size until memory runs out.

    `name`, `licence` and `structure` (hex: weights, configuration, precision, size) describe it; `size` (height, width)
    in pixels and `latent` (c, h, w) change only when the device's memory is exhausted and a smaller size is declared.
    Two threads may use it: one that paints, one that thinks (`condition`, `vector`, `encode`, `imagine`, `decode`).
    """

    def __init__(
        self,
        family: Family,
        name: str,
        size: tuple[int, int],
        device: Cpu | Cuda,
        fingerprint: str = "",
        encoder: Any = None,
        terms: Terms | None = None,
        compiled: bool = False,
    ):
        """`compiled`: pictures are painted by the plain network at once, and by compiled code as soon as there is any."""
        self.family, self.name, self.device, self.licence = family, name, device, family.licence
        self.contract = Contract(terms or Terms())
        self.trouble = ""  # the newest thing that went wrong while the show went on, in a sentence
        self._fingerprint, self._encoder, self._packed = fingerprint, encoder, False
        self._compiled, self._exchanges = compiled, 0
        self.compiling: Beside | None = None  # what is compiled for pictures of this size
        self._conditions: LRUCache[str, Tensor] = LRUCache(PHRASES)
        self._vectors: LRUCache[str, NDArray[np.float32]] = LRUCache(PHRASES)
        self._thinking, self._painting = threading.RLock(), threading.RLock()
        for step in self.contract.terms.ladder:
            family.latent(step)  # a size that cannot be is said now, not when it is needed
        size = size if size != (0, 0) else family.own
        if isinstance(device, Cuda):
            prefer(quickest(shapes(lambda: _predicted(family, size)), device.torch))
        try:
            self._open(size)
        except (RuntimeError, MemoryError) as error:
            self._shrink(size, error)

    def _say(self, trouble: str) -> None:
        self.trouble = trouble

    def _stop_compiling(self) -> None:
        if self.compiling:
            self.compiling.stop()
        self.compiling, self._exchanges = None, 0

    def _open(self, size: tuple[int, int]) -> None:
        self._stop_compiling()
        self.size, self.latent = size, self.family.latent(size)
        kind = next(self.family.network.parameters()).dtype
        if isinstance(self.device, Cpu) and can_pack(kind) and not self._packed and not self._compiled:
            self.family.codec.note_dtype()
            _pack(self.family, size)
            self._packed = True
        self._stream = Pipeline(self.family, size, self.device)  # what the wall shows
        self._hidden = Pipeline(self.family, size, self.device.beside(), pixels=False)  # what it does not
        codec = self.family.codec
        self._encode, self._decode = codec.encode, codec.decode
        if isinstance(self.device, Cuda):
            self._encode, self._decode = (Captured(one, self.device.beside()) for one in (codec.encode, codec.decode))
        if self._compiled:
            made = job(self.family, self.device.torch, self._stream.rehearse)
            self.compiling = Beside(self.family, made, (self._stream, self._hidden), self._say).start()
        facts = [self._fingerprint, size, str(kind), self.family.steps, torch.__version__]
        self.structure = hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def flows(self) -> bool:
        """Whether words turn and starts flow where pictures are painted, by `turn`, `feedback` and `onward`."""
        return self.device.flows

    @property
    def carries(self) -> Tensor | None:
        """(c,) f32 on the CPU: how much of a picture a unit of each channel carries; None where all are alike."""
        found = self.family.codec.carries
        return None if found is None else found.cpu()

    # --- words ---

    def condition(self, words: str) -> Tensor:
        """(tokens, dim) f32 on the CPU, the same object for the same words while it is remembered. Do not write to it."""
        with self._thinking:
            make = lambda: self.family.words.condition(words[:LONGEST]).cpu()  # noqa: E731
            found: Tensor = _remembered(self._conditions, words, make)
            return found

    def vector(self, words: str) -> NDArray[np.float32]:
        """(512,) unit vector of the text space by which memories are recalled, whatever the model."""
        with self._thinking:
            if self._encoder is None:
                from engine.mind.model.encoder import Encoder

                self._encoder = Encoder()
            make = lambda: np.asarray(self._encoder.sentence([words[:LONGEST]])[0])  # noqa: E731
            found: NDArray[np.float32] = _remembered(self._vectors, words, make)
            return found

    # --- pictures and latents ---

    @torch.inference_mode()
    def encode(self, rgb: NDArray[np.uint8]) -> Tensor:
        """A picture (height, width, 3) u8 of any size that this model can paint -> latent (c, h, w) f32.

        Memories keep their size while the contract has pictures made smaller. Raises ValueError for a size that cannot be.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded; wanted (height, width, 3)")
        self.family.latent((rgb.shape[0], rgb.shape[1]))
        with self._thinking:
            picture = torch.from_numpy(np.ascontiguousarray(rgb)).to(self.device.torch).permute(2, 0, 1)[None] / 255
            return self._encode(picture.to(self.family.codec.dtype))[0].float().cpu()

    @torch.inference_mode()
    def decode(self, latent: Tensor) -> NDArray[np.uint8]:
        """Latent (c, h, w) -> picture (height, width, 4) u8, top row first, alpha 255."""
        with self._thinking:
            picture = self._decode(latent[None].to(self.device.torch, self.family.codec.dtype))[0].float()
            rgb = picture.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu()
        return np.concatenate([rgb.numpy(), np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=2)

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """A latent (c, h, w) f32 dreamt under a condition from noise (c, h, w), beside the stream and unseen by it."""
        with self._thinking:
            hidden = self._hidden
            like = hidden.buffers.latent
            begun = hidden.begin(condition, fitted(noise, like), start if start is None else fitted(start, like), strength)
            return hidden.finish(begun).latent.clone()

    def paint(
        self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0, *,
        toward: Tensor | None = None, turn: float = 0.0, feedback: float = 0.0, asked: float = 0.0,
        onward: tuple[Tensor, float] | None = None,
    ) -> tuple[NDArray[np.uint8], Tensor]:  # fmt: skip
        """The next picture of the stream: (rgba (height, width, 4) u8, latent (c, h, w) f32), both the caller's own.

        `start` and `strength` (0..1) as in image-to-image; `toward` and `turn` (0..1) slerp the condition towards
        another, inside the pipeline; `feedback` (0..1) is how much of the last picture the start keeps; `asked` (seconds of
        time.monotonic) is when these words were asked for, for the contract; `onward`, where the model `flows`, is the
        latent that `start` flows to and how far it is, 0..1. Never raises for want of memory while a
        smaller size is declared: the picture is then smaller, and `trouble` says so.
        """
        with self._painting:
            try:
                found = self._painted(condition, noise, start, strength, toward, turn, feedback, onward)
            except (RuntimeError, MemoryError) as error:
                self._shrink(self.size, error)
                found = self._painted(condition, noise, start, strength, toward, turn, feedback, onward)
            self._note(found.whole, found.milliseconds, asked)
            return found.rgba.numpy().copy(), found.latent.clone()

    def _painted(self, condition: Tensor, noise: Tensor, start: Tensor | None, strength: float, toward: Tensor | None,
                 turn: float, feedback: float, onward: tuple[Tensor, float] | None) -> Finished:  # fmt: skip
        stream, like = self._stream, self._stream.buffers.latent
        noise, start = fitted(noise, like), start if start is None else fitted(start, like)
        onward = onward and (fitted(onward[0], like), onward[1])
        return stream.finish(stream.begin(condition, noise, start, strength, toward, turn, feedback, onward))

    def _note(self, whole: bool, milliseconds: float, asked: float) -> None:
        now, contract, stream = time.monotonic(), self.contract, self._stream
        contract.picture(now, milliseconds, asked)
        contract.recaptures = stream.captures - 1
        if stream.exchanges != self._exchanges:
            self._exchanges = stream.exchanges
            contract.settle()
        if contract.compute.count % 64 == 8:
            contract.memory(self.device.allocated())
        if not whole:
            contract.faults += 1
            self.trouble = "a picture was not finite; the last one stays, and the next begins without it"
            stream.forget()
        if stream.trouble:
            self.trouble, stream.trouble = stream.trouble, ""

    @property
    def rgba(self) -> Tensor:
        """The newest picture where it was painted, (height, width, 4) u8. The next one overwrites it."""
        return self._stream.buffers.rgba

    def forget(self) -> None:
        """The next picture begins without a last one."""
        with self._painting:
            self._stream.forget()

    def lower(self) -> None:
        """Pictures of the ladder's next smaller size from here on, because these take too long. At its end: as before."""
        with self._painting, self._thinking:
            before, smaller = self.size, self.contract.smaller(self.size)
            if smaller is None:
                return self.contract.exhausted(time.monotonic())
            why = self.contract.why
            self._open(smaller)
            self.trouble = f"pictures of {before[1]}x{before[0]} came too late: they are {smaller[1]}x{smaller[0]} now"
            self.contract.resized(time.monotonic(), smaller, why, before)

    def rise(self) -> None:
        """Pictures of the size that was given up last, if the contract says that there has long been time for them."""
        larger = self.contract.larger(self.size)
        if larger is None:
            return
        with self._painting, self._thinking:
            self.contract.regrown(time.monotonic(), larger)  # first: a size for which there is no memory is not tried again
            self.trouble = f"there is time again: pictures are {larger[1]}x{larger[0]}"
            try:
                self._open(larger)
            except (RuntimeError, MemoryError) as error:
                self._shrink(larger, error)

    def _shrink(self, size: tuple[int, int], error: Exception) -> None:
        """Out of memory: the next smaller size that is declared and fits; any other error goes on upwards."""
        if not out_of_memory(error):
            raise error
        with self._thinking:
            smaller = self.contract.smaller(size)
            while smaller is not None:
                self._stop_compiling()
                self._stream = self._hidden = None  # type: ignore[assignment]  # give back before taking
                if self.device.torch.type == "cuda":
                    torch.cuda.empty_cache()
                try:
                    self._open(smaller)
                except (RuntimeError, MemoryError) as again:
                    if not out_of_memory(again):
                        raise
                    smaller = self.contract.smaller(smaller)
                    continue
                self.trouble = f"no memory for {size[1]}x{size[0]} pictures: they are {smaller[1]}x{smaller[0]} now"
                return self.contract.resized(time.monotonic(), smaller, "out of memory")
            raise error


@torch.inference_mode()
def _pack(family: Family, size: tuple[int, int]) -> None:
    """Lay the weights as the processor reads them, for pictures of this size."""
    x = _blank(family, size).to(family.codec.dtype)
    pack(family.network, lambda: _predicted(family, size))
    pack(family.codec, lambda: family.codec.encode(family.codec.decode(x)))


@torch.inference_mode()
def _predicted(family: Family, size: tuple[int, int]) -> Tensor:
    """The network, called once."""
    slot = family.prepare(torch.zeros(family.words.shape), family.schedule(1.0, size).timesteps, size)
    return family.predict(_blank(family, size), slot, 0)


def _blank(family: Family, size: tuple[int, int]) -> Tensor:
    parameter = next(family.network.parameters())
    return torch.zeros(1, *family.latent(size), dtype=parameter.dtype, device=parameter.device).contiguous(memory_format=torch.channels_last)


def _remembered(memory: LRUCache[str, Any], words: str, make: Callable[[], Any]) -> Any:
    if words not in memory:
        memory[words] = make()
    return memory[words]
