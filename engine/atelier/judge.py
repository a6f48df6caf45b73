"""The judge: a picture tower with one probe an attribute, that knows nothing of the model it judges.

It sees pictures at 96 px and learns, from real paintings of other seeds alone, what each attribute looks like. It never
sees heads, recipes, latents or a sentence encoder, and reads no words: what was asked for is given to it as attributes,
which is all that a plain sentence (`plain`) says. What it says of real paintings never seen is the ceiling beside every figure.

A painting may say an attribute that does not show: a room's fog, a colour that its painter uses for a small light. What
shows is measured in pixels (`shows`): a painting is compared with the same, from the same seed, under every other word.

How good it becomes is a matter of minutes. With 370 s of one core, then 610, spent learning from 16,864 paintings, 256
unseen ones of 256 px reach R@10 1.00 and 1.00, kind .86 and .91, and where they show hour .84, colour .87, weather .85.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.atelier.plain import plain
from engine.mind.model.cpu import computes_bfloat16
from engine.painter import paint
from engine.painter.attributes import draw
from engine.painter.paint import Attributes

FILE = "judge.safetensors"
SIDE_PX = 96
PAINTED_PX = 128  # what it learns from: painted four times as fast as 256
SHARD = 8  # paintings of a kind at a time
SEEDS = 50_000_000  # from here on: seeds that training never uses
BATCH = 64
DOUBT = 0.02  # of every probability: one attribute that is read wrongly does not decide alone
COMPARED = (48, 48)  # pixels at which a painting is compared with the same under another word
SHOWN = 10 / 255  # mean absolute difference from which they are plainly two
PROBES: dict[str, tuple[str, ...]] = {
    "kind": paint.KINDS, "time": paint.TIMES, "colour": paint.COLOURS, "weather": paint.WEATHERS,
    "light": paint.LIGHTS, "season": paint.SEASONS, "figure": paint.FIGURES,
    "extra": tuple(sorted({extra for extras in paint.EXTRAS.values() for extra in extras})),
}  # fmt: skip
JUDGED = ("kind", "time", "colour", "weather")
"""Attributes that have a row of their own; the others only help to tell paintings apart."""


@dataclass(frozen=True)
class Paintings:
    """Pictures with what they show."""

    pictures: Tensor  # (n, 3, h, w) f32 in 0..1
    attributes: list[Attributes]

    def __len__(self) -> int:
        return len(self.attributes)

    @property
    def captions(self) -> list[str]:
        """A plain sentence each, which says everything."""
        return [plain(a) for a in self.attributes]


def paintings(each: int, size_px: int, seed: int, device: str = "cpu") -> Paintings:
    """`each` real paintings of every kind, from seeds that training never uses."""
    pictures, shown = [], []
    for kind in paint.KINDS:
        painted, attributes = paint.paint(kind, each, (size_px, size_px), seed=SEEDS + seed, device=device)
        pictures.append(painted.cpu())
        shown += attributes
    return Paintings(torch.cat(pictures), shown)


def unseen(count: int, size_px: int, seed: int) -> Paintings:
    """`count` real paintings at which a judge is measured, each painted by itself; of what they say, what shows (see `shows`)."""
    rng = random.Random(f"unseen {seed}")
    kinds = [paint.KINDS[k % len(paint.KINDS)] for k in range(count)]
    shown = [draw(kind, rng) for kind in kinds]
    seeds = [2 * SEEDS + 100_000 * seed + k for k in range(count)]
    pictures = [paint.paint_shown([a], (size_px, size_px), own)[0] for a, own in zip(shown, seeds, strict=True)]
    return Paintings(torch.stack(pictures), [shown_only(a, own) for a, own in zip(shown, seeds, strict=True)])


# The tower

class Judge(nn.Module):
    """Pictures of any size to features, and features to what each attribute may be."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        layers: list[nn.Module] = [nn.Conv2d(3, width, 7, stride=4, padding=3, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        for inward, outward in itertools.pairwise(widths):
            layers += [Twice(inward, outward, 2), Twice(outward, outward, 1)]
        self.sight = nn.Sequential(*layers)
        self.features = 2 * widths[-1]
        self.probes = nn.ModuleDict({name: nn.Linear(self.features, len(values)) for name, values in PROBES.items()})

    def see(self, pictures: Tensor) -> Tensor:
        """(n, 3, h, w) in 0..1 of any size -> (n, features)."""
        return self.look(pictures if pictures.shape[-2:] == (SIDE_PX, SIDE_PX) else F.adaptive_avg_pool2d(pictures, SIDE_PX))

    def look(self, pictures: Tensor) -> Tensor:
        """`see`, at the size that they have."""
        seen = self.sight(((pictures.clamp(0, 1) - 0.4) * 3).contiguous(memory_format=torch.channels_last)).float().flatten(2)
        return torch.cat([seen.mean(2), seen.amax(2)], 1)

    def chances(self, pictures: Tensor) -> dict[str, Tensor]:
        """Attribute -> (n, values) log-probabilities, with a little doubt in each."""
        with torch.inference_mode():
            features = torch.cat([self.see(part) for part in torch.split(pictures, 64)])
            found = {name: torch.softmax(probe(features), 1) for name, probe in self.probes.items()}
        return {name: ((1 - DOUBT) * one + DOUBT / one.shape[1]).log() for name, one in found.items()}


