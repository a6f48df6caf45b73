"""A saved scene is tried in a process of its own before it plays: a loop without end costs the wall nothing there.

    python -m engine.show.rehearsal scenes/gap.py

prints nothing where the scene plays, else one line that says what is wrong. The rehearsal says words, types, touches,
shows pictures with and without lineage and gap, turns every parameter to its ends, and lets minutes pass.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.core.clock import Clock, Now
from engine.core.guard import FAULTS
from engine.core.messages import (
    GENES,
    Ancestor,
    Dream,
    Grain,
    Keystroke,
    Lineage,
    Message,
    News,
    Producer,
    Set,
    State,
    Text,
    Told,
    Touch,
)
from engine.loop import NullMind, NullStage, ScriptedDoors, perform
from engine.show import hooks
from engine.show.scene import Scene, SceneError, line_of, load
from engine.stage.layer import Layer

SECONDS = 4.0  # at sixty frames a second
MINUTES = 10.0  # after those, at a frame each second
PATIENCE = 60.0  # seconds that a rehearsal may take
CPU = 4  # seconds of computing after which it counts as a loop without end: our own scenes take .3
MEMORY = 8 << 30  # bytes of address space


class Solo:
    """One scene as a show: what rehearsals and tests play. Raises HookError where a hook returns what cannot be played."""

    def __init__(self, scene: Scene):
        self.scene = scene

    def receive(self, message: Message, now: Now) -> None:
        self.scene.receive(message, now)

    def update(self, now: Now, state: State) -> None:
        self.scene.state = state
        self.scene.update(now)

    def dream(self, now: Now) -> Dream:
        return hooks.dream(self.scene, now)

    def sound(self, now: Now) -> Iterable[Grain]:
        heard: list[Grain] = []
        hooks.grains(self.scene, now, heard)
        return heard

    def draw(self, now: Now) -> Layer:
        hooks.wants(self.scene)
        return hooks.layer(self.scene, now)

    def learn(self, news: News) -> None:
        if isinstance(news, Told):
            self.scene.told(news)

    def values(self) -> dict[str, tuple[float | int | str | bool | bytes, ...]]:
        return {node.address: node.value for node in self.scene.nodes("/hm")}


class Minutes(NullStage):
    """A dark stage that shows some seconds frame by frame, and then some minutes by the second."""

    def __init__(self) -> None:
        self.fine = int(SECONDS * 60)
        super().__init__(self.fine + int(MINUTES * 60))

    def show(self, layer: Layer, at: float) -> None:
        self.shown.append(layer)
        self.time += 1 / 60 if len(self.shown) < self.fine else 1.0


PEOPLE = tuple(
    Ancestor(7 * n, 0.3 / n, ("founding", "visitor", "machine")[n % 3], n, n, (0.1 * n,) * 16, n / 9, 1 - n / 9) for n in range(1, 9)
)
FULL = State(
    picture=9, words="the sea at night", asked=1.0, made=2.0, degree=2, gap=0.4, beta=0.25, neff=9.0, largest=0.2, displacement=0.3,
    light=0.5, standard=0.2, aura=0.4, prior=0.01, gini=0.3, retro=0.5, producers=(Producer(1, (0.5,) * len(GENES)),), autonomy=0.1, flow=6.0, spread=0.2, shadow=0.4, copied=9, doubt=0.3,
    film="carried", continuation=12.0, chunk=8, turned=0.3, fidelity=1.0, seam=0.6, rival=2, rivals=(("oil", 40.0), ("ink", 12.0)), beside=0.3,
    motion=0.8, mass=240.0, fragments=240, kinds=(0.5, 0.2, 0.1, 0.1, 0.1),
    authors=(0.3, 0.3, 0.4), lineage=Lineage(PEOPLE, 0.1, 40, 8), readback=("sea", "night"), caption="sea and night",
)  # fmt: skip
STATES = (
    State(), FULL, replace(FULL, gap=1.0, light=0.0, motion=40.0, standard=1.0, aura=0.0, gini=1.0, retro=30.0, producers=(), autonomy=1.0),
    replace(FULL, gap=0.0, light=1.0, motion=0.0, lineage=Lineage(PEOPLE[:1], 0.0, 1, 0)), State(), FULL,
)  # fmt: skip


class Remembering(NullMind):
    """A mind that has nothing, then much, then extremes, then nothing again, and that answers every touch."""

    def __init__(self, stage: Minutes):
        self.stage = stage
        self.asked: list[Dream] = []
        self._told: list[News] = []

    @property
    def state(self) -> State:  # type: ignore[override]
        return STATES[min(len(STATES) - 1, len(self.stage.shown) * len(STATES) // self.stage.fine)]

    def hear(self, message: Message) -> None:
        if isinstance(message, Touch):
            self._told.append(Told("", self.state.lineage.ancestors, ("sea", "night")[: len(self.state.lineage.ancestors)]))

    def news(self) -> tuple[News, ...]:
        told, self._told = tuple(self._told), []
        return told


class Visitors(ScriptedDoors):
    """Somebody types, says something, touches; and turns everything to its ends."""

    def __init__(self, scene: Scene, stage: Minutes):
        super().__init__()
        self.stage, self.done = stage, 0
        self.turned = [Set(f"/hm/{name}", (end,)) for name, p in scene.params().items() for end in (p.high, p.low, p.default)]

    def drain(self) -> list[Message]:
        """Four times within the seconds, and once a minute afterwards."""
        part = len(self.stage.shown) * 4 // self.stage.fine
        if part < self.done or (part >= 4 and len(self.stage.shown) % 60):
            return []
        self.done = part + 1
        at = self.stage.time
        words = ("the sea at night", "une très longue phrase " * 12, "🌊", "a")[part % 4][:280]
        typed: list[Message] = [Keystroke(3.0, at=at), Keystroke(0.0, deleted=True, at=at)]
        return [*typed, Text(words, key=f"rehearsal-{part}", at=at), Touch(0.2, 0.4, at=at), Touch(1.0, 1.0), *self.turned]


def rehearse(scene: Scene) -> None:
    """Play a scene in the dark with a mind, visitors and minutes. Raises what it would raise on stage, or HookError."""
    stage = Minutes()
    perform(Solo(scene), Clock(60, lambda: stage.time), Visitors(scene, stage), Remembering(stage), stage, stage)


def tried(path: Path) -> Scene:
    """A scene that has been rehearsed. Raises SceneError with file and line for what would have gone wrong on the wall."""
    try:
        rehearse(load(path))
    except SceneError:
        raise
    except hooks.HookError as wrong:
        raise SceneError(str(wrong)) from wrong
    except FAULTS as wrong:
        raise SceneError(f"{path}{line_of(wrong, path)}: {type(wrong).__name__}: {wrong}") from wrong
    return load(path)


class Rehearsal:
    """One file on trial in another process. Nobody waits for it."""

    def __init__(self, path: Path):
        self.path, self._begun = path, time.monotonic()
        root = str(Path(__file__).parents[2])
        paths = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.show.rehearsal", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip

    def verdict(self) -> str | None:
        """None while it is tried; "" for a scene that plays, else what is wrong with it, in a line."""
        if self._process.poll() is None:
            if time.monotonic() - self._begun < PATIENCE:
                return None
            self._process.kill()
        code, said = self._process.wait(), self._read()
        if code == 0:
            return ""
        return said or f"{self.path}: it does not come to an end within {CPU} s of computing; is there a loop without end?"

    def _read(self) -> str:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            return out.read(4096).decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End it, whatever it would have said. Call nothing after."""
        self._process.kill()
        self._process.communicate()


def main(argv: list[str]) -> int:
    """Rehearse one file; print what is wrong with it."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # where the system has no limits, patience has
        import resource

        os.nice(10)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    path, wrong = Path(argv[0]), ""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            tried(path)
        except SceneError as refused:
            wrong = str(refused)
    print(" ".join(wrong.split())[:2000])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
