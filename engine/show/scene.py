"""What an artist writes: one class, parameters as attributes, a few hooks. One hears, one changes, three describe.

    class Gap(Scene):
        trail = Param(0.92, low=0, high=0.99)        # how slowly light fades
        def draw(self, now): return dreamed.feedback(trail=self.trail)

Hooks return frozen values and touch nothing, so a scene is tested without a GPU, a model or a sound card.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import re
import sys
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, overload

from engine.core import foreign
from engine.core.clock import Now
from engine.core.errors import Plain, nearest
from engine.core.messages import Dream, Grain, Keystroke, Message, Node, Set, State, Text, Told, Touch, Value
from engine.show.spelling import mistakes, unknown
from engine.stage.layer import Layer, dreamed, own_shaders

SCENES = Path(__file__).parents[2] / "scenes"
EXAMPLES = SCENES / "examples"  # found by name, but no part of the show: each teaches one thing


class Param:
    """A number that a scene reads and anyone may turn: an OSC address, an OSCQuery node, a slider, a line of text.

    The comment on its line in the scene's file is its description. Values are held between `low` and `high`.
    """

    def __init__(self, default: float, low: float = 0.0, high: float = 1.0, text: str = ""):
        if not low <= default <= high:
            raise ValueError(f"a Param's default {default} lies outside of {low}..{high}; low= and high= say where it may lie")
        self.default, self.low, self.high, self.text = float(default), float(low), float(high), text
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, scene: None, owner: type) -> Param: ...
    @overload
    def __get__(self, scene: Scene, owner: type) -> float: ...
    def __get__(self, scene: Scene | None, owner: type) -> Param | float:
        return self if scene is None else scene.values.get(self.name, self.default)

    def __set__(self, scene: Scene, value: float) -> None:
        scene.values[self.name] = min(self.high, max(self.low, float(value)))


class Scene:
    """A scene in its plainest form: it dreams the newest words, silently, and shows the dream."""

    because = "of the state of things"  # why it wants the wall, for the log: "somebody is typing"

    beta = Param(0.25, text="how far the picture's own memory turns the words")
    rho = Param(0.0, text="how far the picture is stretched away from its words")
    gamma = Param(0.5, high=4, text="how fast famous memories tire")
    strength = Param(0.2, text="how much of what was composed is dreamt anew")  # .2 is all that the small model bears; SD-Turbo wants .6
    feedback = Param(0.35, text="how much of the last picture the next one keeps")
    counter = Param(0.75, text="how hard it is countered when pictures come to be alike")
    prior = Param(1.0, text="how much of what the nights have learned the noise has")
    producers = Param(0.0, text="how far the producer at work leads the forces")

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.words = ""
        self.saying = ""  # key of the text whose words these are
        self.asked = 0.0  # monotonic seconds at which the words came
        self.spoke = -1e9  # scene seconds at which somebody last spoke
        self.state = State()
        self.seed = 0

    # hooks

    def hear(self, text: Text) -> None:
        """Somebody wrote something; `self.words` already holds it."""

    def key(self, stroke: Keystroke, now: Now) -> None:
        """Somebody is typing: rhythm and surprise, never the letter."""

    def touch(self, touch: Touch, now: Now) -> None:
        """Somebody points at a place of the wall."""

    def told(self, told: Told) -> None:
        """The mind says whose the touched place is."""

    def update(self, now: Now) -> None:
        """Move the scene's own state by one tick of `now.dt` seconds."""

    def dream(self, now: Now) -> Dream:
        """The picture wanted now."""
        return self.wish()

    def sound(self, now: Now) -> Iterable[Grain]:
        """The grains that begin within this tick, stamped from `now.time` on."""
        return ()

    def draw(self, now: Now) -> Layer:
        """What the wall shows now."""
        return dreamed

    def wants(self) -> float:
        """0..1: how much this scene wants the wall in the present state; the programme weighs it against others. 0: it gives way at once."""
        return 0.5

    # what hooks build upon

    def wish(self, **changes: Any) -> Dream:
        """A Dream of the present words with this scene's forces; `changes` override single fields."""
        forces: dict[str, Any] = {
            "words": self.words, "beta": self.beta, "rho": self.rho, "gamma": self.gamma, "strength": self.strength,
            "feedback": self.feedback, "counter": self.counter, "prior": self.prior, "producers": self.producers, "seed": self.seed, "at": self.asked, "key": self.saying,
        }  # fmt: skip
        return Dream(**(forces | changes))

    @classmethod
    @functools.lru_cache(maxsize=64)
    def params(cls) -> dict[str, Param]:
        """All parameters by name, those of the base first."""
        bases = reversed(cls.__mro__)
        return {name: value for base in bases for name, value in vars(base).items() if isinstance(value, Param)}

    def receive(self, message: Message, now: Now) -> None:
        """Take in one message; raises UnknownMessage for a parameter that this scene does not have."""
        match message:
            case Text():
                self.words, self.saying, self.asked, self.spoke = message.words, message.key, message.at, now.time
                self.hear(message)
            case Keystroke():
                self.key(message, now)
            case Touch():
                self.touch(message, now)
            case Set(address, args):
                self.set(address.rsplit("/", 1)[-1], args)

    def forget(self, key: str) -> None:
        """Somebody took back what they said: its words are no longer asked for."""
        if key == self.saying:
            self.words = self.saying = ""

    def set(self, name: str, args: tuple[Value, ...]) -> None:
        """Turn one parameter. Raises UnknownMessage naming the nearest, or what the parameter wants."""
        if name not in self.params():
            raise UnknownMessage(f"{type(self).__name__.lower()} has no {name}; {nearest(name, self.params())}")
        match args:
            case (bool() | int() | float() as value,):
                setattr(self, name, float(value))
            case _:
                raise UnknownMessage(f"{name} wants one number, found {list(args)}")

    def nodes(self, prefix: str) -> tuple[Node, ...]:
        """This scene's parameters as addresses under `prefix`."""
        told = descriptions(type(self))  # type: ignore[arg-type]  # mypy takes the hash of its instances for its own
        return tuple(
            Node(f"{prefix}/{name}", "f", told.get(name, ""), (getattr(self, name),), p.low, p.high)
            for name, p in self.params().items()
        )


