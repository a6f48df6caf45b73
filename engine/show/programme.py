"""Which scene plays: a hand on the performer's key, or the state of things; never a playlist.

Scenes share one archive and one mind, so they cross through the dream; the stage dissolves one chain of verbs into
another, and what sounds goes over as slowly. Panic keys (blackout, freeze, veto) act on the next frame, whatever else
happens.

A scene keeps the wall for STAY seconds and gives it up to one that wants it more by MARGIN: that is the hysteresis. One
that does not want it at all (0) gives it up at once. It tires meanwhile (`engine/show/turns.py`), so that in a day each has its turn and none has more than a third.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import replace

from engine.core.autonomy import KEY, SENTENCE, Autonomy
from engine.core.clock import Now
from engine.core.flow import Flow
from engine.core.guard import FAULTS
from engine.core.messages import (
    Directory,
    Dream,
    Grain,
    Keystroke,
    Message,
    News,
    Node,
    Set,
    State,
    Text,
    Told,
    Trouble,
    Value,
    Withdrawn,
)
from engine.show.cast import Cast
from engine.show.directory import FIXED, state_nodes, turned
from engine.show.floor import Floor
from engine.show.guarded import GuardedScene
from engine.show.scene import Scene, UnknownMessage
from engine.show.turns import Turns
from engine.stage.layer import Layer, dark

log = logging.getLogger("engine.show.programme")

STAY = 90.0  # seconds that a scene keeps the wall before another may want it more
MARGIN = 0.15  # how much more another must want it
CROSS = 4.0  # seconds in which one scene's sound goes over into another's
REFUSED = 2.0  # seconds of dark after a veto, at least: the mind needs them to turn away
LOOK = 0.5  # seconds between looks at the scenes' files


class Programme:
    """A show made of scenes. Loop thread only.

    `hold` keeps the present scene; otherwise the scene that wants the wall most has it, with hysteresis. A scene that
    errs too often gives the wall to the next; one that was asked for has it back when its file is mended. `live` looks
    at the files while it plays.
    """

    def __init__(self, cast: Cast, start: str, hold: bool = False, seed: int = 0, live: bool = False):
        self.cast, self.live = cast, live
        self.wanted = start  # the scene that somebody asked for
        self.name = start if start in cast.scenes else cast.after(start)
        self.hold, self.blackout, self.frozen, self.vetoed = hold, False, False, False
        self.seed = seed
        self.state = State()
        self.presence = Autonomy()  # how alone the machine is
        self.flow = Flow()  # what is typed before Enter
        self.turns = Turns()  # who has had the wall, and how long
        self.leaving = ""  # the scene that had the wall before, while it is still heard
        self.others: tuple[Node, ...] = ()  # what other rooms let people turn: sound, mapping
        self.turned = 0  # counts changes of `others`
        self._measured: tuple[State | None, dict[str, tuple[Value, ...]]] = (None, {})  # a state, and its values
        self._since = 0.0  # scene seconds since which the present scene has the wall
        self._looked = 0.0
        self.trouble, self.troubles = "", 0  # what went wrong last, in any room, and how often something did
        self.said = Text("")  # the words that are present
        self.floor = Floor()  # whose sentence has the wall, and who waits
        self._last: Dream | None = None
        self._refused = (0.0, 0.0)  # when somebody vetoed (scene seconds), and when that picture was made

    @property
    def playing(self) -> GuardedScene:
        return self.cast.scenes[self.name]

    @property
    def scene(self) -> Scene:
        return self.playing.scene

    @property
    def directory_serial(self) -> int:
        """Counts changes of what can be turned."""
        return self.cast.serial + self.turned

    def receive(self, message: Message, now: Now) -> None:
        """Take in one message. What means nothing here is logged, with the nearest thing that does."""
        if isinstance(message, Text) and message.kind == "sensor":
            return  # it is remembered, and nobody: it takes neither the wall nor the machine's solitude
        self.presence.human(SENTENCE if isinstance(message, Text) else KEY, now.time)
        if isinstance(message, Text):
            return self._speak(self.floor.put(message, now.time), now)
        if isinstance(message, Keystroke):
            self.flow.key(message.bits, message.deleted, now.time)
        try:
            if isinstance(message, Set):
                self._set(message.address, message.args, now)
            else:
                self._hear(message, now)
        except UnknownMessage as unknown:
            log.warning("%s", unknown)
        except FAULTS as wrong:
            self.cast.guard.note("a message", wrong)

    def _speak(self, text: Text | None, now: Now) -> None:
        """Words that have the wall from now on."""
        if text is not None:
            self.said = text
            self._hear(text, now)

    def _hear(self, message: Message, now: Now) -> None:
        for scene in self.cast.scenes.values():  # the others listen too: none wakes up to old words
            scene.receive(message, now)

    def _set(self, address: str, args: tuple[Value, ...], now: Now) -> None:
        match address.removeprefix("/hm/").split("/"), args:
            case ["sound", _], (int() | float() as value,):  # the sound room's: here only for whoever asks for it
                self.others = tuple(turned(node, value) if node.address == address else node for node in self.others)
            case ["mapping" | "stage" | "sound" | "kinds", *_] | ["producers", _], _:
                pass  # the stage's, the sound room's, the mind's
            case ["hold" | "blackout" | "freeze" | "veto" as key], _:
                self._press(key, bool(args[0]) if args else True, now)
            case ["scene"], (str(name),):
                self.cast[name].errors = 0  # whoever asks for it may try it again
                self.play(name, now)
                self.wanted = name
            case ["scene", name, param], _:
                self.cast[name].scene.set(param, args)
            case ["seed"], (int() | float() as seed,):
                self.seed = int(seed)
            case [param], _:
                self.scene.set(param, args)
                for other in self.cast.scenes.values():  # a force that others know too stays as it is across scenes
                    if param in other.scene.params():
                        other.scene.set(param, args)
            case _:
                raise UnknownMessage(f"{address} {list(args)} means nothing here")

    def _press(self, key: str, on: bool, now: Now) -> None:
        """The performer's keys; without an argument they mean on."""
        if key == "hold":
            self.hold = on
        elif key == "blackout":
            self.blackout = on
        elif key == "freeze":
            self.frozen = on
        else:
            self.vetoed, self._refused = True, (now.time, self.state.made)

    def play(self, name: str, now: Now) -> None:
        """Give the wall to a scene. Raises UnknownMessage where there is none of that name, or it cannot be played."""
        self.cast[name]
        if name != self.name:
            self.leaving, self.name, self._since = self.name, name, now.time

    def update(self, now: Now, state: State) -> None:
        """One tick: whose words and which scene have the wall; the scenes that are seen or still heard move on."""
        self.state = state = replace(state, flow=self.flow.value(now.time))
        if not (self.frozen or self.blackout or self.vetoed):  # nobody would see it
            self._speak(self.floor.look(state, now.time), now)
        self._choose(now)
        if self.live and not 0.0 <= now.time - self._looked < LOOK:
            self._looked = now.time
            if self.wanted in self.cast.look() and self.hold:
                self.play(self.wanted, now)
        since, made = self._refused
        self.vetoed = self.vetoed and not (now.time - since > REFUSED and state.made > made)
        if self.leaving and (self._crossed(now) >= 1.0 or self.leaving not in self.cast.scenes):
            self.leaving = ""
        for name in filter(None, (self.leaving, self.name)):
            self.cast.scenes[name].update(now, state, self.seed)

    def _crossed(self, now: Now) -> float:
        """0 when the present scene got the wall .. 1 when it has it alone."""
        return min(1.0, max(0.0, (now.time - self._since) / CROSS))  # a clock may begin anew

    def _choose(self, now: Now) -> None:
        if self.playing.aside and (other := self.cast.after(self.name)) != self.name:
            log.error("%s has erred too often and gives the wall to %s", self.name, other)
            self.cast.tell(Trouble("scene", f"{self.name} has erred too often: {other} has the wall; save {self.name}.py anew"))
            self.play(other, now)
        self.turns.pass_by(self.name, now.dt)
        if self.hold or (now.time - self._since < STAY and not self._gives_way(now)):
            return
        wanting = self._wanting()
        best = max(wanting, key=lambda name: wanting[name], default=self.name)
        tired = self.turns.tired(self.name, len(wanting))
        if best == self.name or not (tired or wanting[best] > wanting.get(self.name, 0.0) + MARGIN):
            return
        log.info("%s", self._reason(best, wanting, tired, now), extra={"kind": "who has the wall"})
        self.play(best, now)

    def _gives_way(self, now: Now) -> bool:
        """Whether the present scene, once it is there, does not want the wall at all."""
        return now.time - self._since > CROSS and self.playing.wants() == 0.0

    def _wanting(self) -> dict[str, float]:
        """How much each scene wants the wall, less how tired it is of it; who has had its third does not want it."""
        scenes = {name: each for name, each in self.cast.scenes.items() if not each.aside}
        rested = {name: each for name, each in scenes.items() if not self.turns.tired(name, len(scenes))}
        for name, each in rested.items():
            if name != self.name:  # the others do not play: they are told the state when they are asked
                each.scene.state = self.state
        return {name: each.wants() - self.turns.share(name) for name, each in (rested or scenes).items()}

    def _reason(self, best: str, wanting: dict[str, float], tired: bool, now: Now) -> str:
        """Why the wall changes hands, in words."""
        had = f"{self.name} has had the wall for {(now.time - self._since) / 60:.0f} min"
        if tired:
            had += f" and {100 * self.turns.share(self.name):.0f} % of the last hour, which is enough"
        wants = f"it wants it by {wanting[best]:.2f}" + (f", {self.name} by {wanting[self.name]:.2f}" if self.name in wanting else "")
        return f"{best} has the wall, because {self.cast.scenes[best].scene.because}: {wants}; {had}"

    def dream(self, now: Now) -> Dream:
        if self._last is None or not self.frozen:
            asked, scene = self.playing.dream(now), self.scene
            mine = not asked.key and asked.words == scene.words  # `Dream(self.words)`: whose they are goes with them
            self._last = replace(asked, key=scene.saying) if mine else asked
        return replace(self._last, autonomy=round(self.presence.value(now.time), 2), flow=round(2 * self.state.flow) / 2)

    def sound(self, now: Now) -> Iterable[Grain]:
        """Grains of this tick; while scenes cross, both, at equal power. None while it is dark."""
        if self.blackout:
            return ()
        if not self.leaving:
            return self.playing.sound(now)
        come = self._crossed(now)  # power stays as it is: the roots of both parts
        parts = ((self.cast.scenes[self.leaving], math.sqrt(1.0 - come)), (self.playing, math.sqrt(come)))
        return [replace(grain, gain=grain.gain * part) for scene, part in parts for grain in scene.sound(now)]

    def draw(self, now: Now) -> Layer:
        """What the wall shows; `dark` alone is what panic keys ask for, and the stage obeys on this frame."""
        return dark if self.blackout or self.vetoed else self.playing.draw(now)

    def layers(self) -> list[Layer]:
        """What each scene draws at its first instant: for the stage to compile before the show."""
        return [scene.draw(Now(0, 0.0, 1 / 60)) for scene in self.cast.scenes.values()]

    def learn(self, news: News) -> None:
        match news:
            case Told():
                self.playing.told(news)
            case Trouble(room, what):
                self.trouble, self.troubles = f"{room}: {what}", self.troubles + 1
            case Withdrawn(key=key) if key:
                self.floor.forget(key)
                for each in self.cast.scenes.values():  # a mind that starts again must not be asked for it once more
                    each.scene.forget(key)
                if key == self.said.key:
                    self.said, self._last = Text(""), None

    # what can be turned

    def directory(self) -> Directory:
        """Every address of the instrument with its type, range and description."""
        current = self.scene.nodes("/hm")
        scenes = [node for name, each in self.cast.scenes.items() for node in each.scene.nodes(f"/hm/scene/{name}")]
        return Directory((*FIXED, *self._keys(), *current, *scenes, *self.others, *state_nodes(self.state)))

    def _keys(self) -> tuple[Node, ...]:
        names = tuple(sorted(self.cast.scenes))
        return (
            Node("/hm/scene", "s", "which scene has the wall", (self.name,), choices=names),
            Node("/hm/hold", "T", "keep the present scene", (self.hold,)),
            Node("/hm/blackout", "T", "dark on the next frame", (self.blackout,)),
            Node("/hm/freeze", "T", "ask for nothing new", (self.frozen,)),
            Node("/hm/seed", "i", "where the walk through noise starts", (self.seed,)),
            Node("/hm/state/waiting", "i", "sentences that wait for the wall", (len(self.floor.waiting),), writable=False),
            Node("/hm/state/overtaken", "i", "sentences that were answered and never had the wall: too many came at once", (self.floor.overtaken,), writable=False),
            Node("/hm/state/errors", "i", "mistakes of scenes since the start", (self.cast.guard.count,), writable=False),
            Node("/hm/state/troubles", "i", "how often something went wrong, in any room", (self.troubles,), writable=False),
            Node("/hm/state/trouble", "s", "what went wrong last", (self.trouble,), writable=False),
        )

    def values(self) -> dict[str, tuple[Value, ...]]:
        """Current value of every readable address: those of the directory, but asked for thirty times a second."""
        if self.state is not self._measured[0]:
            self._measured = self.state, {node.address: node.value for node in state_nodes(self.state) if node.readable}
        found = {node.address: node.value for node in (*self._keys(), *self.others) if node.readable}
        for prefix, scene in (("/hm", self.scene), *((f"/hm/scene/{name}", each.scene) for name, each in self.cast.scenes.items())):
            found |= {f"{prefix}/{name}": (getattr(scene, name),) for name in scene.params()}
        return found | self._measured[1]
