"""How each figure of `hypermnesia evaluate` is measured."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.atelier import judge
from engine.atelier.diffusion import LAST
from engine.atelier.judge import Judge, Paintings
from engine.atelier.plain import plain
from engine.atelier.sizes import Sizes
from engine.atelier.workshop import padded
from engine.mind.model.embedded import Embedded
from engine.painter import captions, paint
from engine.painter.attributes import complete, draw
from engine.painter.paint import Attributes

Row = dict[str, str]
SIDE_PX = 256


class Studio:
    """The model under measurement: words and seeds in, one-step pictures out."""

    def __init__(self, model: Embedded, bf16: bool = True) -> None:
        self.model = model
        self.autocast = torch.autocast("cpu", torch.bfloat16, enabled=bf16)
        model.unet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.large = int(model.unet.config["in_channels"])

    @torch.inference_mode()
    def latents(self, states: Tensor, seeds: Sequence[int], side_px: int) -> Tensor:
        """(n, k, h, w) latents of one step, f32: the large channels."""
        shape = (self.large, side_px // 8, side_px // 8)
        noise = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        t = torch.full((len(noise),), LAST)
        with self.autocast:
            clean: Tensor = self.model.unet(noise.contiguous(memory_format=torch.channels_last), t, states).sample.float()
        return clean

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """(n, 3, h, w) in 0..1."""
        return self.model.codec.decode(padded(latents, self.model.codec.channels)).clamp(0, 1)

    def pictures(self, texts: Sequence[str], seeds: Sequence[int], side_px: int = SIDE_PX) -> Tensor:
        """(n, 3, side, side) in 0..1, of one step."""
        parts = []
        for start in range(0, len(texts), 16):
            states = self.model.encoder.condition(list(texts[start : start + 16]))
            parts.append(self.decode(self.latents(states, seeds[start : start + 16], side_px)))
        return torch.cat(parts)


def measure(studio: Studio, judged: Judge, sizes: Sizes, seed: int, tell: Callable[[str], None]) -> list[Row]:
    """All rows of the student alone."""
    each = -(-max(sizes.captions, sizes.compared) // len(paint.KINDS))
    real, again = (judge.paintings(each, 128, seed + turn) for turn in (1000, 2000))
    tell("the unseen paintings are painted")
    rows = _retrieval(studio, judged, real, sizes)
    tell("retrieval")
    rows += _probes(studio, judged, sizes, seed)
    tell("probes")
    rows += _distance(studio, judged, real, again, sizes)
    rows += _diversity(studio, judged, sizes, seed)
    tell("distance and diversity")
    rows += _surface(studio, seed)
    rows += _reader(studio, real)
    rows += _motion(studio)
    rows += _speed(studio, sizes)
    return rows


def row(name: str, value: str, beside: str, how: str) -> Row:
    """A line of the model card: what is measured, its value, what it is compared with, and how it was measured."""
    return {"name": name, "value": value, "beside": beside, "how": how}


def some(real: Paintings, count: int) -> Paintings:
    """`count` of the paintings, spread over the kinds."""
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(7))[:count].tolist()
    return Paintings(real.pictures[order], [real.attributes[i] for i in order])


def _retrieval(studio: Studio, judged: Judge, real: Paintings, sizes: Sizes) -> list[Row]:
    chosen = some(real, sizes.captions)
    dreamed = studio.pictures(chosen.captions, range(len(chosen)))
    ours, ceiling = (judge.retrieval(judged, pictures, chosen.attributes) for pictures in (dreamed, chosen.pictures))
    chance = 1 / len(chosen)
    how = f"{len(chosen)} plain sentences of unseen paintings"
    return [
        row("retrieval R@1", f"{ours[0]:.2f}", f"real paintings {ceiling[0]:.2f}, chance {chance:.3f}", how),
        row("retrieval R@10", f"{ours[1]:.2f}", f"real paintings {ceiling[1]:.2f}, chance {10 * chance:.2f}", how),
    ]


def held_out_scenes(count: int, seed: int) -> list[Attributes]:
    """Held-out compositions with the rest drawn by chance, each a few times."""
    rng = random.Random(seed)
    scenes = []
    for turn in range(count):
        parts = dict(captions.HELD_OUT.compositions[turn % len(captions.HELD_OUT.compositions)])
        kind = parts.get("kind") or rng.choice(paint.KINDS)
        drawn = replace(draw(kind, rng), mood="", figure="", extra="", second="")  # what no probe asks is left out
        scenes.append(complete(drawn, Attributes(**{**parts, "kind": kind})))
    return scenes


def _paint_as(scenes: Sequence[Attributes], seed: int) -> Tensor:
    return torch.cat([paint.paint(a.kind, 1, (128, 128), seed=seed + i, wanted=a)[0] for i, a in enumerate(scenes)])


def history(studio: Studio, snapshots: Sequence[Path], judged: Judge, chosen: Paintings, tell: Callable[[str], None]) -> dict[str, Any]:
    """Retrieval and probes at 128 px by every student that a training left; `studio` is left with the last."""
    rows = []
    for path in snapshots:
        state = torch.load(path, weights_only=True)
        studio.model.unet.load_state_dict({name: value.float() for name, value in state["averaged"].items()})
        pictures = studio.pictures(chosen.captions, range(len(chosen)), 128)
        first, ten = judge.retrieval(judged, pictures, chosen.attributes)
        shown = judge.accuracy(judged, pictures, chosen.attributes)
        rows.append({"steps": state["step"], "minutes": round(state["elapsed"] / 60, 1), "R@1": round(first, 3), "R@10": round(ten, 3),
                     **{name: round(value, 3) for name, value in shown.items()}})
        tell(f"step {state['step']}: R@10 {ten:.2f}")
    ceiling = judge.retrieval(judged, chosen.pictures, chosen.attributes)
    return {"captions": len(chosen), "ceiling": {"R@1": round(ceiling[0], 3), "R@10": round(ceiling[1], 3)}, "rows": rows}


def _probes(studio: Studio, judged: Judge, sizes: Sizes, seed: int) -> list[Row]:
    scenes = held_out_scenes(min(96, sizes.languages), seed)
    texts = [plain(a) for a in scenes]
    ours = judge.accuracy(judged, studio.pictures(texts, range(len(texts))), scenes)
    ceiling = judge.accuracy(judged, _paint_as(scenes, seed * 77), scenes)
    rows = [row(f"held-out compositions: {name}", f"{ours[name]:.0%}", f"real paintings {ceiling[name]:.0%}",
                f"{len(scenes)} scenes never painted in training, probe of the judge") for name in ours]
    rows += _languages(studio, judged, sizes, seed)
    french = captions.HELD_OUT.french
    asked = [Attributes(**{"kind": "", **shown}) for shown in french.values() for _ in range(4)]
    found = judge.accuracy(judged, studio.pictures([text for text in french for _ in range(4)], [0, 1, 2, 3] * len(french)), asked)
    words = captions.HELD_OUT.words
    new = [Attributes(**{"kind": "", **shown}) for shown in words.values() for _ in range(4)]
    heard = judge.accuracy(judged, studio.pictures([word for word in words for _ in range(4)], [0, 1, 2, 3] * len(words)), new)
    rows.append(row("held-out French sentences", _list(found), "", f"{len(french)} sentences, four seeds"))
    rows.append(row("held-out English words", _list(heard), "", f"{len(words)} words that no caption says, four seeds"))
    return rows


def _list(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0%}" for name, value in found.items())


def _languages(studio: Studio, judged: Judge, sizes: Sizes, seed: int) -> list[Row]:
    """The same scenes asked for in both languages."""
    rng = random.Random(f"languages {seed}")
    scenes = []
    for turn in range(sizes.languages):
        scenes.append(draw(paint.KINDS[turn % len(paint.KINDS)], rng))
    both = {}
    for language in ("en", "fr"):
        texts = [max((captions.caption(a, rng, language) for _ in range(3)), key=len) for a in scenes]  # type: ignore[arg-type]
        both[language] = judge.accuracy(judged, studio.pictures(texts, range(len(texts))), scenes)
    mean = {language: sum(found.values()) / len(found) for language, found in both.items()}
    how = f"{len(scenes)} scenes asked for in each language, mean of the probes"
    return [row("French", f"{mean['fr']:.0%}", f"English {mean['en']:.0%}", how),
            row("French, by probe", _list(both["fr"]), f"English: {_list(both['en'])}", how)]


def _distance(studio: Studio, judged: Judge, real: Paintings, again: Paintings, sizes: Sizes) -> list[Row]:
    ours, others = some(real, sizes.compared), some(again, sizes.compared)
    dreamed = studio.pictures(ours.captions, range(len(ours)), 128)
    through = torch.cat([_there_and_back(studio, part) for part in torch.split(ours.pictures, 32)])
    features = [torch.cat([judged.see(part) for part in torch.split(pictures, 64)]) for pictures in (dreamed, ours.pictures, others.pictures, through)]
    apart, floor, lost = (judge.distance(features[which], features[1]) for which in (0, 2, 3))
    return [row("distance to the paintings", f"{apart:.1f}", f"floor, other paintings {floor:.1f}; through the autoencoder {lost:.1f}",
                f"Fréchet distance of the judge's features, {len(ours)} pictures, 128 px")]


@torch.inference_mode()
def _there_and_back(studio: Studio, pictures: Tensor) -> Tensor:
    return studio.decode(studio.model.codec.encode(pictures))


def _diversity(studio: Studio, judged: Judge, sizes: Sizes, seed: int) -> list[Row]:
    rng = random.Random(f"diversity {seed}")
    ours, theirs = 0.0, 0.0
    for turn in range(sizes.diverse):
        kind = paint.KINDS[turn * 5 % len(paint.KINDS)]
        shown = draw(kind, rng)
        ours += judge.spread(judged, studio.pictures([plain(shown)] * 8, range(8)))
        theirs += judge.spread(judged, paint.paint(kind, 8, (128, 128), seed=71_000_000 + turn, wanted=shown)[0])
    return [row("diversity at one caption", f"{ours / theirs:.2f}", "the painter 1", f"{sizes.diverse} captions, eight seeds, judge's features")]


def roughness(pictures: Tensor) -> tuple[float, float]:
    """Mean step between neighbours (blur lowers it) and mean second difference (noise raises it)."""
    step = (pictures[..., 1:] - pictures[..., :-1]).abs().mean()
    second = (pictures[..., 2:] - 2 * pictures[..., 1:-1] + pictures[..., :-2]).abs().mean()
    return float(step), float(second)


def _surface(studio: Studio, seed: int) -> list[Row]:
    """Blur, noise and the autoencoder, at 256 px."""
    real = judge.paintings(2, SIDE_PX, seed + 3000)
    dreamed = studio.pictures(real.captions, range(len(real)))
    back = torch.cat([_there_and_back(studio, part) for part in torch.split(real.pictures, 16)])
    psnr = float((-10 * torch.log10((back - real.pictures).square().mean((1, 2, 3)))).mean())
    ours, theirs, through = (roughness(pictures) for pictures in (dreamed, real.pictures, back))
    how = f"{len(real)} pictures, 256 px"
    return [
        row("autoencoder PSNR", f"{psnr:.1f} dB", "goal 26", how + ", never learned from"),
        row("sharpness (gradient)", f"{ours[0]:.4f}", f"paintings {theirs[0]:.4f}, through the autoencoder {through[0]:.4f}", how),
        row("noise (second difference)", f"{ours[1]:.4f}", f"paintings {theirs[1]:.4f}, through the autoencoder {through[1]:.4f}", how),
    ]


def _reader(studio: Studio, real: Paintings) -> list[Row]:
    """Which kind the reader names, of the names of all kinds."""
    chosen = some(real, 128)
    names = [captions.caption(Attributes(kind=kind), random.Random(0), "en") for kind in paint.KINDS]
    vectors = studio.model.encoder.sentence(names)
    with torch.inference_mode():
        latents = studio.model.codec.encode(chosen.pictures)
    states = studio.model.encoder.condition(chosen.captions)
    hits = []
    for seen in (padded(studio.latents(states, range(len(chosen)), SIDE_PX), latents.shape[1]), latents):
        read = studio.model.reader.nearest(seen, names, vectors, 1)
        hits.append(sum(names[paint.KINDS.index(a.kind)] == own[0] for a, own in zip(chosen.attributes, read, strict=True)) / len(chosen))
    return [row("the reader names the kind", f"{hits[0]:.0%} of dreams", f"{hits[1]:.0%} of paintings, chance {1 / len(names):.0%}",
                f"{len(chosen)} latents, {len(names)} names")]


def _motion(studio: Studio) -> list[Row]:
    """Two sentences, one noise, 32 pictures between them: no step may flash."""
    ends = studio.model.encoder.condition(["a calm sea at dawn", "a burning forest at night"])
    frames = []
    for turn in range(33):
        states = torch.lerp(ends[:1], ends[1:], turn / 32)
        frames.append(studio.decode(studio.latents(states, [3], SIDE_PX))[0])
    steps = torch.stack([(b - a).abs().mean() for a, b in itertools.pairwise(frames)])
    whole = float((frames[-1] - frames[0]).abs().mean())
    return [row("largest step of a morph", f"{float(steps.max()):.3f}", f"even steps would be {whole / 32:.3f} or more, a cut {whole:.3f}",
                "32 steps between two sentences at one noise, mean absolute difference")]


def _speed(studio: Studio, sizes: Sizes) -> list[Row]:
    rows = []
    states = studio.model.encoder.condition(["the sea"])
    for side_px in (256, 128):
        unet, decode = [], []
        for turn in range(sizes.timed + 2):
            began = time.perf_counter()
            latents = studio.latents(states, [turn], side_px)
            middle = time.perf_counter()
            studio.decode(latents)
            unet.append(middle - began)
            decode.append(time.perf_counter() - middle)
        a, b = (min(times[2:]) * 1000 for times in (unet, decode))  # the least: what the machine can, not what else it did
        rows.append(row(f"time a picture, {side_px} px", f"{a + b:.0f} ms", f"UNet {a:.0f}, decoding {b:.0f}",
                        f"{torch.get_num_threads()} threads, eager, least of {sizes.timed}"))
    return rows
