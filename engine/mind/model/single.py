"""One `.safetensors` file in the layout that Stable Diffusion was published in: a configuration read off its tensors.

Such a file names its tensors and their shapes, and nothing else. Names say the family (whose text encoders it carries),
shapes say every width and depth; heads, schedule and tokens are the family's own. Out of that a configuration folder in
diffusers' layout is written, once, into the cache, and the file is opened with it. Nothing is asked of a hub.

A tokenizer is no tensor: it has to be on this machine, beside the file or with any model of the family.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.core.machine import cache_folder
from engine.mind.model.folder import Folder, ModelMissing
from engine.mind.model.whole import Tensors, weights

log = logging.getLogger("engine.mind")
UNET, VAE = "model.diffusion_model.", "first_stage_model."
CLIP, OPEN = "cond_stage_model.transformer.text_model.", "cond_stage_model.model."
CLIP_XL, OPEN_XL = "conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."
ELSE = {  # what else a file may be -> the sign of it, what to say
    "a LoRA": ("lora", "merge it into its model first"),
    "a UNet alone": ("down_blocks.0.", "save the whole pipeline as a folder"),
    "a FLUX transformer": ("double_blocks.0.", "use the folder of FLUX.2-klein"),
    "an SDXL refiner": ("conditioner.embedders.0.model.", "use the base model"),
}
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
Config = dict[str, Any]


def configure(path: Path, cache: Path | None = None) -> Folder:
    """A configuration folder for a file of weights. Raises ModelMissing or ValueError naming what it is or lacks."""
    tensors = weights(path)
    if not tensors.under(UNET):
        raise ValueError(f"{path.name} holds {_else(tensors)}")
    key = hashlib.sha256(repr((sorted(tensors.shapes.items()), tensors.note)).encode()).hexdigest()[:16]
    target = (cache or cache_folder()) / "single" / key
    folder = Folder(target, path.name, path)
    if not (target / "model_index.json").is_file():
        shutil.rmtree(target, ignore_errors=True)  # half written
        try:
            _write(tensors, target)
        except OSError as wrong:  # a cache that takes nothing: written again at the next start
            log.info("%s cannot be kept (%s)", target, wrong.strerror)
            folder = Folder(Path(tempfile.mkdtemp(prefix="hypermnesia-")), path.name, path)
            atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
            _write(tensors, folder.path)
    folder.check()
    return folder


def _else(tensors: Tensors) -> str:
    for kind, (sign, advice) in ELSE.items():
        if any(sign in name for name in tensors.shapes):
            return f"{kind}: {advice}"
    some = ", ".join(sorted(tensors.shapes)[:3]) or "nothing"
    return f"no Stable Diffusion (its tensors begin with {some}); possible: SD 1.5, SD 2 (sd-turbo), SDXL (sdxl-turbo)"


def _write(tensors: Tensors, target: Path) -> None:
    configs, tokenizers = _family(tensors)
    source = _tokenizer(tensors)
    from transformers import CLIPTokenizer

    for part, config in configs.items():
        if part != "model_index.json":
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            (target / part).write_text(json.dumps(config, indent=1))
    for part, pad in tokenizers.items():
        CLIPTokenizer.from_pretrained(source, pad_token=pad, model_max_length=77).save_pretrained(target / part)
    if licence := tensors.note.get("modelspec.license"):
        (target / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    (target / "model_index.json").write_text(json.dumps(configs["model_index.json"], indent=1))  # last: now it is whole


def _family(tensors: Tensors) -> tuple[dict[str, Config], dict[str, str]]:
    """Configurations by file name, and each tokenizer's padding."""
    prediction = {"v": "v_prediction"}.get(tensors.note.get("modelspec.prediction_type", ""), "epsilon")
    noise, euler = {**NOISE, "prediction_type": prediction}, {"timestep_spacing": "trailing"}
    if tensors.under(CLIP_XL) and tensors.under(OPEN_XL):
        texts = {"text_encoder": _clip(tensors, CLIP_XL), "text_encoder_2": _open_clip(tensors, OPEN_XL, 0)}
        kind, scheduler, noise = "StableDiffusionXLPipeline", "EulerAncestralDiscreteScheduler", {**noise, **euler}
        pads, scaling = {"tokenizer": "<|endoftext|>", "tokenizer_2": "!"}, 0.13025
    elif tensors.under(OPEN):
        texts = {"text_encoder": _open_clip(tensors, OPEN, 1)}  # the last layer but one is what the network hears
        kind, scheduler, noise = "StableDiffusionPipeline", "EulerDiscreteScheduler", {**noise, **euler}
        pads, scaling = {"tokenizer": "!"}, 0.18215
    elif tensors.under(CLIP):
        texts = {"text_encoder": _clip(tensors, CLIP)}
        kind, scheduler = "LatentConsistencyModelPipeline", "LCMScheduler"  # the few-step kind of SD 1.5
        pads, scaling = {"tokenizer": "<|endoftext|>"}, 0.18215
    else:
        raise ModelMissing(f"{tensors.path.name} is not whole: a network, and no text encoder that it hears")
    network = _unet(tensors, heads=8 if kind.startswith("Latent") else 0)
    index: Config = {"_class_name": kind, "scheduler": ["diffusers", scheduler], "unet": ["diffusers", "UNet2DConditionModel"],
                     "vae": ["diffusers", "AutoencoderKL"], "feature_extractor": [None, None],
                     "image_encoder": [None, None]}  # fmt: skip
    if not kind.startswith("StableDiffusionXL"):
        index |= {"safety_checker": [None, None], "requires_safety_checker": False}
    for part in texts:
        index[part] = ["transformers", "CLIPTextModelWithProjection" if part.endswith("2") else "CLIPTextModel"]
    index |= {part: ["transformers", "CLIPTokenizer"] for part in pads}
    configs = {"model_index.json": index, "scheduler/scheduler_config.json": noise, "unet/config.json": network,
               "vae/config.json": {**_vae(tensors), "scaling_factor": scaling},
               **{f"{part}/config.json": config for part, config in texts.items()}}  # fmt: skip
    return configs, pads


