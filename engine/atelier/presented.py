"""The figures of `hypermnesia evaluate --wall`: of presented frames, beside real paintings on the same wall."""

from __future__ import annotations

import random
import statistics
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from engine.atelier import judge
from engine.atelier.figures import Row, row
from engine.atelier.judge import JUDGED, Judge, Paintings
from engine.atelier.plain import plain
from engine.atelier.sizes import Sizes
from engine.atelier.wall import Look, Wall, grid, octaves
from engine.mind.model.embedded import Embedded
from engine.painter import paint
from engine.painter.attributes import draw
from engine.painter.paint import Attributes

Tell = Callable[[str], None]
LANGUAGES = Path(__file__).with_name("languages.toml")
NAMES = {"en": "English", "fr": "French", "de": "German", "es": "Spanish", "ar": "Arabic", "zh": "Chinese", "ja": "Japanese", "ru": "Russian"}


def measure(wall: Wall, model: Embedded, judged: Judge, sizes: Sizes, seed: int, tell: Tell) -> list[Row]:
    """All rows; `judged` has learned, nothing else is asked of it."""
    real = judge.unseen(sizes.captions, wall.parts.dreamer.size[0], seed)
    tell(f"{len(real)} unseen paintings")
    hung = torch.stack([wall.hang(picture) for picture in real.pictures])
    looks = []
    for number, words in enumerate(real.captions):
        looks.append(wall.say(words, seed * 10_000 + number))
        if number % 16 == 15:
            tell(f"{number + 1} of {len(real)} sentences said")
    rows = _asked(judged, looks, hung, real)
    back = _through(model, real)
    rows += _surface(looks, hung, real, back, wall.size)
    rows += _codec(back, real)
    rows += _crowd(looks)
    rows += _diversity(wall, judged, sizes, seed)
    tell("diversity")
    rows += _languages(wall, model, judged, sizes, seed, tell)
    return rows


def ceiling(judged: Judge, real: Paintings) -> str:
    """What real paintings reach, as they are: whether this judge can judge."""
    ten, shown = judge.retrieval(judged, real.pictures, real.attributes)[1], judge.accuracy(judged, real.pictures, real.attributes)
    return f"R@10 {ten:.2f} among {len(real)}, " + ", ".join(f"{name} {value:.2f}" for name, value in shown.items())


def _asked(judged: Judge, looks: Sequence[Look], hung: Tensor, real: Paintings) -> list[Row]:
    frames, count = torch.stack([look.frame for look in looks]), len(real)
    how = f"{count} plain sentences, presented {looks[0].frame.shape[2]} x {looks[0].frame.shape[1]}, 3 s after the words"
    ours, theirs = (judge.retrieval(judged, pictures, real.attributes) for pictures in (frames, hung))
    bare = judge.retrieval(judged, real.pictures, real.attributes)
    rows = [row(f"wall: R@{place}", f"{ours[k]:.2f}", f"real paintings on the wall {theirs[k]:.2f}, as painted {bare[k]:.2f}, chance {place / count:.3f}", how)
            for k, place in ((0, 1), (1, 10))]
    shown, painted, alone = (judge.accuracy(judged, pictures, real.attributes) for pictures in (frames, hung, real.pictures))
    for name in JUDGED:
        if name in shown:
            asked = sum(bool(getattr(a, name)) for a in real.attributes)
            rows.append(row(f"wall: {name}", f"{shown[name]:.0%}",
                            f"real paintings on the wall {painted[name]:.0%}, as painted {alone[name]:.0%}, chance {1 / len(judge.PROBES[name]):.0%}",
                            f"{asked} of them say it and it shows"))
    return rows


def _surface(looks: Sequence[Look], hung: Tensor, real: Paintings, back: Tensor, size: tuple[int, int]) -> list[Row]:
    frames = torch.stack([look.frame for look in looks])
    ratio = (octaves(frames) / octaves(hung).clamp_min(1e-9)).tolist()
    named = [f"{2 ** (k + 1)} px {value:.2f}" for k, value in enumerate(ratio)]
    ours, theirs = grid(torch.stack([look.picture for look in looks])), grid(real.pictures)
    crisp = sorted(look.crisp for look in looks)
    return [
        row("wall: power by octave", ", ".join(named), "real paintings on the wall 1",
            f"luma of {len(looks)} frames of {size[0]} x {size[1]}; wavelengths from so many pixels to twice as many"),
        row("wall: peak at 8 px", f"{ours:.2f}", f"paintings {theirs:.2f}, through the codec {grid(back):.2f}, no peak 1", "power at 8 px over that beside it, of the mind's pictures before the stage"),
        row("wall: gradient", f"{statistics.median(crisp):.2f}", f"of the paintings that a picture is composed of 1; a tenth of pictures below {crisp[len(crisp) // 10]:.2f}",
            "median over pictures; memories decoded, weighted by their shares"),
    ]


