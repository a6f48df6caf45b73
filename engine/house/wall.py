"""The stage as the loop sees it, and those who watch it from elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.core.guard import FAULTS, Guard
from engine.core.messages import Message, News, Set, State, Trouble
from engine.core.meter import Meter
from engine.house.rooms import MindRoom, PlacesRoom
from engine.loop import Mind
from engine.sound.mapping import AHEAD
from engine.stage.layer import Layer, dark
from engine.stage.outputs.encoder import Encoder
from engine.stage.outputs.live import Live
from engine.stage.outputs.recording import Recording
from engine.stage.outputs.tap import Frame, Sound
from engine.stage.shown import Shown
from engine.stage.stage import Stage

LEAD = 0.03  # seconds, and two frames, before which other walls are told of the next in-between: it is said once this frame is shown, and drawn there with the next


class Wall:
    """The live stage under the meter's eye; it closes when `over` says so. Loop thread only.

    A frame that fails is said, counted and left out: what was shown last stays. `beat` is called after each that was shown.
    """

    def __init__(
        self, stage: Stage, mind: MindRoom, meter: Meter, over: Callable[[], bool], guard: Guard,
        beat: Callable[[], None] = lambda: None, places: PlacesRoom | None = None,
    ):  # fmt: skip
        self.stage, self.mind, self.meter, self.over, self.guard, self.beat = stage, mind, meter, over, guard, beat
        self.places = places  # where other walls are told what this one shows
        self._layer = dark
        self._last = 0.0
        self._picture = 0

    @property
    def open(self) -> bool:
        return self.stage.open and not self.over()

    def hear(self, message: Message) -> None:
        if isinstance(message, Set):
            self.guard.run("mapping", self.stage.receive, message, otherwise=None)

    def show(self, layer: Layer, at: float) -> None:
        """Draw and present. `dark` alone is a panic key: black on this very frame, without a crossing."""
        self.stage.blackout = layer == dark
        if layer != dark:
            self._layer = layer
        try:
            self.stage.show(self._layer, at)
        except FAULTS as wrong:
            self.guard.note("drawing", wrong)
            time.sleep(1.0 / self.stage.fps)  # what fails at once must not keep a core busy with failing
            return
        self.beat()
        if self.places:
            self._lead(self.places, at)
        while self.stage.compositor.troubles:
            self.guard.tell(Trouble("stage", self.stage.compositor.troubles.pop(0)))
        now = time.monotonic()
        self.meter.shown(self._last, now)
        self._last = now
        picture = self.mind.picture
        if picture and picture.state.picture != self._picture:
            self._picture = picture.state.picture
            state = picture.state
            self.meter.picture(state.asked, state.made, now)


    def _lead(self, places: PlacesRoom, at: float) -> None:
        """Other walls show the same, where there are any."""
        stage, between = self.stage, self.stage.between
        between.lead = LEAD + 2.0 / stage.fps if places.walls else 0.0
        if between.lead:
            places.show(between.describe(Shown(at, layer=self._layer, blackout=stage.blackout, dimmed=stage.dimmed)))


class Seen:
    """The mind, whose state is that of the picture which the wall will show when what is played now is heard.

    Grains are stamped AHEAD seconds later, and the wall is a picture or more behind the mind: so what sounds is what
    is seen. Loop thread only.
    """

    def __init__(self, mind: Mind, stage: Stage, troubles: deque[Trouble] | None = None, places: PlacesRoom | None = None):
        self.mind, self.stage, self.places = mind, stage, places
        self.troubles = deque() if troubles is None else troubles  # what went wrong in this process, to be told with the news
        self.hear, self.request = mind.hear, mind.request

    def news(self) -> Iterator[News]:
        while self.troubles:
            yield self.troubles.popleft()
        yield from self.mind.news()
        if self.places:
            yield from self.places.news()

    @property
    def state(self) -> State:
        picture = self.stage.between.soon(AHEAD)
        return replace(picture.state if picture else self.mind.state, spread=self.stage.spread)


class Watchers:
    """A tap that encodes while somebody watches or records, and costs nothing otherwise: one encoder for both."""

    LINGER = 10.0  # seconds that the encoder runs on after the last viewer has left

    def __init__(self, live: Live, recording: Recording | None, size: tuple[int, int], fps: float, rate: int):
        self.live, self.recording, self.size, self.fps, self.rate = live, recording, size, fps, rate
        self.lost = 0
        self._encoder: Encoder | None = None
        self._alone = 0.0  # when the last viewer had left, in scene seconds
        if recording:
            self._encoder = Encoder([live, recording], size, fps, rate)

    def offer(self, frame: Frame, at: float) -> None:
        if self.live.viewers or self.recording:
            self._alone = at
            if self._encoder is None:
                self._encoder = Encoder([Kept(self.live)], self.size, self.fps, self.rate)
            self._encoder.offer(frame, at)
            self.lost = self._encoder.lost
        elif self._encoder and at - self._alone > self.LINGER:
            self._encoder.close()
            self._encoder = None

    def hear(self, samples: Sound, at: float) -> None:
        if self._encoder:
            self._encoder.hear(samples, at)

    def close(self) -> None:
        if self._encoder:
            self._encoder.close()


class Kept:
    """A sink that outlives the encoder: viewers may come back."""

    def __init__(self, live: Live):
        self.put = live.put

    def close(self) -> None:
        """The live view stays open for the next viewer."""
