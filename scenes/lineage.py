"""Lineage: each fragment carries all. Touch the wall, and the memories that the place is made of are heard, and shown.

Nearer is deeper: the picture opens at the touched place, and its ancestors' borders begin to shine.
"""

from collections.abc import Iterator
from dataclasses import replace

from engine import Dream, Grain, Layer, Murmur, Now, Param, Scene, Told, Touch, dreamed, mapping


class Lineage(Scene):
    because = "the picture has come to descend from many"

    trail = Param(0.8, high=0.98)  # how slowly light fades
    dwell = Param(9.0, low=1.0, high=30.0)  # seconds that a touched place goes on sounding
    fade = Param(0.25)  # how dark a picture becomes that adds nothing

    def __init__(self) -> None:
        super().__init__()
        self.murmur = Murmur(seed=2)
        self.light = 1.0  # of the picture, followed slowly
        self.warmth = 0.0  # who made the picture: -1 the machine .. 1 somebody present
        self.touched = -1e9  # scene seconds
        self.theirs: tuple = ()  # ancestors of the touched place, largest share first
        self.unheard: tuple = ()  # the same, until they have spoken

    def update(self, now: Now) -> None:
        self.light += (self.state.light - self.light) * min(1.0, now.dt / 1.5)  # in one step it would be a cut
        human, machine, _ = self.state.authors or (0.0, 0.0, 1.0)  # amber by the hand of who is there, blue by the machine's own
        self.warmth += (human - machine - self.warmth) * min(1.0, now.dt / 3.0)

    def touch(self, touch: Touch, now: Now) -> None:
        self.touched = now.time
        self.murmur.look(touch.x, touch.y)

    def told(self, told: Told) -> None:
        """Whose the place is."""
        self.theirs = self.unheard = told.ancestors

    def near(self, now: Now) -> float:
        """1 just after a touch, 0 when it has faded."""
        return max(0.0, 1.0 - (now.time - self.touched) / self.dwell)

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, feedback=min(0.7, self.feedback + 0.15))

    def speak(self, now: Now) -> Iterator[Grain]:
        """One after the other they say that the place is theirs, the power of each its share of it."""
        for k, (ancestor, loud) in enumerate(mapping.chorus(replace(self.state.lineage, ancestors=self.unheard), 6)):
            yield Grain(
                now.time + mapping.AHEAD + 0.35 * k,
                source=ancestor.unit,
                position=0.3,
                duration=mapping.duration(ancestor.depth),
                gain=0.5 * loud,
                pan=mapping.azimuth(ancestor.x),
            )
        self.unheard = ()

    def sound(self, now: Now) -> Iterator[Grain]:
        yield from self.speak(now)
        state = self.state
        if self.near(now) and self.theirs:
            state = replace(state, lineage=replace(state.lineage, ancestors=self.theirs))
        yield from self.murmur.grains(now.time, now.dt, state)

    def draw(self, now: Now) -> Layer:
        near = self.near(now)
        light = 1.0 - self.fade * (1.0 - max(near, self.light))
        return (
            dreamed.frame(zoom=1.04 + 0.5 * near * near, wander=1.0 - near)
            .whose(amount=0.3 * near, borders=near)
            .feedback(trail=self.trail, zoom=1.004 + 0.006 * near, glow=1.0)
            .grade(light=light, exposure=0.25, warmth=self.warmth)
        )

    def wants(self) -> float:
        return 0.3 + 0.4 * min(1.0, self.state.lineage.depth / 8)
