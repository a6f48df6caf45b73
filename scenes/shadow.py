"""Shadow: what the copies left. The mind copies its picture, and the copy, and the copy's copy; only the residue is shown.

It is rubbed on paper: where the copies are darker than what they copy it is black, where they are lighter, red. At first
the sheet is empty. What is heard has no beginning either: breaths that swell and stop, backwards, of memories that are
no longer in the picture.
"""

from collections.abc import Iterator

from engine import Dream, Grain, Layer, Now, Param, Scene, dreamed, mapping

GONE = 1.8  # seconds until the picture that the wall had before has gone from it


class Shadow(Scene):
    because = "the picture adds nothing that was not there"

    generations = Param(96.0, low=1.0, high=400.0)  # copies until the last one is the original of the next
    pressure = Param(4.0, low=0.5, high=12.0)  # how hard the residue is rubbed
    paper = Param(0.74, low=0.2)  # how bright the paper is
    thin = Param(0.5)  # how seldom it breathes

    def __init__(self) -> None:
        super().__init__()
        self.there = 0.0  # 0..1: whether the wall shows residue yet
        self.copied = 0.0  # seconds for which there have been copies
        self.breath = 0.0  # scene seconds of the next
        self.number = 0

    def update(self, now: Now) -> None:
        self.copied = self.copied + now.dt if self.state.dream.copies else 0.0
        aim = 1.0 if self.copied > GONE else 0.0  # before the first copy there is nothing to rub, and what was on the wall is no residue
        self.there += (aim - self.there) * min(1.0, now.dt / 1.5) if aim else -self.there

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, copies=round(self.generations))

    def sound(self, now: Now) -> Iterator[Grain]:
        self.breath = max(self.breath, now.time)
        while self.breath < now.time + now.dt:
            yield from self.exhale(self.breath + mapping.AHEAD)
            self.breath += 0.55 + 1.1 * self.thin + 0.5 * ((0.569840 * self.number) % 1.0)
            self.number += 1

    def exhale(self, at: float) -> Iterator[Grain]:
        """A memory backwards, the last of the line first: louder with more residue; a faint twin, a fifth above, follows."""
        voices = mapping.chorus(self.state.lineage, 12)[::-1] or [(None, 1.0)]
        ancestor, loud = voices[self.number % len(voices)]
        who = ancestor.unit if ancestor else 0
        size = min(1.0, self.state.shadow)
        chance = (0.754877 * self.number) % 1.0
        gain, side = (0.45 + 0.5 * size) * (0.5 + 0.5 * loud), 1.6 * chance - 0.8
        bright = 1500.0 + 4500.0 * size
        yield Grain(at, who, 0.95 - 0.2 * chance, 1.9, -1.0, 12.0, gain, side, "swell", bright)
        yield Grain(at + 0.35, 0, 0.2 + 0.6 * chance, 1.6, -2.0, 7.0, 0.5 * gain, -side, "swell", bright)

    def draw(self, now: Now) -> Layer:
        return dreamed.frame(wander=0.0).rubbing(pressure=self.pressure * self.there, paper=self.paper)

    def wants(self) -> float:
        if self.state.autonomy < 0.35:  # somebody writes, and a rubbing that begins anew shows them nothing
            return 0.0
        return 0.3 + 0.45 * (1.0 - self.state.light)
