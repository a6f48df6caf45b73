"""Gap: what the picture remembers that the words did not.

Two streams of grains tell of the same memories: one as the words recall them, one as the picture does. Where they agree
it is one voice; the gap drives them apart in time and pitch. Where several futures of the picture disagree, it blurs.
"""

from collections.abc import Iterator

from engine import Dream, Grain, Layer, Murmur, Now, Param, Scene, Text, dreamed, mapping


class Gap(Scene):
    because = "the picture remembers what the words did not"

    trail = Param(0.7, high=0.98)  # how slowly light fades
    current = Param(0.008, high=0.1)  # how far slow currents carry the picture, in heights of the wall
    fade = Param(0.25)  # how dark a picture becomes that adds nothing
    murk = Param(0.6)  # how far doubt blurs

    def __init__(self) -> None:
        super().__init__()
        self.murmur = Murmur(seed=1)
        self.given = ""  # a sentence that has not sounded yet
        self.light = 1.0  # of the picture, followed slowly
        self.doubt = 0.0  # likewise
        self.events: list[Grain] = []

    def hear(self, text: Text) -> None:
        self.given = text.words

    def update(self, now: Now) -> None:
        self.doubt += (self.state.doubt - self.doubt) * min(1.0, now.dt / 1.5)
        self.light += (self.state.light - self.light) * min(1.0, now.dt / 1.5)  # in one step it would be a cut
        if self.given:
            if now.time - self.spoke < 2.0:  # what was said while another scene had the wall is not said again
                self.events += mapping.sentence(self.given, now.time, self.state)
            self.given = ""

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2)

    def sound(self, now: Now) -> Iterator[Grain]:
        yield from self.events
        self.events = []
        yield from self.murmur.grains(now.time, now.dt, self.state, self.state.flow)

    def draw(self, now: Now) -> Layer:
        light = 1.0 - self.fade * (1.0 - self.light)
        seen = dreamed.frame().doubt(amount=min(1.0, 2.0 * self.murk * self.doubt)).drift(amount=self.current)
        return seen.feedback(trail=self.trail, glow=1.0).grade(light=light, exposure=0.25)

    def wants(self) -> float:
        return 0.35 + 0.5 * self.state.gap
