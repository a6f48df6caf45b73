"""A source of film for any machine: the last picture, carried on by its own motion, and dreamt anew where it ends.

No video model, and it does not pretend to be one. A chunk goes from one *key*, a whole picture of the second degree, to the
next. The next key is where the last one is carried to by the motion that was measured in it; there, place by place, other
memories come forward (`engine.mind.company`), and the model dreams all of it a little anew under the turned words. Between
two keys both are carried, the one forwards, the other backwards, and places pass from one to the other each in its own time.

So nothing is warped more than once between two dreams, and no blur piles up; what is carried is held to the light of what
is composed, so nothing goes grey or black; and as nobody sees more of a memory by its being carried, its limits hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.blend import blurred, over, within
from engine.mind.dreamer import Dreamer
from engine.mind.model.flowing import alike
from engine.mind.motion import carry, current, measured, onward

SECONDS = 1.6  # of a chunk
ANCHOR = 0.35  # of the way that what was carried is brought to the light of what is composed, a chunk
LIGHT = 0.65  # of the way that a key is brought to the light of the film's first picture: over ten minutes others had 1.4 times its contrast
EACH = 0.5  # of a chunk in which one place passes from one key to the next
PATCH = 0.09  # of a side: how large a place is that comes forward
CLEAR = 0.35  # deviations of a field over which a place is between one picture and the other
GONE = 2e-3  # share of a picture below which a memory has left it


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What the next chunk is asked for: `words` of a source's `next_chunk`."""

    words: str  # what is said
    sentence: tuple[str, str]  # which sentence it is (`Thought.key`, words): another one is a turn
    condition: Tensor  # (tokens, dim): the turned words, as the dreamer hears them
    start: Tensor  # (c, h, w) composed for where the chunk ends
    ids: tuple[int, ...]  # of which memories,
    places: Tensor  # (n, h, w) and where each of them is in it, sum 1
    noise: Tensor  # (c, h, w) of the walk
    fresh: Tensor  # (c, h, w) of this chunk alone
    strength: float  # 0..1 dreamt anew
    hold: float  # 0..1: how much of the last picture the next key keeps
    tempo: float = 1.0  # of its motion
    said: str = ""  # `words` with those that turn them, for models with a text encoder of their own
    seed: int = 0  # for models with noise of their own
    last: Tensor | None = None  # (c, h, w): a picture that the film is on its way to,
    left: int = 0  # in so many chunks, this one with them


@dataclass(frozen=True, slots=True, eq=False)
class Reel:
    """Where a film is: `state` of a source's `next_chunk`."""

    pixels: Tensor  # (3, H, W) f32 0..1: the last picture
    latent: Tensor  # (c, h, w) f32
    motion: Tensor  # (2, h, w) f32, parts of the picture a second (`engine.mind.motion`)
    ids: tuple[int, ...] = ()  # the memories that it is made of
    places: Tensor = field(default_factory=lambda: torch.zeros(0, 1, 1))  # (n, h, w): where, sum 1
    chunk: int = 0  # chunks since the first picture
    like: Tensor | None = None  # (c, h, w): the picture whose light the film keeps: its first, or the one that it has arrived at
    past: Any = None  # what a source of its own keeps of the film

    @classmethod
    def begun(cls, rgba: NDArray[np.uint8], latent: Tensor, ids: Sequence[int] = (), places: Tensor | None = None) -> Reel:
        """A film that begins with this picture (H, W, 4) u8, of the second degree, and stands."""
        shares = torch.zeros(0, *latent.shape[1:]) if places is None else places
        return cls(pixels(rgba), latent, torch.zeros(2, *latent.shape[1:]), tuple(ids), shares, like=latent)


class Chunk:
    """A piece of film from one picture to another. `picture` for any moment of it, in any order."""

    seconds: float = SECONDS

    def __init__(self, first: Reel, end: Reel, motion: Tensor, way: Tensor, turned: float):
        """`motion` (2, h, w) of the whole chunk; `way` (h, w): when each place passes on, 0..1 of it; `turned` 0..1: how much of
        its last picture was not in its first."""
        self.first, self.end, self.motion, self.turned = first, end, motion, turned
        self._way = way
        self._fine = F.interpolate(way[None, None], first.pixels.shape[1:], mode="bilinear", align_corners=False)[0, 0]

    @property
    def speed(self) -> float:
        """Of its motion, parts of the picture a second, rms."""
        return float(self.motion.square().sum(0).mean().sqrt())

    def picture(self, part: float) -> tuple[NDArray[np.uint8], Tensor]:
        """(rgba (H, W, 4) u8, latent (c, h, w) f32) at `part` of the chunk, 0..1. At 0 the first picture itself, at 1 the last."""
        if part <= 0.0 or part >= 1.0:
            reel = self.first if part <= 0.0 else self.end
            return rgba(reel.pixels), reel.latent
        ahead, behind = part * self.seconds, (part - 1.0) * self.seconds
        mixed = torch.lerp(carry(self.first.pixels, self.motion, ahead), carry(self.end.pixels, self.motion, behind), passed(self._fine, part))
        before, after = (carry(reel.latent, self.motion, at, "bilinear") for reel, at in ((self.first, ahead), (self.end, behind)))
        return rgba(mixed), torch.lerp(before, after, passed(self._way, part))

    def cut(self, part: float) -> Reel:
        """The film as if this chunk ended here: for words that do not wait for its end."""
        shown, latent = self.picture(part)
        reel = self.end if part > 0.5 else self.first
        return replace(reel, pixels=pixels(shown), latent=latent, motion=self.motion, chunk=self.end.chunk, past=None)


