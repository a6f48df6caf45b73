"""Gap: what the picture remembers that the words did not.

Two streams of grains tell of the same memories: one as the words recall them, one as the picture does. Where they agree
it is one voice; the gap drives them apart in time and pitch.
"""

import random

from engine import Dream, Grain, Keystroke, Layer, Now, Param, Scene, Text, dreamed


class Gap(Scene):
    trail = Param(0.72, high=0.98)  # how slowly light fades
    density = Param(9.0, high=60.0)  # grains a second while the picture moves
    bed = Param(0.22)  # loudness of the picture itself, under the voices

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(0)
        self.owed = 0.0  # grains that are due
        self.breath = 0.0  # seconds until the next breath of the bed
        self.typing = 0.0  # 0..1, falls off by itself
        self.pending: list[Grain] = []
        self.heard = ""

    def hear(self, text: Text) -> None:
        self.heard = text.words

    def key(self, stroke: Keystroke, now: Now) -> None:
        self.typing = min(1.0, self.typing + 0.08)
        self.pending.append(Grain(now.time, source=-1, duration=0.03, gain=0.05 + 0.02 * stroke.bits, envelope="perc"))

    def update(self, now: Now) -> None:
        self.typing *= 1.0 - now.dt / 2.0
        if self.heard:
            self.pending.extend(rhythm(self.heard, now))
            self.heard = ""

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2)

    def sound(self, now: Now):
        yield from self.pending
        self.pending = []
        yield from self.breathe(now)
        state, draw = self.state, self.random
        ancestors = state.lineage.top(8)
        moving = min(1.0, 0.25 + state.motion) + self.typing
        self.owed += self.density * moving * now.dt
        while self.owed >= 1.0 and ancestors:
            self.owed -= 1.0
            who = draw.choices(ancestors, [a.share + 1e-6 for a in ancestors])[0]
            voice = Grain(
                now.time + draw.random() * now.dt,
                source=who.unit,
                position=draw.random(),
                duration=0.25 + 0.5 / (1 + who.depth),
                gain=0.10 + 0.5 * who.share,
                pan=2.0 * who.x - 1.0,
                detune=2.0 * (state.displacement - 0.5) * draw.uniform(-0.3, 0.3),
            )
            yield voice
            yield apart(voice, state.gap, draw)

    def breathe(self, now: Now):
        """The picture itself, sonified: long overlapping breaths under everything."""
        self.breath -= now.dt
        if self.breath <= 0.0:
            self.breath = 0.45
            for pan in (-0.7, 0.7):
                yield Grain(now.time, position=self.random.random(), duration=1.6, gain=self.bed * self.state.light, pan=pan)

    def draw(self, now: Now) -> Layer:
        return dreamed.frame().feedback(trail=self.trail).grade(light=0.55 + 0.45 * self.state.light)

    def wants(self) -> float:
        return 0.35 + 0.5 * self.state.gap


def apart(voice: Grain, gap: float, draw: random.Random) -> Grain:
    """The same memory as the picture has it: at gap 0 in unison, at 1 up to a fifth of a second and a semitone away."""
    return Grain(
        voice.time + 0.2 * gap * draw.random(),
        voice.source,
        voice.position,
        voice.duration,
        gain=0.8 * voice.gain,
        pan=-voice.pan,
        detune=voice.detune + gap * draw.uniform(-1.0, 1.0),
    )


def rhythm(words: str, now: Now):
    """A sentence that was given: one click at once, then a soft beat for each of its words, as long as the word."""
    yield Grain(now.time, source=-1, duration=0.05, gain=0.3, envelope="perc")
    when = now.time + 0.25
    for word in words.split()[:24]:
        yield Grain(when, source=0, position=(len(word) % 7) / 7, duration=0.05 + 0.02 * len(word), gain=0.25, envelope="perc")
        when += 0.09 + 0.025 * len(word)
