"""Voices: `sound` yields grains. Once a second the picture's ancestors speak, each from its place, as loud as its share.

A grain says when it sounds, in seconds of the show; 0.2 seconds ahead is in time for every machine.
"""

from engine import Grain, Scene


class Voices(Scene):
    def sound(self, now):
        if now.time % 1.0 >= now.dt:
            return
        for k, ancestor in enumerate(self.state.lineage.top(4)):
            pan, gain = ancestor.x - 0.5, 0.5 * ancestor.share**0.5
            yield Grain(now.time + 0.2 + 0.2 * k, ancestor.unit, duration=0.8, gain=gain, pan=pan, envelope="swell")
