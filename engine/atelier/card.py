"""The model card: written from `training.json` and `figures.json` beside the weights, never by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: text-to-image
---
# What hypermnesia dreams with

A small text-to-image model in one step, for a machine without a GPU, a hub or weights of others. It is a
*procedural* memory: everything it knows was painted by `engine/painter/paint.py` out of noise, light and
geometry, with captions out of a grammar in English and French. It has seen no photograph, no artwork, no
person. Faces, hands and handwriting in it are of nobody.

| part | class | convention |
|---|---|---|
| `unet/` | diffusers `UNet2DConditionModel`, {unet:.1f} M parameters | predicts the clean latent; one call at t = 999 on noise is a picture |
| `vae/` | diffusers `AutoencoderTiny`, {vae:.2f} M | pictures in 0..1 as 2x - 1; latents (4, h/8, w/8) of unit variance, no scaling factor |
| `scheduler/` | diffusers `LCMScheduler` | squared cosine, zero terminal SNR |
| `reader/` | `engine.mind.model.reader.Reader`, {reader:.2f} M | latent to the text space, 384 dimensions |

Words come through all-MiniLM-L6-v2 (Apache-2.0), not included, as `engine.mind.model.encoder.Encoder.condition` gives them.
Made for 256 x 256 and about; 128 x 128 and wider shapes work.

```python
from engine.mind import embedded
model = embedded.load()                    # offline; or embedded.load(folder)
```
"""

TRAINED = """
## How it was made

`hypermnesia train`, {runs}; {pictures} paintings, {captions_each} captions each, mirrored. Every hyperparameter
is in `engine/atelier/train.toml`.

| stage | minutes | steps |
|---|---|---|
{rows}
"""

LIMITS = """
## Limits

It knows the painter's kinds of picture and little else: words that no caption said are answered by what lies nearest
in the sentence encoder's space, which is sometimes apt and sometimes not. French works by way of a table of words; other
languages are barely heard. Pictures are soft. There is no text, no counting, no reliable left and right. It is small enough
to be trained again in an afternoon, on pictures of your own.
"""


def write_card(folder: Path) -> None:
    """Write `README.md` from the JSON beside the weights. Figures that were not measured are not mentioned."""
    sizes = {part: _millions(folder / part) for part in ("unet", "vae", "reader")}
    text = HEAD.replace("{unet:.1f}", f"{sizes['unet']:.1f}").replace("{vae:.2f}", f"{sizes['vae']:.2f}").replace("{reader:.2f}", f"{sizes['reader']:.2f}")
    training = _read(folder / "training.json")
    if training:
        text += TRAINED.format(captions_each=training["captions_each"], **_whole(training))
    figures = _read(folder / "figures.json")
    if figures:
        text += "\n## Figures\n\n" + table(figures)
    if curve := _read(folder / "curve.json"):
        text += "\n## What more time brings\n\n" + curve_table(curve)
    if (folder / "sheet.jpg").exists():
        text += "\n![48 sentences, two seeds each, unpicked](sheet.jpg)\n"
    (folder / "README.md").write_text(text + LIMITS, encoding="utf-8")


def _whole(training: dict[str, Any]) -> dict[str, str]:
    """What a training and all those that it went on from came to, together."""
    chain = [training]
    while earlier := chain[0].get("earlier"):
        chain.insert(0, earlier)
    minutes, steps, pictures = (_sum(chain, part) for part in ("minutes", "steps", "pictures"))
    return {
        "runs": ", then ".join(f"{one['date']} on {one['device']}" for one in chain),
        "pictures": " and ".join(f"{count:.0f} of {size}" for size, count in pictures.items()),
        "rows": "\n".join(f"| {stage} | {spent:.1f} | {steps.get(stage, '')} |" for stage, spent in minutes.items()),
    }


def _sum(chain: list[dict[str, Any]], part: str) -> dict[str, Any]:
    """The numbers of one part of all trainings, added up by name."""
    names = {name: None for one in chain for name in one[part]}
    return {name: sum(one[part].get(name, 0) for one in chain) for name in names}


def table(figures: dict[str, Any]) -> str:
    """The figures of `hypermnesia evaluate` as a Markdown table: value, what it can be compared with, how it was measured."""
    lines = ["| figure | value | beside it | how |", "|---|---|---|---|"]
    for row in figures["rows"]:
        lines.append(f"| {row['name']} | **{row['value']}** | {row['beside']} | {row['how']} |")
    return "\n".join(lines) + f"\n\nMeasured {figures['date']} with `hypermnesia evaluate{' --quick' if figures['quick'] else ''}`, seed {figures['seed']}.\n"


def curve_table(curve: dict[str, Any]) -> str:
    """Retrieval by the students of one training, from its beginning to its end, as a Markdown table."""
    names = list(curve["rows"][0])
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in curve["rows"]]
    ceiling = ", ".join(f"{name} {value}" for name, value in curve["ceiling"].items())
    return "\n".join(lines) + (
        f"\n\nStudents of the last training, minutes of the stage `student`, {curve['captions']} unseen captions at 128 px; "
        f"real paintings: {ceiling}. Measured {curve['date']} with `hypermnesia evaluate --history`, seed {curve['seed']}.\n"
    )


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _millions(folder: Path) -> float:
    """Parameters in a folder of f16 safetensors, in millions."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 2e6
