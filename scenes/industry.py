"""Industry: visual elevator music, until someone speaks.

The picture is wallpaper in agreeable colours and glides by; the memories play an arpeggio in time. The more pictures are
alike (`standard`), the smaller the motif, the fewer the colours and the voices: in the end it is one note. A sentence is a
rupture: the machine falls silent, the motif becomes the wall, in its own colours; then it is made agreeable again.
"""

import math
from collections.abc import Iterator

from engine import Dream, Grain, Layer, Now, Param, Scene, Text, dreamed, mapping

BAR = (0, 2, 4, 3, 5, 4, 2, 3)  # steps of the arpeggio, over and over
LIFT = (0.0, 2.04, 4.98, 7.02, 9.96, 12.0)  # semitones of the steps: the scale that every memory's voice is made of


class Industry(Scene):
    because = "pictures have come to be alike, and nobody says otherwise"

    tempo = Param(104.0, low=40.0, high=180.0)  # beats a minute
    motifs = Param(3.0, low=1.0, high=8.0)  # motifs over the height of the wall, where pictures are not alike
    patience = Param(9.0, low=2.0, high=60.0)  # seconds until what somebody said is agreeable again

    def __init__(self) -> None:
        super().__init__()
        self.rupture = 0.0  # 1 just after a sentence .. 0
        self.alike = 0.0  # `standard`, followed slowly
        self.beat = 0.0  # scene seconds of the next note
        self.note = 0  # its number
        self.given = ""  # a sentence that has not sounded yet

    def hear(self, text: Text) -> None:
        self.given = text.words

    def update(self, now: Now) -> None:
        self.alike += (self.state.standard - self.alike) * min(1.0, now.dt / 4.0)
        since = now.time - self.spoke
        open_ = since < self.patience
        aim, haste = (1.0, 0.8) if open_ else (0.0, 2.5)  # it breaks at once and is mended slowly; at 5 s the wall stayed pale for eight
        self.rupture += (aim - self.rupture) * min(1.0, now.dt / haste)

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, feedback=min(0.8, self.feedback + 0.3 * (1.0 - self.rupture)))

    def sound(self, now: Now) -> Iterator[Grain]:
        if self.given:
            if now.time - self.spoke < 2.0:  # what was said while another scene had the wall is not said again
                yield from mapping.sentence(self.given, now.time, self.state)
            self.given = ""
        step = 30.0 / self.tempo  # eighths
        self.beat = max(self.beat, now.time)
        while self.beat < now.time + now.dt:
            if now.time - self.spoke > 0.8 * self.patience or self.spoke < 0.0:
                yield from self.play(self.beat + mapping.AHEAD, step)
            self.beat, self.note = self.beat + step, self.note + 1

    def play(self, at: float, step: float) -> Iterator[Grain]:
        """One eighth: a soft mallet, every fourth a warm chord, on every second beat a brush."""
        voices = mapping.chorus(self.state.lineage, 4)
        first = voices[0][0].unit if voices else 0
        lift = mapping.unison(LIFT[BAR[self.note % len(BAR)]], self.alike)
        wide = mapping.unison(0.5 * math.sin(0.7 * self.note), self.alike)
        yield Grain(at, first, 0.2, 2.2 * step, 1.0, lift, 0.42, wide, "perc", 2200.0)
        if self.note % 8 in (0, 3, 6):  # the left hand of a bossa nova
            for n, (ancestor, loud) in enumerate(voices):
                who = ancestor.unit if self.alike < 0.7 else first
                under = mapping.unison((-12.0, -5.0, 0.0, 2.0)[n], self.alike) - (5.0 if self.note % 32 >= 16 else 0.0)
                yield Grain(at, who, 0.35, 1.3, 1.0, under, 0.2 * loud, mapping.unison(0.3 * n - 0.45, self.alike), "hann", 1100.0)
        if self.note % 4 == 2:
            yield Grain(at, -1, 0.0, 0.05, 2.0, 0.0, 0.09, 0.2, "perc", 5000.0)

    def draw(self, now: Now) -> Layer:
        return dreamed.wallpaper(
            repeats=min(12.0, self.motifs * (1.0 + 2.0 * self.alike)), rupture=self.rupture, glide=0.03
        ).grade(saturation=1.0 - 0.35 * self.alike, contrast=1.0)

    def wants(self) -> float:
        return 0.3 + 0.4 * self.state.standard + 0.2 * self.state.autonomy
