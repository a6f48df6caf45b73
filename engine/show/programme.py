"""Which scene plays: a hand on the performer's key, or the state of things; never a playlist.

Scenes share one archive and one mind, so they cross through the dream; the stage dissolves one chain of verbs into
another. Panic keys (blackout, freeze, veto) act on the next frame, whatever else happens.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.core.autonomy import KEY, SENTENCE, Autonomy
from engine.core.clock import Now
from engine.core.errors import nearest
from engine.core.messages import (
    Ancestor,
    Directory,
    Dream,
    Grain,
    Keystroke,
    Lineage,
    Message,
    News,
    Node,
    Set,
    State,
    Text,
    Told,
    Touch,
    Value,
    Withdrawn,
)
from engine.loop import rehearse
from engine.show.directory import FIXED, state_nodes
from engine.show.scene import Scene, SceneError, UnknownMessage, line_of, load
from engine.stage.layer import Layer, dark

log = logging.getLogger("engine.show.programme")

STAY = 90.0  # seconds that a scene keeps the wall before another may want it more
MARGIN = 0.15  # how much more another must want it
REFUSED = 2.0  # seconds of dark after a veto, at least: the mind needs them to turn away
LOOK = 0.5  # seconds between looks at the scenes' files
PEOPLE = Lineage(tuple(Ancestor(n, 0.25, x=n / 5, y=n / 5, depth=n) for n in range(1, 4)), rest=0.25, count=4, depth=3)
MIDDLE = State(picture=1, words="the sea", gap=0.5, light=0.5, motion=0.5, standard=0.5, kinds=(0.2,) * 5, lineage=PEOPLE)
SAID = (Text("the sea", key="rehearsed"), Keystroke(3.0), Touch(0.5, 0.5))


class Programme:
    """A show made of scenes. Loop thread only.

    `hold` keeps the present scene; otherwise the scene that wants the wall most has it, with hysteresis.
    """

    def __init__(self, paths: Iterable[Path], start: str, hold: bool = False, seed: int = 0):
        self.paths = {path.stem: path for path in paths}
        if start not in self.paths:
            raise SceneError(f"no scene is called {start}; {nearest(start, self.paths)}")
        self.scenes = {name: tried(path) for name, path in self.paths.items()}
        self.name = start
        self.hold, self.blackout, self.frozen, self.vetoed = hold, False, False, False
        self.seed = seed
        self.state = State()
        self.presence = Autonomy()  # how alone the machine is
        self.others: tuple[Node, ...] = ()  # what other rooms let people turn: sound, mapping
        self.directory_serial = 1  # counts changes of what can be turned
        self._since = 0.0  # scene seconds since which the present scene has the wall
        self._looked = 0.0
        self._seen = {name: path.stat().st_mtime_ns for name, path in self.paths.items()}
        self._last: Dream | None = None
        self._refused = (0.0, 0.0)  # when somebody vetoed (scene seconds), and when that picture was made

    @property
    def scene(self) -> Scene:
        return self.scenes[self.name]

    def receive(self, message: Message, now: Now) -> None:
        """Take in one message. What means nothing here is logged, with the nearest thing that does."""
        self.presence.human(SENTENCE if isinstance(message, Text) else KEY, now.time)
        try:
            if isinstance(message, Set):
                self._set(message.address, message.args, now)
            else:
                for scene in self.scenes.values():  # the others listen too: none wakes up to old words
                    scene.receive(message, now)
        except UnknownMessage as unknown:
            log.warning("%s", unknown)

    def _set(self, address: str, args: tuple[Value, ...], now: Now) -> None:
        match address.removeprefix("/hm/").split("/"), args:
            case ["sound", _], (int() | float() as value,):  # the sound room's: here only for whoever asks for it
                self.others = tuple(_turned(node, value) if node.address == address else node for node in self.others)
            case ["mapping" | "stage" | "sound" | "kinds", *_], _:
                pass  # the stage's, the sound room's, the mind's
            case ["hold" | "blackout" | "freeze" | "veto" as key], _:
                self._press(key, bool(args[0]) if args else True, now)
            case ["scene"], (str(name),):
                self.play(name, now)
            case ["scene", name, param], _:
                self._named(name).set(param, args)
            case ["seed"], (int() | float() as seed,):
                self.seed = int(seed)
            case [param], _:
                self.scene.set(param, args)
                for scene in self.scenes.values():  # a force that others know too stays as it is across scenes
                    if param in scene.params():
                        scene.set(param, args)
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

    def _named(self, name: str) -> Scene:
        if name not in self.scenes:
            raise UnknownMessage(f"no scene is called {name}; {nearest(name, self.scenes)}")
        return self.scenes[name]

    def play(self, name: str, now: Now) -> None:
        """Give the wall to a scene."""
        self._named(name)
        if name != self.name:
            self.name, self._since = name, now.time

    def update(self, now: Now, state: State) -> None:
        self.state = state
        self._choose(now)
        if now.time - self._looked >= LOOK:
            self._looked = now.time
            self._reload()
        since, made = self._refused
        self.vetoed = self.vetoed and not (now.time - since > REFUSED and state.made > made)
        self.scene.state, self.scene.seed = state, self.seed
        self.scene.update(now)

    def _choose(self, now: Now) -> None:
        if self.hold or now.time - self._since < STAY:
            return
        wanting = {name: scene.wants() for name, scene in self.scenes.items()}
        best = max(wanting, key=lambda name: wanting[name])
        if wanting[best] > wanting[self.name] + MARGIN:
            log.info("%s wants the wall more than %s (%.2f, %.2f)", best, self.name, wanting[best], wanting[self.name])
            self.play(best, now)

    def dream(self, now: Now) -> Dream:
        if self._last is None or not self.frozen:
            asked, scene = self.scene.dream(now), self.scene
            mine = not asked.key and asked.words == scene.words  # `Dream(self.words)`: whose they are goes with them
            self._last = replace(asked, key=scene.saying) if mine else asked
        return replace(self._last, autonomy=round(self.presence.value(now.time), 2))

    def sound(self, now: Now) -> Iterable[Grain]:
        return () if self.blackout else self.scene.sound(now)

    def draw(self, now: Now) -> Layer:
        """What the wall shows; `dark` alone is what panic keys ask for, and the stage obeys on this frame."""
        return dark if self.blackout or self.vetoed else self.scene.draw(now)

    def layers(self) -> list[Layer]:
        """What each scene draws at its first instant: for the stage to compile before the show."""
        return [scene.draw(Now(0, 0.0, 1 / 60)) for scene in self.scenes.values()]

    def learn(self, news: News) -> None:
        match news:
            case Told():
                self.scene.told(news)
            case Withdrawn(key=key) if key:
                for scene in self.scenes.values():  # a mind that starts again must not be asked for it once more
                    scene.forget(key)

    # what can be turned

    def directory(self) -> Directory:
        """Every address of the instrument with its type, range and description."""
        current = self.scene.nodes("/hm")
        scenes = [node for name, scene in self.scenes.items() for node in scene.nodes(f"/hm/scene/{name}")]
        names = tuple(sorted(self.scenes))
        keys = (
            Node("/hm/scene", "s", "which scene has the wall", (self.name,), choices=names),
            Node("/hm/hold", "T", "keep the present scene", (self.hold,)),
            Node("/hm/blackout", "T", "dark on the next frame", (self.blackout,)),
            Node("/hm/freeze", "T", "ask for nothing new", (self.frozen,)),
            Node("/hm/seed", "i", "where the walk through noise starts", (self.seed,)),
        )
        return Directory((*FIXED, *keys, *current, *scenes, *self.others, *state_nodes(self.state)))

    def values(self) -> dict[str, tuple[Value, ...]]:
        """Current value of every readable address."""
        return {node.address: node.value for node in self.directory().nodes if node.readable}

    # hot reload

    def _reload(self) -> None:
        """A scene file that was saved is rehearsed before it replaces the one that plays."""
        for name, path in self.paths.items():
            try:
                stamp = path.stat().st_mtime_ns
            except OSError:  # an editor is writing it just now
                continue
            if stamp == self._seen[name]:
                continue
            self._seen[name] = stamp
            try:
                fresh = tried(path)
            except Exception as wrong:
                log.error("%s does not play (%s); the last good one stays", path.name, wrong)
                continue
            old = self.scenes[name]
            fresh.values = {k: v for k, v in old.values.items() if k in fresh.params()}
            fresh.words, fresh.saying, fresh.asked, fresh.spoke = old.words, old.saying, old.asked, old.spoke
            self.scenes[name] = fresh
            self.directory_serial += 1
            log.info("%s was reloaded", path.name)


def _turned(node: Node, value: float) -> Node:
    """A node with another number, of its type and held in its range."""
    held = min(max(value, node.low if node.low is not None else value), node.high if node.high is not None else value)
    return replace(node, value=(int(held) if node.types == "i" else float(held),))


def tried(path: Path) -> Scene:
    """A scene that has been rehearsed: before the first picture, and amid memories, with somebody who writes, types and
    points. Raises SceneError with file and line for what would have gone wrong on the wall."""
    try:
        for state in (None, MIDDLE):
            show = Solo(load(path))
            rehearse(show, 0.5, SAID, state)
            show.learn(Told("", PEOPLE.ancestors))
            rehearse(show, 0.25, (), state)
            show.scene.wants()
    except SceneError:
        raise
    except Exception as wrong:
        raise SceneError(f"{path}{line_of(wrong, path)}: {type(wrong).__name__}: {wrong}") from wrong
    return load(path)


class Solo:
    """One scene as a show: what `rehearse` and tests play."""

    def __init__(self, scene: Scene):
        self.scene = scene

    def receive(self, message: Message, now: Now) -> None:
        self.scene.receive(message, now)

    def update(self, now: Now, state: State) -> None:
        self.scene.state = state
        self.scene.update(now)

    def dream(self, now: Now) -> Dream:
        return self.scene.dream(now)

    def sound(self, now: Now) -> Iterable[Grain]:
        return self.scene.sound(now)

    def draw(self, now: Now) -> Layer:
        return self.scene.draw(now)

    def learn(self, news: News) -> None:
        if isinstance(news, Told):
            self.scene.told(news)

    def values(self) -> dict[str, tuple[Value, ...]]:
        return {}