class Twice(nn.Module):
    """A residual block of two convolutions (He et al. 2016)."""

    def __init__(self, inward: int, outward: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(inward, outward, 3, stride, 1, bias=False), nn.Conv2d(outward, outward, 3, 1, 1, bias=False)
        self.calm, self.calmer = nn.BatchNorm2d(outward), nn.BatchNorm2d(outward)
        self.way = nn.Identity() if inward == outward else nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(inward, outward, 1))
        nn.init.zeros_(self.calmer.weight)

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = self.calmer(self.second(F.relu(self.calm(self.first(x)))))
        return F.relu(seen + self.way(x))


def targets(attributes: Sequence[Attributes]) -> dict[str, Tensor]:
    """(n,) int64 per probe; -100 where nothing is said, which no loss and no figure counts."""
    return {name: torch.tensor([values.index(value) if (value := getattr(a, name)) in values else -100 for a in attributes])
            for name, values in PROBES.items()}


# Learning

RATE = 3e-3
WEIGHT = {"kind": 1.5, "time": 1.0, "colour": 1.0, "weather": 1.0}  # of an attribute in the loss; the others half
HALF = computes_bfloat16()
SMALL_PX = 64  # for the first half: large forms are learned twice as fast


def train_judge(real: Paintings, steps: int, seed: int, batch: int = BATCH, minutes: float = 0.0, tell: Callable[[str], None] = lambda line: None) -> Judge:
    """A judge that learned from `real` in `steps` steps, or in as many as `minutes` hold."""
    torch.manual_seed(seed)
    judge = Judge()
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    wanted = targets(real.attributes)
    optimiser = torch.optim.AdamW(judge.parameters(), lr=RATE, weight_decay=0.05)
    began, step, said = time.monotonic(), 0, 0.0
    while (gone := (time.monotonic() - began) / (60 * minutes) if minutes else step / steps) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * (1 - gone)
        rows = torch.randint(len(real), (min(batch, len(real)),))
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
            features = judge.look(roughened(real.pictures[rows], SMALL_PX if gone < 0.55 else SIDE_PX))
            answers = {name: probe(features).float() for name, probe in judge.probes.items()}
        losses = {name: F.cross_entropy(one, wanted[name][rows], ignore_index=-100, label_smoothing=0.05)
                  for name, one in answers.items() if (wanted[name][rows] >= 0).any()}
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack([WEIGHT.get(name, 0.5) * one for name, one in losses.items()]).sum())
        optimiser.step()
        step += 1
        if time.monotonic() - began - said > 30:
            said = time.monotonic() - began
            tell(f"judge step {step}, " + ", ".join(f"{name} {float(losses[name].detach()):.2f}" for name in JUDGED if name in losses))
    return judge.eval().requires_grad_(False)


def roughened(pictures: Tensor, to_px: int = SIDE_PX) -> Tensor:
    """(n, 3, s, s) f32 in 0..1 or u8 -> (n, 3, to_px, to_px): mirrored, cropped and a little blurred by chance."""
    pictures = pictures.float() / 255 if pictures.dtype == torch.uint8 else pictures
    side = pictures.shape[-1]
    kept = int(side * (0.82 + 0.18 * float(torch.rand(()))))
    top, left = (int(float(torch.rand(())) * (side - kept + 1)) for _ in range(2))
    small = F.interpolate(pictures[..., top : top + kept, left : left + kept], (to_px, to_px), mode="bilinear", antialias=True)
    if float(torch.rand(())) < 0.3:
        small = F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)
    turned = torch.rand(len(small)) < 0.5
    return torch.where(turned[:, None, None, None], small.flip(-1), small)


