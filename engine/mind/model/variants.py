"""Which files hold the weights of a part: whole or in shards, in which variant (fp16, ema, ...), under which names.

    unet/diffusion_pytorch_model.safetensors                        plain
    unet/diffusion_pytorch_model.fp16.safetensors                   a variant
    unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors    in shards, with an index beside them

The same rules serve a folder on the disk and the list of a hub's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FIRST = ("", "fp16", "bf16", "fp32", "ema")  # variants in the order in which they are taken; non_ema comes last of all
PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
WHY = "a pickle, and opening one may run any program; ask for safetensors, or save it anew with diffusers where that may happen"
_SHARD = r"-(?P<number>\d{5})-of-(?P<count>\d{5})"
_WEIGHTS = re.compile(rf"(?P<base>\w+?)(?:\.(?P<variant>\w+))?(?:{_SHARD})?(?:\.(?P<late>\w+))?\.safetensors", re.IGNORECASE)
_INDEX = re.compile(r"(?P<base>\w+?)(?:\.(?P<variant>\w+))?\.safetensors\.index(?:\.(?P<late>\w+))?\.json", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of one part in one variant, by their names."""

    base: str
    variant: str  # "" is the plain one
    files: tuple[str, ...]  # that are there, sorted
    count: int  # that have to be there; 1 for a whole one
    index: str = ""  # of shards; "" where there is none

    @property
    def complete(self) -> bool:
        return len(self.files) == self.count

    def missing(self) -> str:
        """The name of the first shard that is not there."""
        have = {number for file in self.files if (match := _WEIGHTS.fullmatch(file)) and (number := match["number"])}
        number = next((n for n in range(1, self.count + 1) if f"{n:05d}" not in have), 1)
        middle = f".{self.variant}" if self.variant else ""
        return f"{self.base}{middle}-{number:05d}-of-{self.count:05d}.safetensors"


def variants(names: Iterable[str]) -> list[Weights]:
    """All weights among the files of one part, those that are taken first at the front."""
    files: dict[tuple[str, str, int], list[str]] = {}
    indices: dict[tuple[str, str], str] = {}
    for name in sorted(names):
        if match := _INDEX.fullmatch(name):
            indices[match["base"], (match["variant"] or match["late"] or "").lower()] = name
        elif (match := _WEIGHTS.fullmatch(name)) and not re.search("lora|adapter|openvino|onnx|flax", name, re.IGNORECASE):
            variant = (match["variant"] or match["late"] or "").lower()
            files.setdefault((match["base"], variant, int(match["count"] or 1)), []).append(name)
    found = [
        Weights(base, variant, tuple(each), count, indices.get((base, variant), "") if count > 1 or len(each) > 1 else "")
        for (base, variant, count), each in files.items()
    ]
    return sorted(found, key=_order)


def _order(one: Weights) -> tuple[bool, int, bool, str, str]:
    place = FIRST.index(one.variant) if one.variant in FIRST else len(FIRST)
    usual = one.base.lower() in ("model", "diffusion_pytorch_model")
    return one.variant.startswith("non"), place, not usual, one.base, one.variant


def chosen(names: Iterable[str]) -> Weights | None:
    """The weights that are read: the plain ones if they are complete, else the first complete variant."""
    found = variants(names)
    return next((one for one in found if one.complete), found[0] if found else None)


def pickles(names: Iterable[str]) -> list[str]:
    """Files that hold weights in a way in which they are not opened."""
    return sorted(name for name in names if name.lower().endswith(PICKLES))
