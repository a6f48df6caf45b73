"""What is judged is what is presented: a fresh mind says each sentence, and three seconds later the wall is looked at.

The stage is the real one, headless, at the wall's own size; its mind is called in turn, as `hypermnesia render` does, and
the model's parts are shared, so that nothing but the sentence is new to it. Real paintings hang on the same wall.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.core.messages import Dream, Picture, State
from engine.mind.mind import Mind
from engine.mind.options import MindOptions
from engine.mind.parts import Parts, gather
from engine.stage.layer import Layer, dreamed
from engine.stage.outputs.tap import Frame, Newest
from engine.stage.stage import Stage

SIZE = (640, 360)
SECONDS = 3.0  # after the words
PICTURES_HZ = 8.0
FPS = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A wall SECONDS after the words, and what was measured of the mind behind it."""

    frame: Tensor  # (3, h, w) f32 in 0..1, as presented
    picture: Tensor  # (3, h, w) f32 in 0..1, of the mind, before the stage
    neff: float  # the least of the pictures since the first second
    largest: float  # the largest of these
    nearest: float  # how far the picture is from the nearest memory, in distances from that one to its nearest fellow
    crisp: float  # gradient of the picture over that of the memories it is composed of, weighted by their shares


class Wall:
    """A headless wall. One thread (it has a GL context); 5 s of one core a sentence at 256 x 256."""

    def __init__(self, parts: Parts, size: tuple[int, int] = SIZE, layer: Layer = dreamed) -> None:
        self.parts, self.size, self.layer = parts, size, layer

    def say(self, words: str, seed: int = 0) -> Look:
        """One sentence to a fresh mind."""
        with tempfile.TemporaryDirectory(prefix="hypermnesia-wall-") as folder:
            options = MindOptions(archive=Path(folder), size=self.parts.dreamer.size, seed=seed, keyframe=1e9)
            mind = Mind(options, parts=self.parts)
            try:
                pictures, shares = [], []
                for turn in range(round(SECONDS * PICTURES_HZ) + 1):
                    pictures.append(mind.picture(Dream(words), turn / PICTURES_HZ))
                    if turn >= PICTURES_HZ and mind.ensemble.shown:
                        shares.append(mind.ensemble.shown[1].shares)
                neff = min(float(torch.exp(-(one * one.clamp_min(1e-12).log()).sum())) for one in shares)
                near, crisp = self._beside(mind, pictures[-1])
            finally:
                mind.close()
        return Look(self.present(pictures), _tensor(pictures[-1].rgba), neff, max(float(one.max()) for one in shares), near, crisp)

    def hang(self, painting: Tensor) -> Tensor:
        """(3, h, w) in 0..1 as the same wall presents it: (3, h, w)."""
        rgba = np.full((*painting.shape[1:], 4), 255, np.uint8)
        rgba[..., :3] = (painting.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        nothing = np.zeros((0, 1, 1), np.float16)
        still = [Picture(rgba, nothing, nothing, State(picture=number, degree=2)) for number in range(1, 26)]
        return self.present(still)

    def present(self, pictures: Sequence[Picture]) -> Tensor:
        """(3, h, w): the last frame of these pictures, PICTURES_HZ of them a second."""
        feed, last = _Feed(pictures), Newest()
        stage = Stage(self.size, taps=[last], pictures=feed, fps=FPS, live=False)
        frames = round((len(pictures) - 1) / PICTURES_HZ * FPS)
        for frame in range(frames + 1):
            feed.time = frame / FPS
            stage.show(self.layer, frame / FPS)
        stage.close()
        return _tensor(last.frame)

    def _beside(self, mind: Mind, picture: Picture) -> tuple[float, float]:
        """How near the picture is to a memory, and how crisp beside those that it is composed of."""
        assert mind.thought is not None and mind.ensemble.shown is not None
        company, (ids, composition) = mind.thought.company, mind.ensemble.shown
        part = dict(zip(ids, composition.shares.tolist(), strict=True))
        memories = company.latents
        away = (memories - torch.from_numpy(picture.latent.astype(np.float32))).square().mean((1, 2, 3)).sqrt()
        apart = torch.cdist(memories.flatten(1), memories.flatten(1)).fill_diagonal_(torch.inf).amin(1) / memories[0].numel() ** 0.5
        edges = [(part.get(one, 0.0), gradient(_tensor(self.parts.dreamer.decode(latent)))) for one, latent in zip(company.ids, memories, strict=True)]
        theirs = sum(share * edge for share, edge in edges) / max(1e-9, sum(share for share, _ in edges))
        return float((away / apart).min()), gradient(_tensor(picture.rgba)) / theirs


def opened(model: str = "embedded", size: tuple[int, int] = (256, 256)) -> Wall:
    """A wall of the shipped weights, or of a model that `--model` of the show takes."""
    return Wall(gather(MindOptions(model=model, size=size)))


class _Feed:
    """Pictures at their time."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.pictures, self.time = pictures, 0.0

    @property
    def serial(self) -> int:
        return min(len(self.pictures), int(self.time * PICTURES_HZ + 1e-6) + 1)

    def newest(self, after: int = 0) -> Picture | None:
        return self.pictures[self.serial - 1] if self.serial > after else None


def _tensor(rgba: Frame) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgba[..., :3])).permute(2, 0, 1).float() / 255


# Figures of pictures

def gradient(picture: Tensor) -> float:
    """Mean absolute difference between horizontal neighbours."""
    return float((picture[..., 1:] - picture[..., :-1]).abs().mean())


def octaves(pictures: Tensor) -> Tensor:
    """(n, 3, h, w) -> (octaves,): mean power of luma at wavelengths of 2 to 4 pixels, 4 to 8 and so on."""
    grey = pictures.mean(1)
    height, width = grey.shape[1:]
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.rfft2((grey - grey.mean((1, 2), keepdim=True)) * window).abs().square().mean(0)
    waves = (torch.fft.fftfreq(height)[:, None].square() + torch.fft.rfftfreq(width).square()).sqrt()
    edges = [2.0**-k for k in range(1, int(np.log2(min(height, width))))]
    return torch.stack([power[(waves <= high) & (waves > high / 2)].mean() for high in edges])


def grid(pictures: Tensor, side: int = 8) -> float:
    """Of edges by column (and by row), the power at a wavelength of `side` pixels over that beside it; without a grid about 1."""
    found = []
    for turned in (pictures, pictures.transpose(2, 3)):
        edges = (turned[..., 1:] - turned[..., :-1]).abs().mean((0, 1, 2))  # a grid stands at the same columns in every row
        edges = F.pad(edges, (0, 1), value=float(edges.mean()))
        power = torch.fft.rfft(edges - edges.mean()).abs().square()
        at, reach = len(edges) // side, max(4, len(edges) // side // 4)
        beside = torch.cat([power[at - reach : at - 1], power[at + 2 : at + reach + 1]])
        found.append(float(power[at] / beside.mean().clamp_min(1e-12)))
    return max(found)