def learned(minutes: float, seed: int, tell: Callable[[str], None], folder: Path | None = None) -> Judge:
    """A judge made in so many minutes: half of them painting, half learning. `folder`: judge.safetensors is read there, or left."""
    if folder and (folder / FILE).is_file():
        judge = Judge()
        judge.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in load_file(folder / FILE).items()})
        tell(f"the judge is read from {folder / FILE}")
        return judge.eval().requires_grad_(False)
    real = painted(minutes * 30, seed, tell)
    judge = train_judge(real, 0, seed, minutes=minutes / 2, tell=tell)
    if folder:
        leave(judge, folder)
    return judge


def leave(judge: Judge, folder: Path) -> None:
    """Write the judge, in f16, for `learned` to find."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in judge.state_dict().items()}
    save_file(halves, folder / FILE)


def painted(seconds: float, seed: int, tell: Callable[[str], None]) -> Paintings:
    """Paintings for a judge, as u8, as many as there is time for: at least one shard of every kind."""
    began, pictures, shown = time.monotonic(), [], []
    for number in itertools.count():
        kind = paint.KINDS[number % len(paint.KINDS)]
        if number >= len(paint.KINDS) and time.monotonic() - began > seconds:
            break
        made, attributes = paint.paint(kind, SHARD, (PAINTED_PX, PAINTED_PX), seed=SEEDS + 1000 * seed + number // len(paint.KINDS))
        pictures.append((made * 255).round().byte())
        shown += attributes
    tell(f"{len(shown)} paintings for the judge")
    return Paintings(torch.cat(pictures), shown)


# Judging

def ranks(judge: Judge, pictures: Tensor, wanted: Sequence[Attributes]) -> Tensor:
    """(n,) int64: at what place what was asked for picture i finds picture i among all, by likelihood; 0 is the first."""
    chances, asked = judge.chances(pictures), targets(wanted)
    likeness = torch.zeros(len(wanted), len(pictures))
    for name, want in asked.items():
        said = want >= 0
        likeness[said] += chances[name].T[want[said]]
    return (likeness > likeness.diagonal()[:, None]).sum(1)


def retrieval(judge: Judge, pictures: Tensor, wanted: Sequence[Attributes]) -> tuple[float, float]:
    """R@1 and R@10: how often what was asked finds its own picture among all, as the first or among ten."""
    rank = ranks(judge, pictures, wanted)
    return float((rank < 1).float().mean()), float((rank < 10).float().mean())


def accuracy(judge: Judge, pictures: Tensor, wanted: Sequence[Attributes]) -> dict[str, float]:
    """Per judged attribute, the share of pictures that show what was asked; only those of which it was asked."""
    chances, asked = judge.chances(pictures), targets(wanted)
    return {name: float((chances[name].argmax(1) == asked[name])[said].float().mean())
            for name in JUDGED if (said := asked[name] >= 0).any()}


def shows(shown: Attributes, name: str, seed: int) -> bool:
    """Whether a value shows in pixels: with any other value instead, the painting of the same seed is plainly another.

    Brown that is painted as orange is, or dusk that is night but for its name, nobody could tell. 10 ms a value.
    """
    own = paint.paint_shown([shown], COMPARED, seed)[0]
    others = (replace(shown, **{name: other}) for other in PROBES[name] if other != getattr(shown, name))
    return all(float((paint.paint_shown([other], COMPARED, seed)[0] - own).abs().mean()) >= SHOWN for other in others)


def shown_only(shown: Attributes, seed: int) -> Attributes:
    """What of a painting's hour, colour and weather shows; its kind and the rest as they are."""
    hidden = {name: "" for name in JUDGED[1:] if getattr(shown, name) and not shows(shown, name, seed)}
    return replace(shown, **hidden)


def spread(judge: Judge, pictures: Tensor) -> float:
    """Mean distance between the features of pictures: how much they differ."""
    with torch.inference_mode():
        return float(torch.pdist(judge.see(pictures)).mean())


def distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance (Heusel et al. 2017) between two sets of (n, d) features."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    strengths, directions = torch.linalg.eigh(cov_a)
    root = directions * strengths.clamp(min=0).sqrt() @ directions.T  # of the first, so that the product is symmetric
    shared = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * shared)
