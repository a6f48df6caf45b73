"""Fourth stage: what the words of a caption say of each attribute, and what they leave unsaid.

A caption of the grammar was written from attributes, and the words that it may use for each are known: an attribute is
said if one of its words stands in the text. The rest is "unsaid", which the heads learn like any other value, so that
they abstain where nothing was said. What names no kind and yet means one (`near.toml`) is said as well; what such a
phrase says of hour, colour and weather nobody wrote down, so nothing is learned of it.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.atelier.settings import HeadsSettings
from engine.mind.model.encoder import DIM, Encoder
from engine.painter import attributes, captions
from engine.painter.attributes import OFFERS, Attributes
from engine.painter.said import SHARP, Heads

NAMES = ("kind", "time", "light", "weather", "colour", "mood", "season", "figure", "extra")
BEFORE = ("I remember", "I think of", "je me souviens :")  # what stands before a phrase that names something
NOT_LEARNED = -100  # a label that cross-entropy passes over
HELD = 16  # one caption of so many judges


def values() -> dict[str, tuple[str, ...]]:
    """Attribute -> what may be said of it, "" first."""
    fixed = {
        "kind": tuple(OFFERS), "time": attributes.TIMES, "light": attributes.LIGHTS, "weather": attributes.WEATHERS,
        "colour": attributes.COLOURS, "mood": attributes.MOODS, "season": attributes.SEASONS, "figure": attributes.FIGURES,
        "extra": tuple(sorted({extra for offer in OFFERS.values() for extra in offer.extras})),
    }  # fmt: skip
    return {name: ("", *fixed[name]) for name in NAMES}


@cache
def _said(language: str, name: str, value: str) -> re.Pattern[str]:
    """The words by which a caption says a value, without articles and marks."""
    found = captions.GRAMMAR[language][name].get(value) or []
    bare = (re.sub(r"^((an?|the|une?|les?|la|des|du|de la) |l')", "", re.sub(r"\{\w*\}", "", word.partition("|")[0])) for word in found)
    words = [re.escape(word.strip(" ,").lower()) for word in bare if len(word.strip(" ,")) > 2]
    return re.compile(r"\b(" + "|".join(words) + r")\b" if words else r"(?!)")


def label(shown: Attributes, text: str, language: str, table: dict[str, tuple[str, ...]]) -> list[int]:
    """For each attribute the place of what the text says of it; 0 where it says nothing."""
    found = []
    for name in NAMES:
        value = getattr(shown, name)
        heard = bool(value) and bool(_said(language, name, value).search(text.lower()))
        found.append(table[name].index(value) if heard else 0)
    return found


class HeadsStage:
    """One layer an attribute, all at once, by cross-entropy."""

    name = "heads"

    def __init__(self, encoder: Encoder, settings: HeadsSettings, seed: int) -> None:
        self.pace = self.settings = settings
        self.table = values()
        self.module: nn.Module = young()
        texts, labels = self._captions(random.Random(seed))
        self._x = torch.from_numpy(encoder.sentences(texts))
        self._y = torch.tensor(labels)
        self._held = torch.arange(len(texts)) % HELD == 0
        self._learned = torch.nonzero(~self._held)[:, 0]

    def _captions(self, rng: random.Random) -> tuple[list[str], list[list[int]]]:
        texts, labels = [], []
        kinds = tuple(OFFERS)
        for number in range(self.settings.captions):
            language = ("en", "fr")[number % 2]
            shown = attributes.draw(kinds[number // 2 % len(kinds)], rng)
            text = captions.caption(shown, rng, language)  # type: ignore[arg-type]
            texts.append(text)
            labels.append(label(shown, text, language, self.table))
        for kind, phrases in captions.near_phrases().items():
            for phrase in (*phrases, *(f"{before} {phrase}" for phrase in phrases for before in BEFORE)):
                texts.append(phrase)
                labels.append([self.table["kind"].index(kind)] + [NOT_LEARNED] * (len(NAMES) - 1))
        return texts, labels

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        rows = self._learned[torch.randint(len(self._learned), (self.settings.batch,), generator=draw)]
        x, y = self._x[rows], self._y[rows]
        x = F.normalize(x + 0.02 * torch.randn(x.shape, generator=draw), dim=1)
        layers = list(_layers(self.module).values())
        losses = [F.cross_entropy(SHARP * layer(x), y[:, k], label_smoothing=0.02) for k, layer in enumerate(layers)]
        weights = torch.stack([layer.weight.square().sum() for layer in layers]).sum()
        return torch.stack(losses).sum() + self.settings.decay * weights, {}

    @torch.inference_mode()
    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        """No picture: on held-out captions, what was said and read rightly, and what was unsaid and left so."""
        figures = {}
        for k, (name, layer) in enumerate(_layers(module).items()):
            best, true = layer(self._x[self._held]).argmax(1), self._y[self._held, k]
            spoken, silent = true > 0, true == 0
            figures[f"{name} said"] = float((best == true)[spoken].float().mean())
            figures[f"{name} unsaid"] = float((best == 0)[silent].float().mean())
        return figures


def young() -> nn.Module:
    """The layers before training."""
    return nn.ModuleDict({name: nn.Linear(DIM, len(own)) for name, own in values().items()})


def heads(module: nn.Module) -> Heads:
    """Trained layers as `engine.mind` reads them."""
    weight = {name: layer.weight.detach().numpy().astype(np.float32) for name, layer in _layers(module).items()}
    bias = {name: layer.bias.detach().numpy().astype(np.float32) for name, layer in _layers(module).items()}
    return Heads(values(), weight, bias)


def _layers(module: nn.Module) -> dict[str, nn.Linear]:
    return {name: layer for name, layer in module.named_children() if isinstance(layer, nn.Linear)}
