"""How much an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured. `quick` is for a first look; its figures are rougher and the table says so."""

    judge_minutes: float = 40.0  # half of them painting what it learns from; two free cores
    captions: int = 256  # unseen paintings and their sentences
    compared: int = 512  # pictures a side of the distance
    languages: int = 192  # pictures a language, of the student alone
    spoken: int = 12  # sentences a language of which the wall is judged
    diverse: int = 12  # captions at which diversity is measured
    seeds: int = 8  # pictures of each
    timed: int = 20

    @classmethod
    def quick(cls) -> Sizes:
        return cls(judge_minutes=2.0, captions=96, compared=96, languages=64, spoken=4, diverse=4, seeds=4, timed=6)