class Source(Protocol):
    """Whoever makes film."""

    name: str

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        """The film after `state`, under `words`. Its first picture is the last one of `state`."""


class Carried:
    """The source of film that every machine has. Keeps nothing: what it needs is in the reel. Any thread."""

    name = "carried"

    def __init__(self, dreamer: Dreamer):
        self.dreamer = dreamer

    def next_chunk(self, state: Reel, words: Script) -> Chunk:
        """The film after `state`. One call of the model and some ten milliseconds; each picture of it takes a few more."""
        drawn = current(words.noise) * words.tempo
        motion = state.motion if state.motion.any() else drawn
        there = carry(state.pixels, motion, SECONDS)
        carried = self.dreamer.encode(rgba(there)[..., :3])
        carried = torch.lerp(carried, alike(carried, words.start), ANCHOR)
        places = carry(state.places, motion, SECONDS, "bilinear") if len(state.places) else state.places
        begin, part = self._begin(carried, state.ids, places, words)
        like = state.like
        if words.last is not None and words.left <= 1:
            latent, part, like = words.last, torch.ones_like(part), words.last
        else:
            if words.last is None and like is not None:
                begin = torch.lerp(begin, alike(begin, like), LIGHT)
            latent = self.dreamer.imagine(words.condition, words.fresh, begin, words.strength)
        shown = pixels(self.dreamer.decode(latent))
        found = measured(there, shown) / SECONDS
        ids, places = shared(state.ids, places, words, part)
        end = Reel(shown, latent, onward(motion, found, drawn, words.tempo), ids, places, state.chunk + 1, like)
        return Chunk(state, end, motion, ranked(words.noise[0]), float(part.mean()))

    def _begin(self, carried: Tensor, ids: tuple[int, ...], places: Tensor, words: Script) -> tuple[Tensor, Tensor]:
        """Where the next key begins (c, h, w), and what of each place is new (h, w): as little as limits allow.

        On the way to a last picture that comes forward instead of what is composed, in equal steps.
        """
        aim, hold = (words.start, words.hold) if words.last is None else (words.last, 1.0 - 1.0 / words.left)
        for kept in (hold, 0.66 * hold, 0.33 * hold, 0.0):
            begin, part = over(carried, aim, forward(words.fresh[0], 1.0 - kept), self.dreamer.carries)
            if within(shared(ids, places, words, part)[1].mean((1, 2))):
                break
        return begin, part


def forward(field: Tensor, part: float) -> Tensor:
    """(h, w) 0..1: how far each place comes forward where `part` of all do; which ones, a random `field` (h, w) says."""
    if part <= 0.0 or part >= 1.0:
        return torch.full_like(field, float(part >= 1.0))
    return ((part - ranked(field)) / CLEAR + 0.5).clamp(0.0, 1.0)


def ranked(field: Tensor) -> Tensor:
    """(h, w), each number from 0 to 1 once: the places in the order of a random `field` (h, w), neighbours near each other."""
    broad = blurred(field, PATCH * min(field.shape))
    return broad.flatten().argsort().argsort().reshape(broad.shape).float() / broad.numel()


def passed(way: Tensor, part: float) -> Tensor:
    """How far each place has passed on at `part` of a chunk, 0..1, from when it is to pass (`way`, 0..1): slow, fast, slow."""
    along = ((part - (1.0 - EACH) * way) / EACH).clamp(0.0, 1.0)
    return along * along * (3.0 - 2.0 * along)


def shared(ids: tuple[int, ...], places: Tensor, words: Script, part: Tensor) -> tuple[tuple[int, ...], Tensor]:
    """Whose the key is: what was carried (n, h, w) where it is kept, and what was composed where that is new, by `part` (h, w)."""
    found: dict[int, Tensor] = {one: place * (1.0 - part) for one, place in zip(ids, places, strict=True)}
    new = part if found else torch.ones_like(part)
    for one, place in zip(words.ids, words.places, strict=True):
        found[one] = found[one] + place * new if one in found else place * new
    kept = {one: place for one, place in found.items() if float(place.mean()) > GONE}
    whole = torch.stack(list(kept.values()))
    return tuple(kept), whole / whole.sum(0).clamp_min(1e-9)


def pixels(shown: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3 or 4) u8 -> (3, H, W) f32 0..1."""
    return torch.from_numpy(np.ascontiguousarray(shown[..., :3])).permute(2, 0, 1).float() / 255


def rgba(picture: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) f32 -> (H, W, 4) u8, alpha 255."""
    shown = np.full((*picture.shape[1:], 4), 255, np.uint8)
    shown[..., :3] = picture.clamp(0.0, 1.0).mul(255.0).round().byte().permute(1, 2, 0).numpy()
    return shown
