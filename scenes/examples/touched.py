"""Touched: somebody points at the wall, and for six seconds sees whose memories the picture is made of.

`touch` comes at once; `told` comes a moment later, with the ancestors of that very place.
"""

from engine import Scene, dreamed


class Touched(Scene):
    since = -100.0  # scene seconds of the last touch

    def touch(self, touch, now):
        self.since = now.time

    def draw(self, now):
        near = max(0.0, 1.0 - (now.time - self.since) / 6.0)
        return dreamed.whose(amount=0.4 * near, borders=near).feedback(trail=0.8)