class UnknownMessage(Exception):
    """A message means nothing here; says what would."""


class SceneError(Plain):
    """A scene file cannot be played; the message says what to change."""


HOOKS = ("hear", "key", "touch", "told", "update", "dream", "sound", "draw", "wants")


@functools.lru_cache(maxsize=64)
def descriptions(kind: type[Scene]) -> dict[str, str]:
    """Each parameter's description: its `text`, or else the comment on its line. Read once: finding a class in its
    file takes 8 ms, and values are told thirty times a second."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        named = {name: p.text for name, p in vars(base).items() if isinstance(p, Param)}
        if named:
            try:
                source = inspect.getsource(base)
            except (OSError, TypeError):  # made in a console: there is no file to read comments from
                source = ""
            comments = dict(re.findall(r"^\s+(\w+) = Param\(.*?\)\s*#\s*(.+)$", source, re.M))
            told |= {name: text or comments.get(name, "") for name, text in named.items()}
    return told


def files(folder: Path = SCENES) -> Iterator[Path]:
    """The scene files of a folder; what a Mac or an editor leaves beside them ("._gap.py", ".gap.py.swp") is none."""
    yield from (path for path in foreign.files(folder, (".py",)) if not path.name.startswith("_"))


def find(name: str, folders: tuple[Path, ...] = (SCENES, EXAMPLES)) -> Path:
    """The file of a scene by name or path. Raises SceneError naming the nearest."""
    path = Path(name)
    if path.suffix == ".py":
        if path.exists():
            return path
        raise SceneError(f"{path}: no such file")
    for folder in folders:
        if (folder / f"{name}.py").exists():
            return folder / f"{name}.py"
    raise SceneError(f"no scene is called {name}; {nearest(name, (p.stem for folder in folders for p in files(folder)))}")


def load(path: Path) -> Scene:
    """Import a scene file and make the one Scene that it defines. Raises SceneError with file and line.

    Shaders in a folder `shaders` beside the file are verbs, too.
    """
    name = f"scenes.{path.stem}"
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # inspect.getsource needs it, for the comments on the parameters
    linecache.checkcache(str(path))
    own_shaders(path.parent / "shaders")
    tree = None
    try:
        # not through the import system: its bytecode cache goes by whole seconds and size, and a typo has the same size
        source = foreign.text(path)
        tree = ast.parse(source, str(path))
        exec(compile(tree, str(path), "exec"), module.__dict__)
        found = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Scene)]
        found = [v for v in found if v.__module__ == name]
        if len(found) != 1:
            raise SceneError(f"{path}: defines {len(found)} Scene classes, one is wanted")
        scene = found[0]()
        if "values" not in vars(scene):
            line = found[0].__init__.__code__.co_firstlineno
            raise SceneError(f"{path}:{line}: __init__() has to begin with super().__init__()")
    except SceneError:
        raise
    except (Exception, SystemExit) as wrong:
        _spell(path, tree, module)
        if isinstance(wrong, NameError) and wrong.name and tree:
            raise SceneError(f"{path}{line_of(wrong, path)}: {unknown(wrong.name, tree, vars(module))}") from wrong
        raise SceneError(f"{path}{line_of(wrong, path)}: {type(wrong).__name__}: {wrong}") from wrong
    _spell(path, tree, module, scene)
    return scene


def _spell(path: Path, tree: ast.Module | None, module: types.ModuleType, scene: Scene | None = None) -> None:
    """Raise SceneError for the first name that is misspelt."""
    for line, what in mistakes(tree, vars(module), Scene, HOOKS, scene) if tree else ():
        raise SceneError(f"{path}:{line}: {what}")


def line_of(wrong: BaseException, path: Path) -> str:
    """The deepest line of the scene's own file in a traceback, as ':12'."""
    if isinstance(wrong, SyntaxError):
        return f":{wrong.lineno}"
    lines = []
    trace = wrong.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f":{lines[-1]}" if lines else ""
