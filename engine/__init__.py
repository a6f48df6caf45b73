"""A memory that dreams: words in, light and sound out. Start reading at loop.py; these are the names an artist needs."""

from engine.core.clock import Now
from engine.core.messages import Dream, Grain, Keystroke, State, Text, Told, Touch
from engine.show.scene import Param, Scene
from engine.sound import mapping
from engine.sound.murmur import Murmur
from engine.stage.layer import Layer, dark, dreamed

__all__ = [
    "Dream", "Grain", "Keystroke", "Layer", "Murmur", "Now", "Param", "Scene", "State", "Text", "Told", "Touch", "dark",
    "dreamed", "mapping",
]  # fmt: skip
