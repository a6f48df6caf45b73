"""First: the smallest scene. Words become a picture, and the wall shows it.

`dreamed` is the picture of the mind, moving at the wall's own rate; whatever `draw` returns is what people see.
"""

from engine import Scene, dreamed


class First(Scene):
    def draw(self, now):
        return dreamed
