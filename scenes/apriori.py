"""A priori: the night writes the frames. Nobody is there; the machine addresses itself, and of its pictures only the form is seen.

Lines of equal light, frame within frame, in the dark: the shapes that a picture may have before it is of anything. What
the nights have learned (`prior`) draws them closer. One low chord stands, a bell strikes where the frames were written
anew.
"""

from collections.abc import Iterator

from engine import Dream, Grain, Keystroke, Layer, Now, Param, Scene, dreamed, mapping


class Apriori(Scene):
    because = "nobody is there"

    levels = Param(5.0, low=2.0, high=24.0)  # lines from black to white
    frames = Param(3.0, low=1.0, high=6.0)  # one within the other
    ghost = Param(0.10)  # how much of the picture itself is seen

    def __init__(self) -> None:
        super().__init__()
        self.stand = 0.0  # scene seconds of the next grain of the chord
        self.number = 0
        self.written = ""  # the structure that plays
        self.bell = 3.0  # scene seconds of the next bell
        self.woken = 0.0  # 1 where somebody types .. 0

    def key(self, stroke: Keystroke, now: Now) -> None:
        self.woken = 1.0

    def update(self, now: Now) -> None:
        self.woken = max(0.0, self.woken - now.dt / 8.0)
        if self.state.structure != self.written:
            self.written, self.bell = self.state.structure, now.time

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, feedback=min(0.85, self.feedback + 0.4))

    def sound(self, now: Now) -> Iterator[Grain]:
        self.stand = max(self.stand, now.time)
        while self.stand < now.time + now.dt:
            yield self.chord(self.stand + mapping.AHEAD)
            self.stand += 0.3
            self.number += 1
        if self.bell <= now.time:
            voices = mapping.chorus(self.state.lineage, 5) or [(None, 1.0)]
            who = voices[self.number % len(voices)][0]
            for n, gain in enumerate((0.2, 0.09, 0.05)):
                yield Grain(now.time + mapping.AHEAD + 0.9 * n, who.unit if who else 0, 0.1, 2.0, 4.0, 0.0, gain, 0.6 - 0.6 * n, "perc", 6000.0)
            self.bell = now.time + 11.0 + 6.0 * ((0.618 * self.number) % 1.0)

    def chord(self, at: float) -> Grain:
        """Long, low, dark: the ground, its octave and its fifth in turn, of the memories that are most of the picture."""
        voices = mapping.chorus(self.state.lineage, 3)
        who = voices[self.number % len(voices)][0].unit if voices and self.number % 3 else 0
        tune = (-12.0, -24.0, -17.0, -12.0, -24.0)[self.number % 5]
        return Grain(at, who, 0.3 + 0.4 * ((0.31 * self.number) % 1.0), 2.0, 1.0, tune, 0.4, 0.5 * (-1) ** self.number, "hann", 260.0)

    def draw(self, now: Now) -> Layer:
        levels = self.levels * (1.0 + min(1.0, 4.0 * self.state.prior))
        return dreamed.frame().contours(levels=min(24.0, levels), frames=self.frames, ghost=min(1.0, self.ghost + 0.3 * self.woken)).feedback(trail=0.82)

    def wants(self) -> float:
        return 0.1 + 0.8 * max(0.0, (self.state.autonomy - 0.6) / 0.4)
