"""The judge: two towers and four probes that know nothing of the model they judge.

One tower sees pictures at 64 px, the other counts the words of a caption (a hashed bag of words: not the
conditioning that the model was taught with). They learn from real paintings of other seeds, and what they
say of real paintings never seen is the ceiling beside every figure.
"""

from __future__ import annotations

import itertools
import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.painter import captions, paint
from engine.painter.paint import Attributes

SIDE_PX = 64
BAG = 4096
PROBES: dict[str, tuple[str, ...]] = {"kind": paint.KINDS, "time": paint.TIMES, "colour": paint.COLOURS, "weather": paint.WEATHERS}


@dataclass(frozen=True)
class Paintings:
    """Pictures with what they show and an English caption each."""

    pictures: Tensor  # (n, 3, h, w) f32 in 0..1
    attributes: list[Attributes]
    captions: list[str]

    def __len__(self) -> int:
        return len(self.captions)


def paintings(each: int, size_px: int, seed: int, device: str = "cpu") -> Paintings:
    """`each` real paintings of every kind, from seeds that training never uses."""
    rng = random.Random(f"judge {seed}")
    pictures, shown, texts = [], [], []
    for kind in paint.KINDS:
        painted, attributes = paint.paint(kind, each, (size_px, size_px), seed=50_000_000 + seed, device=device)
        pictures.append(painted.cpu())
        shown += attributes
        texts += [spoken(a, rng) for a in attributes]
    return Paintings(torch.cat(pictures), shown, texts)


def spoken(attributes: Attributes, rng: random.Random) -> str:
    """A caption in English; the longest of three, so that most of what is shown is said."""
    return max((captions.caption(attributes, rng, "en") for _ in range(3)), key=len)


class Judge(nn.Module):
    """Pictures and words into one space of 128 dimensions; probes for kind, time, colour and weather."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = (3, width, 2 * width, 4 * width, 6 * width)
        layers: list[nn.Module] = []
        for inward, outward in itertools.pairwise(widths):
            layers += [nn.Conv2d(inward, outward, 3, padding=1, stride=2), nn.GroupNorm(8, outward), nn.SiLU(),
                       nn.Conv2d(outward, outward, 3, padding=1), nn.GroupNorm(8, outward), nn.SiLU()]
        self.sight = nn.Sequential(*layers)
        self.features = 12 * width
        self.look = nn.Linear(self.features, 128)
        self.hear = nn.EmbeddingBag(BAG, 128, mode="mean")
        self.probes = nn.ModuleDict({name: nn.Linear(self.features, len(values)) for name, values in PROBES.items()})
        self.scale = nn.Parameter(torch.tensor(2.7))

    def see(self, pictures: Tensor) -> Tensor:
        """(n, 3, h, w) in 0..1 of any size -> (n, features)."""
        small = pictures if pictures.shape[-1] == SIDE_PX else F.adaptive_avg_pool2d(pictures, SIDE_PX)
        seen = self.sight((small.clamp(0, 1) - 0.4) * 3).flatten(2)
        return torch.cat([seen.mean(2), seen.amax(2)], 1)

    def place(self, pictures: Tensor) -> Tensor:
        """(n, 128) unit vectors of pictures."""
        return F.normalize(self.look(self.see(pictures)), dim=-1)

    def word(self, texts: Sequence[str]) -> Tensor:
        """(n, 128) unit vectors of captions."""
        bags = [bag(text) for text in texts]
        starts = torch.tensor([0] + [len(one) for one in bags[:-1]]).cumsum(0)
        return F.normalize(self.hear(torch.tensor([word for one in bags for word in one]), starts), dim=-1)


def bag(text: str) -> list[int]:
    """The places of a caption's words in a bag of BAG; never empty."""
    words = re.findall(r"[a-z]+", captions.to_english(text).lower()) or [""]
    return [zlib.crc32(word.encode()) % BAG for word in words]


def targets(attributes: Sequence[Attributes]) -> dict[str, Tensor]:
    """(n,) int64 per probe; -100 where nothing is shown, which no loss and no figure counts."""
    return {name: torch.tensor([values.index(value) if (value := getattr(a, name)) in values else -100 for a in attributes])
            for name, values in PROBES.items()}


def train_judge(real: Paintings, steps: int, seed: int, batch: int = 96) -> Judge:
    """A judge that learned from `real` (pictures of SIDE_PX)."""
    torch.manual_seed(seed)
    judge = Judge()
    wanted = targets(real.attributes)
    optimiser = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 30) * (1 - step / steps)
        rows = torch.randint(len(real), (min(batch, len(real)),))
        pictures = real.pictures[rows]
        if step % 2:
            pictures = pictures.flip(-1)
        features = judge.see(pictures)
        loss = sum((F.cross_entropy(probe(features), wanted[name][rows], ignore_index=-100)
                    for name, probe in judge.probes.items() if (wanted[name][rows] >= 0).any()), torch.zeros(()))
        likeness = F.normalize(judge.look(features), dim=-1) @ judge.word([real.captions[row] for row in rows.tolist()]).T
        likeness = likeness * judge.scale.exp()
        same = torch.arange(len(rows))
        loss = loss + F.cross_entropy(likeness, same) + F.cross_entropy(likeness.T, same)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
    return judge.eval().requires_grad_(False)


def retrieval(judge: Judge, pictures: Tensor, texts: Sequence[str]) -> tuple[float, float]:
    """R@1 and R@10: how often a caption finds its own picture among all, as the first or among ten."""
    likeness = judge.word(texts) @ judge.place(pictures).T  # (captions, pictures)
    rank = (likeness > likeness.diagonal()[:, None]).sum(1)
    return float((rank < 1).float().mean()), float((rank < 10).float().mean())


def accuracy(judge: Judge, pictures: Tensor, attributes: Sequence[Attributes]) -> dict[str, float]:
    """Per probe, the share of pictures that show what was asked; only those of which it was asked."""
    features = judge.see(pictures)
    found = {}
    for name, want in targets(attributes).items():
        asked = want >= 0
        if asked.any():
            found[name] = float((judge.probes[name](features[asked]).argmax(1) == want[asked]).float().mean())
    return found


def distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance (Heusel et al. 2017) between two sets of (n, d) features."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    strengths, directions = torch.linalg.eigh(cov_a)
    root = directions * strengths.clamp(min=0).sqrt() @ directions.T  # of the first, so that the product is symmetric
    shared = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * shared)
