"""Copy: one fader from reproduction to displacement, from the same everywhere to no one's.

Panels stand still until the copier's light has passed over them. At `apart` 0 all show the same picture, at the same time,
and one voice comes out of every corner; at 1 no two have the same place, moment or size, and each speaks alone. Several
outputs: give each its panel (`columns`, `rows`); what they are really apart is measured as `/hm/state/spread`.
"""

from collections.abc import Iterator

from engine import Dream, Grain, Layer, Now, Param, Scene, dreamed, mapping


class Copy(Scene):
    because = "the picture has gone far from its words"

    apart = Param(0.3)  # 0: the same everywhere .. 1: no two alike
    columns = Param(3.0, low=1.0, high=8.0)  # panels, or outputs, side by side
    rows = Param(1.0, low=1.0, high=4.0)  # one above the other
    period = Param(6.0, low=1.0, high=30.0)  # seconds of one copy
    alone = Param(0.75)  # how far they go apart by themselves as the picture goes from its words

    def __init__(self) -> None:
        super().__init__()
        self.far = 0.0  # how far apart the panels are
        self.passed: dict[int, int] = {}  # of each panel, how often the light has gone over it
        self.heard = -1e9  # scene seconds of the newest sentence that has sounded

    def update(self, now: Now) -> None:
        own = self.alone * min(1.0, max(0.0, 2.5 * (self.state.displacement - 0.2)))
        aim = max(self.apart, own) if self.apart > 0.0 else 0.0
        self.far += (aim - self.far) * min(1.0, now.dt / 2.0)
        if abs(aim - self.far) < 1e-3:
            self.far = aim

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, rho=max(self.rho, 0.6 * self.far))

    def sound(self, now: Now) -> Iterator[Grain]:
        if now.time - self.spoke < 1.0 and self.heard < self.spoke:
            self.heard = self.spoke
            yield Grain(now.time, -1, 0.0, 0.06, gain=0.5, envelope="perc", prompt=True)
        number = round(self.columns) * round(self.rows)
        voices = mapping.chorus(self.state.lineage, number)
        for panel in range(number):
            late = self.far * ((0.754877 * (panel + 0.37)) % 1.0)  # as the light of its panel
            way = now.time / self.period + late
            if self.passed.get(panel) == int(way * 16):
                continue
            self.passed[panel] = int(way * 16)
            who = voices[round(panel * self.far) % len(voices)][0].unit if voices else 0
            place = (panel + 0.5) / number - 0.5
            part = int(way * 16) % 16
            tune = self.far * (7.0 * ((0.618 * panel) % 1.0) - 3.5)
            at = now.time + mapping.AHEAD
            # The carriage: sixteen even steps from left to right, one stroke of light; a clack where it turns.
            yield Grain(at, who, part / 16, 0.16, 1.0, tune, 0.5 / number**0.5, place, "flat", 500.0 + 200.0 * part)
            if part in (0, 15):
                yield Grain(at, -1, 0.0, 0.06, 0.5 if part else 0.7, tune, 0.42 / number**0.5, place, "perc", 2500.0)

    def draw(self, now: Now) -> Layer:
        picture = dreamed.grade(exposure=0.2, contrast=1.12)
        return picture.copies(columns=self.columns, rows=self.rows, apart=self.far, period=self.period)

    def wants(self) -> float:
        return 0.3 + 0.6 * self.state.displacement
