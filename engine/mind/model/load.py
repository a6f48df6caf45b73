"""Open a model by its name, a folder or a file, on one device. Offline: nothing is ever fetched here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from engine.mind.model.contract import Terms
from engine.mind.model.cpu import precision
from engine.mind.model.device import Cpu, Cuda, lay, open_device
from engine.mind.model.encoder import Encoder
from engine.mind.model.families import Family, LargeForms, SentenceWords
from engine.mind.model.find import find
from engine.mind.model.lapped import Lapped
from engine.mind.model.model import Model
from engine.mind.model.opening import open_family


def load(
    name: str | Path = "embedded",
    size: tuple[int, int] = (0, 0),
    device: str = "auto",
    threads: int | None = None,
    *,
    numbers: str = "auto",
    decoder: str = "tiny",
    encoder: Any = None,
    terms: Terms | None = None,
    steps: int | None = None,
    compiled: bool = False,
) -> Model:
    """Open a model by name ("embedded", "stabilityai/sd-turbo"), by folder or by single file. Offline.

    `size` is (height, width) in pixels, (0, 0) the model's own; `device` "auto", "cpu", "cuda" or "cuda:N"; `threads` those of the CPU;
    `numbers` "auto", "float32" or "bfloat16"; `decoder` "tiny", "full" or an AutoencoderTiny by name or folder;
    `steps` more calls of the network than the family's own; `compiled`: on a GPU, code is compiled beside the pictures. Raises `ModelMissing` naming what is not there, ValueError
    for what has no place here.
    """
    where = open_device(device)
    if threads:
        torch.set_num_threads(threads)
    dtype = precision(numbers) if isinstance(where, Cpu) else {"float32": torch.float32}.get(numbers, torch.bfloat16)
    if str(name) == "embedded":
        family, fingerprint, encoder = _embedded(encoder)
    else:
        folder = find(name)
        family, fingerprint = open_family(folder, dtype, decoder, encoder), folder.fingerprint()
    family.steps = steps or family.steps
    family.to(where.torch)
    family.words.to(where.torch)
    if isinstance(where, Cuda):
        family.words.capture(where.beside())
    lay(family.network, dtype)
    lay(family.codec, torch.float32 if family.codec.exact else dtype)
    return Model(family, str(name), size, where, fingerprint, encoder, terms, compiled and isinstance(where, Cuda))


def _embedded(encoder: Any) -> tuple[Family, str, Any]:
    from engine.mind.model import embedded, own

    folder = embedded.FOLDER
    embedded.check(folder)
    words = Encoder()
    family = LargeForms(own.unet(folder / "unet"), Lapped.load(folder / "codec"), own.scheduler(folder / "scheduler"), SentenceWords(words))
    family.eval().requires_grad_(False)
    family.licence = "Apache-2.0"
    return family, _weights_hash(family), encoder or words


def _weights_hash(family: Family) -> str:
    digest = hashlib.sha256()
    for key, value in sorted(family.state_dict().items()):
        digest.update(key.encode() + value.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
