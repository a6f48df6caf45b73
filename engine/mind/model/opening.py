"""Opening a folder: which family its class names say it is, and which parts of it are read."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from engine.mind.model.codec import Full, Tiny
from engine.mind.model.dit import open_flux2, open_sana
from engine.mind.model.families import Family, PipelineWords, SentenceWords, UNet
from engine.mind.model.folder import Folder, ModelMissing
from engine.mind.model.single import whole

TINY = {  # pipeline class -> the small decoder that its latents want, by its name on the hub
    "StableDiffusionPipeline": "madebyollin/taesd",
    "LatentConsistencyModelPipeline": "madebyollin/taesd",
    "StableDiffusionXLPipeline": "madebyollin/taesdxl",
}


def open_family(folder: Folder, dtype: torch.dtype, decoder: str = "tiny", encoder: Any = None) -> Family:
    """Load the family a folder belongs to. `decoder`: "tiny", "full", or the folder or name of an AutoencoderTiny.

    `encoder` is the sentence encoder for models without a text encoder of their own.
    """
    if folder.pipeline not in FAMILIES:
        near = difflib.get_close_matches(folder.pipeline, FAMILIES, 1)
        hint = f" (nearest: {near[0]})" if near else ""
        raise ValueError(f"{folder.name} is a {folder.pipeline or 'folder without _class_name'}{hint}; "
                         f"possible: {', '.join(FAMILIES)}")  # fmt: skip
    if folder.single and FAMILIES[folder.pipeline] is not _stable_diffusion:
        raise ValueError(f"{folder.name}: a {folder.pipeline} is opened from its folder, not from a single file")
    with quiet():
        family = FAMILIES[folder.pipeline](folder, dtype, decoder, encoder)
    family.licence, family.steps = folder.licence, folder.steps
    return family.eval().requires_grad_(False)


def _stable_diffusion(folder: Folder, dtype: torch.dtype, decoder: str, encoder: Any) -> Family:
    vae = open_decoder(folder, dtype, decoder)
    pipe = _pipe(folder, vae=vae, dtype=dtype, local_files_only=True, **folder.absent())
    codec = Tiny(vae) if type(vae).__name__ == "AutoencoderTiny" else Full(vae)
    if pipe.text_encoder is None and encoder is None:
        from engine.mind.model.encoder import Encoder

        encoder = Encoder()
    words = PipelineWords(pipe) if pipe.text_encoder is not None else SentenceWords(encoder)
    return UNet(pipe.unet, codec, pipe.scheduler, words)


def _pipe(folder: Folder, **parts: Any) -> Any:
    """The diffusers pipeline of a folder, or of a single file and the folder that says what it is."""
    import diffusers

    if folder.single is None:
        return diffusers.DiffusionPipeline.from_pretrained(folder.path, **parts)
    pipe = getattr(diffusers, folder.pipeline).from_single_file(str(folder.single), config=str(folder.path), **parts)
    whole(folder, pipe)
    return pipe


def open_decoder(folder: Folder, dtype: torch.dtype, decoder: str) -> Any:
    """The folder's autoencoder if it is tiny or was asked for, else the tiny one that fits: `vae_tiny/`, or by name."""
    from diffusers import AutoencoderKL, AutoencoderTiny

    if folder.parts.get("vae") == "AutoencoderTiny":
        return AutoencoderTiny.from_pretrained(folder.path / "vae", dtype=dtype, local_files_only=True)
    if decoder == "full" and folder.single:
        where = {"config": str(folder.path), "subfolder": "vae"}
        return AutoencoderKL.from_single_file(str(folder.single), **where, dtype=dtype, local_files_only=True)
    if decoder == "full":
        return AutoencoderKL.from_pretrained(folder.path / "vae", dtype=dtype, local_files_only=True)
    beside = (folder.single.parent if folder.single else folder.path) / "vae_tiny"
    if decoder == "tiny" and beside.is_dir():
        return AutoencoderTiny.from_pretrained(beside, dtype=dtype, local_files_only=True)
    name = TINY[folder.pipeline] if decoder == "tiny" else decoder
    try:
        path = _as_folder(name) or name
        return AutoencoderTiny.from_pretrained(path, dtype=dtype, local_files_only=True)
    except (OSError, ModelMissing):
        raise ModelMissing(
            f"{folder.name}: a live picture needs the small decoder {name} (in {beside} or in the "
            f"hub's cache); `hypermnesia fetch {name}` brings it"
        ) from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Diffusers warns of what is meant here (a tiny autoencoder, no `accelerate`) and draws bars of its own."""
    from diffusers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _as_folder(name: str) -> Any:
    path = Path(name).expanduser()
    return path if path.is_dir() else None


FAMILIES: dict[str, Callable[[Folder, torch.dtype, str, Any], Family]] = {
    "StableDiffusionPipeline": _stable_diffusion,
    "LatentConsistencyModelPipeline": _stable_diffusion,
    "StableDiffusionXLPipeline": _stable_diffusion,
    "SanaSprintPipeline": open_sana,
    "Flux2KleinPipeline": open_flux2,
}
