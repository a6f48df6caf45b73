"""Measured: `self.state` holds what was measured while the picture was made. Here the gap decides how calm the wall is.

Everything in it can also be read from outside, as /hm/state/gap, /hm/state/light and so on.
"""

from engine import Scene, dreamed


class Measured(Scene):
    def draw(self, now):
        gap, light = self.state.gap, self.state.light
        return dreamed.drift(amount=0.01 + 0.15 * gap).grade(light=0.5 + 0.5 * light, exposure=0.25)
