"""Rippled: a shader of one's own is a verb. shaders/rings.fs, beside this file, makes `.rings()`.

Its header declares what it takes; whatever is misspelt here is said when the scene is loaded.
"""

from engine import Scene, dreamed


class Rippled(Scene):
    at, since = (0.5, 0.5), -100.0

    def touch(self, touch, now):
        self.at, self.since = (touch.x, 1.0 - touch.y), now.time

    def draw(self, now):
        return dreamed.rings(place=self.at, age=min(10.0, now.time - self.since))
