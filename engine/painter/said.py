"""What the words say of each attribute, and what they leave unsaid: linear layers on the sentence vector.

Every attribute has a layer of its own, with "unsaid" as its first class, so that heads can abstain. They learned from
captions, whose own words are known; since translations share a place in the text space, they read sixteen languages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from engine.painter.attributes import OFFERS

FILE = "heads.safetensors"
SHARP = 3.0  # logits are this many times the layer's answer: vectors have unit length, and weights stay small
CERTAIN = 0.8  # from here on the kind is the kind, whatever else is said ("my father's old car" is no grandfather)
SURE = 0.5  # below this probability nothing was said


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Attribute -> what may be said of it, and a layer. Any thread; 20 us a sentence."""

    values: dict[str, tuple[str, ...]]  # the first is "", unsaid
    weight: dict[str, NDArray[np.float32]]  # (values, d)
    bias: dict[str, NDArray[np.float32]]  # (values,)

    def chances(self, name: str, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """(values,) probabilities of one attribute under a unit vector (d,)."""
        logits = SHARP * (self.weight[name] @ vector + self.bias[name])
        powers = np.exp(logits - logits.max())
        return np.asarray(powers / powers.sum(), np.float32)

    def said(self, vector: NDArray[np.float32], sure: float = SURE) -> dict[str, str]:
        """What the words say, attribute -> value, where it is at least so sure."""
        found = {}
        for name, values in self.values.items():
            chances = self.chances(name, vector)
            best = int(chances.argmax())
            if best and chances[best] >= sure:
                found[name] = values[best]
        return found

    def subject(self, vector: NDArray[np.float32]) -> tuple[str, dict[str, str]]:
        """The kind that these words are about, and what else they say: a crowd belongs to that, and to nothing else."""
        said, likely = self.said(vector), self.kinds(vector, len(OFFERS))
        kind = said.pop("kind", "") or likely[0][0]
        extra = said.get("extra", "")
        if extra and extra not in OFFERS[kind].extras and likely[0][1] < CERTAIN:  # what only another kind shows tells the kind
            kind = next(one for one, _ in likely if extra in OFFERS[one].extras)
        return kind, said

    def all_said(self, vectors: NDArray[np.float32], sure: float = SURE) -> list[dict[str, str]]:
        """The same for many at once (n, d): a thousand in 5 ms."""
        found: list[dict[str, str]] = [{} for _ in vectors]
        for name, values in self.values.items():
            logits = SHARP * (vectors @ self.weight[name].T + self.bias[name])
            powers = np.exp(logits - logits.max(1, keepdims=True))
            best, chance = logits.argmax(1), powers.max(1) / powers.sum(1)
            for row in np.flatnonzero((best > 0) & (chance >= sure)).tolist():
                found[row][name] = values[best[row]]
        return found

    def kinds(self, vector: NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        """The likeliest kinds with their shares among all kinds, sum of all 1; what was said first."""
        chances = self.chances("kind", vector)[1:]
        chances = chances / chances.sum()
        order = np.argsort(-chances, kind="stable")[:count]
        return [(self.values["kind"][1 + int(k)], float(chances[k])) for k in order]

    def save(self, folder: Path) -> None:
        """Write `heads.safetensors` (f32) with the values in its header."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"{name}.{part}": table[name] for part, table in (("weight", self.weight), ("bias", self.bias)) for name in table}
        save_file(tensors, folder / FILE, {"values": json.dumps(self.values)})

    @classmethod
    def load(cls, folder: Path) -> Heads:
        """Read what `save` wrote. FileNotFoundError where there is nothing."""
        path = folder / FILE
        if not path.is_file():
            raise FileNotFoundError(f"no heads: {path} is missing; make them with `hypermnesia train`")
        from safetensors import safe_open

        with safe_open(path, "np") as file:
            values = json.loads((file.metadata() or {})["values"])
        kept = load_file(path)
        weight, bias = ({name: kept[f"{name}.{part}"] for name in values} for part in ("weight", "bias"))
        return cls({name: tuple(own) for name, own in values.items()}, weight, bias)