def _unet(tensors: Tensors, heads: int) -> Config:
    """Widths, depths and attentions of the network; `heads` of every level, 0 for one of 64 channels each."""
    levels: list[list[int]] = [[]]  # numbers of the blocks of each level
    for number in range(1, tensors.count(rf"{UNET}input_blocks\.(\d+)\.")):
        if f"{UNET}input_blocks.{number}.0.op.weight" in tensors.shapes:
            levels.append([])
        else:
            levels[-1].append(number)
    widths = [tensors[f"{UNET}input_blocks.{level[0]}.0.in_layers.2.weight"][0] for level in levels]
    depths = [tensors.count(rf"{UNET}input_blocks\.{level[0]}\.1\.transformer_blocks\.(\d+)\.") for level in levels]
    first = f"{UNET}input_blocks.{next(level[0] for level, depth in zip(levels, depths, strict=True) if depth)}.1."
    middle = tensors.count(rf"{UNET}middle_block\.1\.transformer_blocks\.(\d+)\.")
    found: Config = {
        "sample_size": 64, "in_channels": tensors[f"{UNET}input_blocks.0.0.weight"][1], "block_out_channels": widths,
        "layers_per_block": len(levels[0]), "attention_head_dim": [heads or max(1, width // 64) for width in widths],
        "cross_attention_dim": tensors[f"{first}transformer_blocks.0.attn2.to_k.weight"][1],
        "use_linear_projection": len(tensors[f"{first}proj_in.weight"]) == 2,
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "transformer_layers_per_block": [depth or max(1, middle) for depth in depths],
    }  # fmt: skip
    if f"{UNET}label_emb.0.0.weight" in tensors.shapes:
        width = tensors[f"{UNET}label_emb.0.0.weight"][1]
        pooled = tensors[f"{OPEN_XL}text_projection"][1]
        found |= {"addition_embed_type": "text_time", "projection_class_embeddings_input_dim": width,
                  "addition_time_embed_dim": (width - pooled) // 6}  # fmt: skip
    return found


def _clip(tensors: Tensors, prefix: str) -> Config:
    vocabulary, width = tensors[f"{prefix}embeddings.token_embedding.weight"]
    layers = tensors.count(rf"{prefix}encoder\.layers\.(\d+)\.")
    return _text(vocabulary, width, layers, tensors[f"{prefix}encoder.layers.0.mlp.fc1.weight"][0], "quick_gelu", width)


def _open_clip(tensors: Tensors, prefix: str, unheard: int) -> Config:
    vocabulary, width = tensors[f"{prefix}token_embedding.weight"]
    layers = tensors.count(rf"{prefix}transformer\.resblocks\.(\d+)\.") - unheard
    inner = tensors[f"{prefix}transformer.resblocks.0.mlp.c_fc.weight"][0]
    projection = tensors.shapes.get(f"{prefix}text_projection", (0, width))[1]
    return _text(vocabulary, width, layers, inner, "gelu", projection)


def _text(vocabulary: int, width: int, layers: int, inner: int, activation: str, projection: int) -> Config:
    """A CLIP text encoder: heads of 64, as all that were published have. End 2 means: the largest number is the end."""
    return {"vocab_size": vocabulary, "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": inner,
            "num_attention_heads": max(1, width // 64), "hidden_act": activation, "projection_dim": projection,
            "max_position_embeddings": 77, "bos_token_id": 0, "eos_token_id": 2}  # fmt: skip


def _vae(tensors: Tensors) -> Config:
    """The large autoencoder; one of four levels where the file holds none."""
    levels = tensors.count(rf"{VAE}encoder\.down\.(\d+)\.")
    widths = [tensors[f"{VAE}encoder.down.{level}.block.0.conv2.weight"][0] for level in range(levels)] or [128, 256, 512, 512]
    layers = tensors.count(rf"{VAE}encoder\.down\.0\.block\.(\d+)\.") or 2
    return {"block_out_channels": widths, "layers_per_block": layers, "latent_channels": 4, "sample_size": 512,
            "down_block_types": ["DownEncoderBlock2D"] * len(widths), "up_block_types": ["UpDecoderBlock2D"] * len(widths)}  # fmt: skip


def _tokenizer(tensors: Tensors) -> Path:
    """A folder with the tokenizer that these embeddings were made for."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from transformers import CLIPTokenizer

    path = tensors.path
    vocabulary = next(shape[0] for name, shape in tensors.shapes.items() if name.endswith("token_embedding.weight"))
    near = [path.with_suffix("") / "tokenizer", path.parent / "tokenizer"]
    for folder in (*near, *sorted(Path(HF_HUB_CACHE).glob("models--*/snapshots/*/tokenizer"))):
        if not any((folder / name).is_file() for name in ("vocab.json", "tokenizer.json")):
            continue
        if len(CLIPTokenizer.from_pretrained(folder)) == vocabulary:
            return folder
    raise ModelMissing(
        f"{path.name} needs a tokenizer of {vocabulary} words, which is no part of such a file: put its folder (vocab.json, "
        f"merges.txt) at {path.parent / 'tokenizer'}, or `hypermnesia fetch stabilityai/sd-turbo`, which brings one"
    )


def whole(folder: Folder, pipe: Any) -> None:
    """Raise ModelMissing if the file had fewer numbers than its network and its first text encoder were to get."""
    assert folder.single is not None
    tensors = Tensors.read(folder.single)
    clip = next((prefix for prefix in (CLIP, CLIP_XL) if tensors.under(prefix)), "")
    for what, module, prefix in (("network", pipe.unet, UNET), ("text encoder", pipe.text_encoder, clip)):
        wanted, here = sum(p.numel() for p in module.parameters()), tensors.numbers(prefix) if prefix else -1
        if here not in (wanted, -1):
            raise ModelMissing(f"{folder.name} is not whole: its {what} has {here:,} numbers where {wanted:,} belong")
