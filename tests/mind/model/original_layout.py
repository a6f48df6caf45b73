"""A diffusers pipeline in one file, in the layout in which Stable Diffusion was published: what the hub calls a checkpoint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

Tensors = dict[str, Tensor]
_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
           "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}  # fmt: skip
_UNET = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2", "conv_in": "input_blocks.0.0",
         "conv_norm_out": "out.0", "conv_out": "out.2", "add_embedding.linear_1": "label_emb.0.0",
         "add_embedding.linear_2": "label_emb.0.2"}  # fmt: skip
_CLIP = {"encoder.layers.": "transformer.resblocks.", "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc",
         "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj", "final_layer_norm": "ln_final",
         "embeddings.token_embedding": "token_embedding",
         "embeddings.position_embedding.weight": "positional_embedding"}  # fmt: skip


def unet(model: Any) -> Tensors:
    """`model.diffusion_model.*`"""
    per, found = model.config.layers_per_block, {}
    for name, tensor in model.state_dict().items():
        found["model.diffusion_model." + _unet_name(name, per)] = tensor.clone()
    return found


def _unet_name(name: str, per: int) -> str:
    whole, _, end = name.rpartition(".")
    if whole in _UNET:
        return f"{_UNET[whole]}.{end}"
    side, level, rest = re.match(r"(down_blocks|mid_block|up_blocks)\.?(\d*)\.(.*)", name).groups()  # type: ignore[union-attr]
    kind, number, inner = rest.split(".", 2)
    if kind == "resnets":
        part, _, last = inner.rpartition(".")
        inner = f"{_RESNET[part]}.{last}"
    if side == "mid_block":
        return f"middle_block.{1 if kind == 'attentions' else 2 * int(number)}.{inner}"
    if side == "down_blocks":
        at = 1 + int(level) * (per + 1) + (per if kind == "downsamplers" else int(number))
        return f"input_blocks.{at}.0.op.{inner.split('.')[-1]}" if kind == "downsamplers" else f"input_blocks.{at}.{kind == 'attentions':d}.{inner}"
    at = int(level) * (per + 1) + (per if kind == "upsamplers" else int(number))
    place = {"resnets": 0, "attentions": 1, "upsamplers": 9}[kind]
    return f"output_blocks.{at}.{place}.{inner}"


def _settle(tensors: Tensors) -> Tensors:
    """An upsampler stands after the attention where there is one, else in its place."""
    found = {}
    for name, tensor in tensors.items():
        if match := re.match(r"(model\.diffusion_model\.output_blocks\.\d+)\.9\.(.*)", name):
            attended = any(other.startswith(f"{match[1]}.1.") for other in tensors)
            name = f"{match[1]}.{1 + attended}.{match[2]}"
        found[name] = tensor
    return found


def clip(model: Any, prefix: str) -> Tensors:
    """transformers' own names under a prefix."""
    names = {name.removeprefix("text_model."): tensor for name, tensor in model.state_dict().items()}
    return {prefix + name: tensor.clone() for name, tensor in names.items() if "position_ids" not in name}


def open_clip(model: Any, prefix: str, unheard: int = 0) -> Tensors:
    """OpenCLIP's names: queries, keys and values in one; `unheard` layers more at the end, which nobody reads."""
    names = {name.removeprefix("text_model."): tensor for name, tensor in model.state_dict().items() if "position_ids" not in name}
    layers = model.config.num_hidden_layers
    for more in range(unheard):
        last = f"encoder.layers.{layers - 1}."
        names |= {name.replace(last, f"encoder.layers.{layers + more}."): t for name, t in names.items() if name.startswith(last)}
    found: Tensors = {}
    for name, tensor in names.items():
        if name == "text_projection.weight":
            found[f"{prefix}text_projection"] = tensor.T.contiguous()
        elif match := re.match(r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", name):
            import torch

            three = [names[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            found[f"{prefix}transformer.resblocks.{match[1]}.attn.in_proj_{match[2]}"] = torch.cat(three)
        elif ".k_proj." not in name and ".v_proj." not in name:
            for here, there in _CLIP.items():
                name = name.replace(here, there)
            found[prefix + name] = tensor.clone()
    return found


def vae(model: Any) -> Tensors:
    """`first_stage_model.*`"""
    top, found = len(model.config.block_out_channels) - 1, {}
    for name, tensor in model.state_dict().items():
        name = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", name)
        name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample.", name)
        name = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda m: f"up.{top - int(m[1])}.block.", name)
        name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0\.", lambda m: f"up.{top - int(m[1])}.upsample.", name)
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
        for here, there in {"mid_block.attentions.0.": "mid.attn_1.", "group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v",
                            "to_out.0": "proj_out", "conv_norm_out": "norm_out", "conv_shortcut": "nin_shortcut"}.items():  # fmt: skip
            name = name.replace(here, there)
        if "attn_1" in name and name.endswith("weight") and "norm" not in name:
            tensor = tensor[:, :, None, None]  # it was a convolution once
        found[f"first_stage_model.{name}"] = tensor.clone()
    return found


def save(file: Path, *parts: Tensors, note: dict[str, str] | None = None) -> Path:
    whole = {name: tensor.contiguous() for part in parts for name, tensor in part.items()}
    save_file(_settle(whole), file, metadata=note)
    return file
