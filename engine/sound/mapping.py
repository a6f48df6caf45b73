"""From what was measured to what is heard: each function has a cause that can be seen on the wall.

Pure functions of a State's numbers, so that a scene can take one and leave another. Nothing here maps a colour to a
pitch or anything else that nobody could hear back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import LARGE, Ancestor, Grain, Keystroke, Lineage, State
from engine.sound.sources import TICK

AHEAD = 0.2
"""Seconds by which a grain is stamped after the instant that it describes, so that a busy machine has none late.

A loop that stalls catches up at most a tenth of a second of ticks (`Clock.patience`); the device's buffer is some 0.04
to 0.07, the block in hand and the limiter's are a hundredth. At 0.08, tried first, one tick in three of a wall of 30
frames a second was late by construction. It costs nothing that one could see: the wall itself is a picture behind.
"""


GROUNDS = (0.0, 12.0 * math.log2(3 / 4), 0.0, 12.0 * math.log2(4 / 3))


def density(motion: float, usual: float = 1.0) -> float:
    """Grains per second of the murmur for a latent that moves by `motion` rms per second. Stillness is near silence.

    usual: how much it has moved of late. A picture on a GPU comes with new noise forty times a second and moves several
    times as much as the same one on a CPU; what the ear should follow is more or less than usual.
    """
    moving = max(0.0, motion)
    return 0.5 + 9.0 * moving / (moving + 0.8 * max(0.3, usual))


def desynchrony(gap: float) -> float:
    """Seconds by which the picture's own memory may come after the words': 0 where both remember the same."""
    return 0.6 * _unit(gap)


def roughness(gap: float) -> float:
    """Semitones between the two streams: 0 is unison, a tenth beats slowly, half a semitone is rough."""
    return 0.6 * math.pow(_unit(gap), 1.5)


def detune(displacement: float) -> float:
    """Semitones by which memories hang under the picture's own pitches: the distance of the picture from its words."""
    return -1.4 * math.pow(_unit(displacement), 1.3)


def ground(turns: int) -> float:
    """Semitones by which the picture's own sound is transposed after so many new sentences: D, A below, D, G above.

    The memories keep their pitches, so that every sentence puts the same memories over another ground; a pentatonic
    has a place for each of its own notes over all three.
    """
    return GROUNDS[turns % len(GROUNDS)]


def recollection(gap: float) -> float:
    """How often the picture's memory of a fragment runs backwards, towards the words' memory of it: never in unison."""
    return 0.7 * _unit(gap)


def duration(depth: int) -> float:
    """Seconds of a grain: roots speak in long breaths, late descendants in short ones."""
    return max(0.22, 1.5 * math.pow(0.82, max(0, depth)))


def overlap(depth: int) -> float:
    """How many grains stand where one would: shorter grains are more, so that the murmur does not thin out."""
    return min(3.0, math.pow(duration(0) / duration(depth), 0.6))


def level(light: float) -> float:
    """Gain for the novelty of a picture: one that adds nothing is 10 dB softer than one that was never there."""
    return float(10.0 ** (-10.0 * (1.0 - _unit(light)) / 20.0))


def brightness(light: float, gap: float) -> float:
    """Cutoff in Hz of the murmur: new pictures and disagreement open it."""
    return float(800.0 * 2.0 ** (2.2 * _unit(light) + 0.8 * _unit(gap)))


def unison(value: float, standard: float) -> float:
    """A value that spreads (place, detune, time) drawn to nothing as pictures become all alike."""
    return value * math.pow(1.0 - _unit(standard), 1.5)


def chorus(lineage: Lineage, n: int = 8) -> list[tuple[Ancestor, float]]:
    """Which memories sound and how loud: gain is the root of the share, the largest share is 1."""
    top = [ancestor for ancestor in lineage.top(n) if ancestor.share > 0.0]
    if not top:
        return []
    loudest = max(ancestor.share for ancestor in top)
    return [(ancestor, math.sqrt(ancestor.share / loudest)) for ancestor in top]


def azimuth(x: float) -> float:
    """Where in the room a place of the picture sounds: 0 (its left edge) .. 1 becomes -0.5 .. 0.5, the wall in front."""
    return _unit(x) - 0.5


