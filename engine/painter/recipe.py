"""Recipes: a memory as what it takes to paint it. The corpus is as large as chance, anonymous, and nobody's.

A recipe is a painter's version, what the picture shows, and a seed. Those of the first version place everything by their
own seed; since the second, the upper bits of a seed are the layout, which the members of a crowd share, so that a thing
is seen once and whole where they lie over one another; since the third they wander less from it. The same recipe gives
the same bytes on one machine if it is painted by itself and on one thread: chance is drawn for a whole batch (seed 77 alone
and in a batch of two differ by .68), and threads change sums by 1e-7.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from engine.painter import captions
from engine.painter.attributes import OFFERS, Attributes, Offer, contradict, draw

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 3  # of the painters: raise it when one paints a recipe otherwise, so that what was kept is not taken for it
CROWD, OWN = 16, 12  # memories that are painted for words; of these, of the kind that the words say
CHANGED: tuple[dict[str, str], ...] = (  # what painters since the second version paint otherwise than those of the first
    {"weather": "fog"}, {"kind": "statue", "extra": "bust"}, {"kind": "moon", "extra": "two moons"}, {"kind": "moon", "extra": "crescent"},
    {"kind": "piano", "extra": ""}, {"kind": "market"}, {"kind": "birds", "extra": ""},
)  # fmt: skip
WANDER = {2: .35, 3: .12}  # by version: how far a memory wanders from its layout, of what chance allows
OWN_BITS = 20  # of a seed's 40; those above are the layout, the same for a whole crowd
FIRST_BY_HASH = 1 << 40  # recipes that stand in no table are numbered from here on, by their hash


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it takes to paint one memory."""

    shows: Attributes
    seed: int
    version: int = VERSION

    @property
    def number(self) -> int:
        """The same for the same recipe everywhere, at least FIRST_BY_HASH."""
        digest = hashlib.blake2b(repr((self.version, asdict(self.shows), self.seed)).encode(), digest_size=5).digest()
        return FIRST_BY_HASH + int.from_bytes(digest, "big")

    @property
    def stands(self) -> bool:
        """Whether it is still painted as it was when it was written down: a recipe of today, or of a painter that has not changed."""
        return self.version > 1 or not any(all(getattr(self.shows, name) == value for name, value in old.items()) for old in CHANGED)

    @property
    def caption(self) -> str:
        """Its words, French for a third; the same each time."""
        return captions.caption(self.shows, random.Random(f"recipe {self.seed}"), None)

    def paint(self, size: tuple[int, int]) -> Tensor:
        """(3, h, w) f32 in 0..1, by itself and on one thread. 50 to 70 ms at 256 x 256. Any thread, one at a time each."""
        import torch  # who only asks for seeds, as the loop does when it puts the memory in order, has no time for it: 2 s

        from engine.painter.canvas import Layout
        from engine.painter.paint import paint_shown

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return paint_shown([self.shows], size, self.seed, layout=Layout(self.seed >> OWN_BITS, WANDER[self.version]) if self.version in WANDER else None)[0]
        finally:
            torch.set_num_threads(threads)


def crowd(said: Mapping[str, str], kinds: Sequence[str], count: int, own: int, house: str = "") -> tuple[Recipe, ...]:
    """The memories that belong to what words say: `own` of the kind kinds[0], the rest of those PLACES among the kinds that follow.

    `said` is attribute -> value, without the kind. What it leaves unsaid is drawn once for all of them, as is likely for
    the kind, so that they belong to one another; colours and mood stay natural unless they are said. The same attributes
    give the same crowd, whatever the words were, in the same `house`: another memory of the world paints others for them.
    Pure. ValueError for an unknown kind.
    """
    captions.one_of("kind", kinds[0], OFFERS)
    key = _key(kinds[0], said, VERSION, house)
    lead = draw(kinds[0], random.Random(key))
    drawn = {name: getattr(lead, name) for name in ("time", "light", "weather", "season", "extra")}
    agree = {name: value for name, value in drawn.items() if value not in VEILS and not any(contradict(value, other) for other in said.values())}
    shared = agree | dict(said)
    places = [kind for kind in kinds[1:] if kind in PLACES] or [kinds[0]]
    shown = [kinds[0]] * own + [places[k % len(places)] for k in range(count - own)]
    return tuple(Recipe(_as(kind, shared, said, key), _seed(key, number)) for number, kind in enumerate(shown))


def seeds(kind: str, said: Mapping[str, str], count: int, version: int = VERSION, house: str = "") -> tuple[int, ...]:
    """Of the members of the crowd for what words say, whatever kinds follow the first: by these a recipe is known as one of it."""
    return tuple(_seed(_key(kind, said, version, house), number) for number in range(count))


def _key(kind: str, said: Mapping[str, str], version: int, house: str) -> str:
    return repr((version, kind, sorted(said.items()), *([house] if house else [])))


def _as(kind: str, shared: Mapping[str, str], said: Mapping[str, str], key: str) -> Attributes:
    """What is shared, as far as this kind can show it; what its painter always needs is drawn by chance, once a crowd."""
    offer, chance = OFFERS[kind], draw(kind, random.Random(f"{key} {kind}"))
    fits = {name: value for name, value in shared.items() if value and (offers(offer, name, value) or (name in said and name in ANYWHERE))}
    always = {name: getattr(chance, name) for name in offer.always if name not in fits}
    return Attributes(kind, **(always | fits))


VEILS = (  # what hides a thing, or is a thing of its own, is there only if somebody says it
    "fog", "snow", "storm", "rain", "night", "neon", "backlight", "candle", "moon", "stars", "two moons", "crescent", "rainbow", "lightning", "burning", "blurred", "shadow",
    "half-lit", "profile", "crossed out", "broken", "wilted", "grand piano",
)  # fmt: skip
PLACES = (  # kinds that lie under a figure or a thing without becoming a second one: these may join a crowd of another kind
    "sea", "lake", "mountains", "forest", "desert", "city", "field", "room", "sky", "snow", "road", "water", "glass", "lights", "cosmos", "corridor", "river",
    "beach", "street", "garden", "kitchen", "fire", "abstract",
)  # fmt: skip
ANYWHERE = ("time", "weather", "mood", "colour")  # what every painter can show if words ask for it


def offers(offer: Offer, name: str, value: str) -> bool:
    """Whether a kind may show this value of an attribute."""
    table = {"time": offer.times, "light": offer.lights, "weather": offer.weathers, "colour": offer.colours, "second": offer.colours,
             "season": offer.seasons, "figure": offer.figures, "extra": offer.extras}  # fmt: skip
    return value in table.get(name, (value,))


def _seed(key: str, number: int) -> int:
    """40 bits: where everything is, which the crowd shares, then what is this memory's own."""
    layout, own = (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=5).digest(), "big") for text in (key, f"{key} {number}"))
    return layout >> (40 - OWN_BITS) << OWN_BITS | own & ((1 << OWN_BITS) - 1)


FIELDS = tuple(field.name for field in fields(Attributes))
