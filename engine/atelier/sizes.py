"""How much an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured. `quick` is for a first look; its figures are rougher and the table says so."""

    train_each: int = 64  # real paintings a kind, at 64 px, that the judge learns from
    judge_steps: int = 500
    captions: int = 256
    compared: int = 512  # pictures a side of the distance
    languages: int = 192  # pictures a language
    diverse: int = 12  # captions at which diversity is measured, eight seeds each
    timed: int = 20

    @classmethod
    def quick(cls) -> Sizes:
        return cls(train_each=24, judge_steps=150, captions=96, compared=96, languages=64, diverse=4, timed=6)
