"""Lineage: each fragment carries all. Touch the wall, and the memories that the place is made of are heard."""

import random

from engine import Dream, Grain, Layer, Now, Param, Scene, Told, Touch, dreamed


class Lineage(Scene):
    trail = Param(0.84, high=0.98)  # how slowly light fades
    density = Param(5.0, high=60.0)  # grains a second
    dwell = Param(8.0, low=1.0, high=30.0)  # seconds that a touched place goes on sounding

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(1)
        self.owed = 0.0
        self.touched = -1e9  # scene seconds
        self.place = (0.5, 0.5)
        self.theirs: tuple = ()  # ancestors of the touched place

    def touch(self, touch: Touch, now: Now) -> None:
        self.touched, self.place = now.time, (touch.x, touch.y)

    def told(self, told: Told) -> None:
        self.theirs = told.ancestors

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, feedback=min(0.7, self.feedback + 0.15))

    def near(self, now: Now) -> float:
        """1 just after a touch, 0 when it has faded."""
        return max(0.0, 1.0 - (now.time - self.touched) / self.dwell)

    def sound(self, now: Now):
        near, draw = self.near(now), self.random
        ancestors = self.theirs if near and self.theirs else self.state.lineage.top(12)
        self.owed += self.density * (1.0 + 2.0 * near) * now.dt
        while self.owed >= 1.0 and ancestors:
            self.owed -= 1.0
            who = draw.choices(ancestors, [a.share + 1e-6 for a in ancestors])[0]
            yield Grain(
                now.time + draw.random() * now.dt,
                source=who.unit,
                position=draw.random(),
                duration=0.2 + 1.0 / (1 + who.depth),  # the deeper the line, the shorter its grains
                gain=0.08 + 0.6 * who.share,
                pan=2.0 * who.x - 1.0,
            )

    def draw(self, now: Now) -> Layer:
        near = self.near(now)
        return (
            dreamed.frame(zoom=1.04 + 0.9 * near * near, wander=1.0 - near)
            .feedback(trail=self.trail, zoom=1.004 + 0.008 * near)
            .grade(light=0.5 + 0.5 * max(near, self.state.light))
        )

    def wants(self) -> float:
        return 0.3 + 0.4 * min(1.0, self.state.lineage.depth / 8)