def salient(latent: NDArray[np.floating]) -> tuple[float, float]:
    """(x, y) in 0..1 of what stands out most in a latent (c, h, w): the centre of its largest departures."""
    z = np.asarray(latent[:LARGE], np.float32)
    away = ((z - np.median(z, axis=(1, 2), keepdims=True)) ** 2).mean(0)
    weight = np.maximum(away - np.quantile(away, 0.9), 0.0)
    total = float(weight.sum())
    if total <= 0.0:
        return 0.5, 0.5
    h, w = weight.shape
    x = float((weight.sum(0) * np.arange(w)).sum() / total / max(1, w - 1))
    y = float((weight.sum(1) * np.arange(h)).sum() / total / max(1, h - 1))
    return x, y


def middle(lineage: Lineage) -> tuple[float, float]:
    """(x, y) in 0..1 of the largest shares, weighted so that the largest counts most."""
    top = lineage.top(4)
    weights = [ancestor.share**2 for ancestor in top]
    total = sum(weights)
    if total <= 0.0:
        return 0.5, 0.5
    x = sum(weight * ancestor.x for weight, ancestor in zip(weights, top, strict=True)) / total
    y = sum(weight * ancestor.y for weight, ancestor in zip(weights, top, strict=True)) / total
    return x, y


def breath(time: float, standard: float = 0.0) -> float:
    """A slow swell in 0.2..1, about six breaths a minute and never twice alike; it dies where all is standard."""
    swell = 0.5 + 0.32 * math.sin(2 * math.pi * time / 11.3) + 0.18 * math.sin(2 * math.pi * time / 17.9 + 1.0)
    return 0.2 + 0.8 * (swell + (0.5 - swell) * _unit(standard))


_WORD = re.compile(r"[^\W\d_]+|\d+|[,;:.!?…]", re.UNICODE)
_VOWELS = re.compile(r"[aeiouyàâäéèêëîïôöùûüœæ]+", re.IGNORECASE)


def rhythm(words: str, pace: float = 0.17) -> list[tuple[float, float]]:
    """(seconds from the start, stress 0..1) of each word of a sentence, as one would say it slowly.

    A word takes `pace` seconds for each group of vowels and half as much after it; punctuation breathes.
    """
    at, beats = 0.0, []
    for match in _WORD.findall(words):
        if not match[0].isalnum():
            at += 2.5 * pace
            continue
        syllables = max(1, len(_VOWELS.findall(match)))
        beats.append((at, min(1.0, 0.45 + 0.11 * len(match))))
        at += pace * (syllables + 0.5)
    return beats


def sentence(words: str, at: float, state: State) -> Iterator[Grain]:
    """A sentence that was given: one knock at once, then its words as a rhythm in the voices that answer to it."""
    yield Grain(at, TICK, 0.0, 0.06, gain=0.5, envelope="perc", prompt=True)
    voices = chorus(state.lineage) or [(Ancestor(0, 1.0), 1.0)]
    for number, (later, stress) in enumerate(rhythm(words)):
        ancestor, loud = voices[number % len(voices)]
        yield Grain(
            at + AHEAD + later,
            ancestor.unit,
            position=0.15 + 0.6 * stress,
            duration=0.45,
            detune=detune(state.displacement),
            gain=0.4 * stress * (0.4 + 0.6 * loud),
            pan=azimuth(ancestor.x),
            envelope="perc",
            cutoff=2400.0,
        )


def keystroke(key: Keystroke, at: float, lineage: Lineage) -> Grain:
    """One key before Enter: surprise is heard as brightness, a deletion as the same sound backwards."""
    surprise = min(1.0, max(0.0, key.bits) / 8.0)
    voices = chorus(lineage, 3)
    return Grain(
        at,
        voices[0][0].unit if voices else 0,
        position=0.3 + 0.5 * surprise,
        duration=0.09 + 0.08 * (1.0 - surprise),
        rate=-1.0 if key.deleted else 1.0,
        gain=0.14 + 0.14 * surprise,
        pan=0.25 * (surprise - 0.5),
        envelope="swell" if key.deleted else "perc",
        cutoff=700.0 * 2.0 ** (2.0 * surprise),
        prompt=True,
    )


def typing(flow: float) -> float:
    """Grains per second that typing adds, for a flow of `flow` bits per second."""
    return 4.0 * (1.0 - math.exp(-max(0.0, flow) / 12.0))


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