@torch.inference_mode()
def _through(model: Embedded, real: Paintings) -> Tensor:
    """Paintings through the codec and back, (n, 3, h, w) in 0..1."""
    return torch.cat([model.codec.decode(model.codec.encode(part)).clamp(0, 1) for part in torch.split(real.pictures, 16)])


def _codec(back: Tensor, real: Paintings) -> list[Row]:
    lost = -10 * torch.log10((back - real.pictures).square().mean((1, 2, 3)))
    return [row("codec PSNR", f"{float(lost.mean()):.1f} dB", f"least {float(lost.min()):.1f} dB", f"{len(real)} unseen paintings, {real.pictures.shape[-1]} px")]


def _crowd(looks: Sequence[Look]) -> list[Row]:
    neff, largest, near = ([getattr(look, name) for look in looks] for name in ("neff", "largest", "nearest"))
    how = f"{len(looks)} sentences, every picture from the first to the third second"
    return [
        row("wall: memories that carry a picture (N_eff)", f"least {min(neff):.1f}", f"median {statistics.median(neff):.1f}, bound 8", how),
        row("wall: largest share", f"{max(largest):.2f}", f"median {statistics.median(largest):.2f}, bound .25", how),
        row("wall: distance to the nearest memory", f"least {min(near):.2f}", f"median {statistics.median(near):.2f}, floor .3",
            "in distances from that memory to its nearest fellow, the crowd's own included"),
    ]


def _diversity(wall: Wall, judged: Judge, sizes: Sizes, seed: int) -> list[Row]:
    rng, ours, theirs = random.Random(f"diversity {seed}"), 0.0, 0.0
    for turn in range(sizes.diverse):
        shown = draw(paint.KINDS[turn * 5 % len(paint.KINDS)], rng)
        said = torch.stack([wall.say(plain(shown), 100 * turn + k).frame for k in range(sizes.seeds)])
        painted = paint.paint(shown.kind, sizes.seeds, wall.parts.dreamer.size, seed=71_000_000 + turn, wanted=shown)[0]
        ours += judge.spread(judged, said)
        theirs += judge.spread(judged, torch.stack([wall.hang(picture) for picture in painted]))
    return [row("wall: diversity at one caption", f"{ours / theirs:.2f}", "the painter 1", f"{sizes.diverse} captions, {sizes.seeds} fresh minds each, judge's features")]


def sentences() -> list[tuple[Attributes, dict[str, str]]]:
    """Sixty things that a visitor might write, ours: what each says, and language -> sentence."""
    table = tomllib.loads(LANGUAGES.read_text(encoding="utf-8"))["sentence"]
    return [(Attributes(**one["says"]), {language: one[language] for language in NAMES}) for one in table]


def heard(model: Embedded, language: str) -> dict[str, float]:
    """How the heads read the sixty: `kind` and `attributes`, the shares of what is meant that are read so."""
    hits: dict[str, list[bool]] = {"kind": [], "attributes": []}
    for means, said in sentences():
        read = model.heads.said(model.encoder.sentence([said[language]])[0])
        for name, value in said_of(means).items():
            hits["kind" if name == "kind" else "attributes"].append(read.get(name) == value)
    return {name: statistics.fmean(found) for name, found in hits.items()}


def said_of(a: Attributes) -> dict[str, str]:
    """What is said of a picture, name -> value."""
    return {name: value for name in a.__dataclass_fields__ if (value := getattr(a, name))}


def _languages(wall: Wall, model: Embedded, judged: Judge, sizes: Sizes, seed: int, tell: Tell) -> list[Row]:
    rows, judged_in = [], sentences()[:: max(1, 60 // sizes.spoken)][: sizes.spoken]
    english = heard(model, "en")
    seen: dict[str, float] = {}
    for language in NAMES:
        frames = torch.stack([wall.say(said[language], seed * 100 + k).frame for k, (_, said) in enumerate(judged_in)])
        found = judge.accuracy(judged, frames, [means for means, _ in judged_in])
        seen[language] = statistics.fmean(found.values())
        tell(f"{NAMES[language]} said")
    for language, name in NAMES.items():
        own = heard(model, language)
        rows.append(row(f"{name}: heads hear the kind", f"{own['kind']:.0%}", f"English {english['kind']:.0%}; attributes {own['attributes']:.0%}, English {english['attributes']:.0%}",
                        f"60 sentences; pictures of {len(judged_in)} of them, judged: {seen[language]:.0%}, English {seen['en']:.0%}"))
    return rows
