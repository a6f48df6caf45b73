"""Feed: before you finish, it has eaten. Each key tears crumbs out of a picture that is never finished; they go down its mouth.

It eats what comes before Enter: surprise is the size of a bite, a deletion comes up again, a hesitation lets it starve.
Dry crumbs are heard, and what goes down slides deeper. The sentence itself is one swallow.
"""

import math
from collections import deque
from collections.abc import Iterator

from engine import Dream, Grain, Keystroke, Layer, Now, Param, Scene, dreamed, mapping


class Feed(Scene):
    because = "somebody is typing, and has not finished"

    hunger = Param(0.12)  # how much it takes when nobody gives it anything
    appetite = Param(0.7)  # how much a key gives it
    crumb = Param(26.0, low=10.0, high=120.0)  # crumbs over the height of the wall: few are large

    def __init__(self) -> None:
        super().__init__()
        self.wanted = self.bite = 0.0  # 0..1, of the newest keys; and how far its mouth is open, which follows: a wall must not flicker
        self.swallowing = 0.0  # 0..1 after a sentence
        self.keys: deque[tuple[float, float, bool]] = deque(maxlen=32)  # scene seconds, size 0..1, deleted; until they have sounded
        self.swallowed = -1e9  # scene seconds of the newest sentence that went down
        self.drip = 0.0  # scene seconds of the next crumb that falls by itself
        self.count = 0  # crumbs, for their places

    def key(self, stroke: Keystroke, now: Now) -> None:
        size = min(1.0, stroke.bits / 8.0)
        self.wanted = min(1.0, self.wanted + self.appetite * (0.25 + 0.75 * size))
        self.keys.append((now.time, size, stroke.deleted))

    def torn(self, at: float, number: int, rate: float, size: float) -> Iterator[Grain]:
        """Crumbs of one bite, dry and close together: each a piece of a memory, too short to say whose."""
        voices = mapping.chorus(self.state.lineage, 12)
        for n in range(number):
            self.count += 1
            chance = (self.count * 0.61803) % 1.0
            who = voices[self.count % len(voices)][0].unit if voices else 0
            yield Grain(
                at + mapping.AHEAD + 0.014 * n + 0.02 * chance, who, position=chance, duration=0.03 + 0.05 * chance,
                rate=rate * (2.0 + 2.0 * chance), gain=0.95 - 0.5 * chance, pan=0.9 * (2 * chance - 1), envelope="perc",
            )  # fmt: skip
        if rate > 0:  # and what is torn goes down
            who = voices[0][0].unit if voices else 0
            yield from self.slide(at + mapping.AHEAD + 0.1, who, 5 + round(5 * size), 0.6 + 0.3 * size)

    def slide(self, at: float, who: int, steps: int, gain: float) -> Iterator[Grain]:
        """Down a throat: short grains, each lower, darker and nearer to the middle than the last."""
        for n in range(steps):
            low = n / steps
            yield Grain(
                at + 0.055 * n, who, 0.6 - 0.4 * low, 0.1, 1.0, -24.0 * low, gain * (1.0 - 0.6 * low),
                0.5 * (1.0 - low) * math.sin(2.4 * n), "perc", 2600.0 * 0.2**low,
            )  # fmt: skip

    def update(self, now: Now) -> None:
        self.wanted *= math.exp(-now.dt / 0.8)
        self.bite += (self.wanted - self.bite) * (1.0 - math.exp(-now.dt / 0.5))
        self.swallowing = math.exp(-max(0.0, now.time - self.spoke) / 1.6)

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, feedback=max(0.0, self.feedback - 0.3 * self.bite))

    def sound(self, now: Now) -> Iterator[Grain]:
        while self.keys:
            at, size, deleted = self.keys.popleft()
            if now.time - at < 0.5:  # what was typed while another scene had the wall is eaten already
                yield from self.torn(now.time, 3 + round(6 * size), -1.0 if deleted else 1.0, size)
        if self.swallowing > 0.5 and self.swallowed < self.spoke:
            self.swallowed = self.spoke
            for number, (ancestor, loud) in enumerate(mapping.chorus(self.state.lineage, 4)):
                yield from self.slide(now.time + mapping.AHEAD + 0.2 * number, ancestor.unit, 14, 0.8 * loud)
        while self.drip < now.time + now.dt:
            self.drip = max(self.drip, now.time)
            yield from self.torn(self.drip, 1, 1.0, 0.0)
            self.drip += 0.5 + 1.6 * ((self.count * 0.754877) % 1.0)

    def draw(self, now: Now) -> Layer:
        bite = min(1.0, self.hunger + 0.84 * self.bite)
        place = (0.5 + 0.16 * math.sin(now.time * 0.13), 0.47 + 0.10 * math.sin(now.time * 0.19 + 1.0))
        pull = 0.018 + 0.022 * self.bite + 0.12 * self.swallowing
        return dreamed.frame().swallow(bite=bite, crumb=self.crumb, pull=pull, mouth=place).bloom(amount=0.5, threshold=0.4)

    def wants(self) -> float:
        return 0.2 + 0.75 * min(1.0, self.state.flow / 16.0)
