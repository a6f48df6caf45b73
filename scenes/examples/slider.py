"""Slider: a Param is an address (/hm/trail), a slider on the desk and a line of documentation, in one line.

Turn it: hypermnesia run slider --set trail=0.97, or oscsend 127.0.0.1 9000 /hm/trail f 0.97
"""

from engine import Param, Scene, dreamed


class Slider(Scene):
    trail = Param(0.9, high=0.98)  # how slowly light fades
    glow = Param(0.4)  # how far light runs over its edges

    def draw(self, now):
        return dreamed.feedback(trail=self.trail).bloom(amount=self.glow)
