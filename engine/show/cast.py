"""The scenes of a show and their files: loaded at the start, rehearsed when they are saved, aside when they err.

A file that cannot be loaded costs the show that scene, not the start. `keep` holds the last good version of each, and the
one before: a file that became bad between two starts, or that stopped the loop, is played as it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from engine.core.errors import nearest
from engine.core.guard import FAULTS, Guard
from engine.core.messages import Trouble
from engine.show.guarded import GuardedScene
from engine.show.rehearsal import Rehearsal, tried
from engine.show.scene import Scene, SceneError, UnknownMessage, load
from engine.stage.layer import own_shaders

log = logging.getLogger("engine.show.cast")
BEFORE = "before"  # the folder in `keep` of the versions before the last good ones
GOOD = 90  # frames that a version has drawn without a mistake before it counts as good


class Cast:
    """All scenes that can be played, by name. Loop thread only; never waits.

    `make` makes a scene of a file. `tell` hears what is wrong with a file or a scene. `hung`: digests of versions that once
    stopped the loop: they are not played again. `played`: digests of the versions that played before a fall, by scene: they
    need no rehearsal, and what was saved since is rehearsed beside the show. Raises SceneError if nothing can be played.
    """

    def __init__(
        self, paths: Iterable[Path], tell: Callable[[Trouble], None] = lambda trouble: None, keep: Path | None = None,
        hung: frozenset[str] = frozenset(), enter: Callable[[str, float], None] = lambda name, version: None,
        make: Callable[[Path], Scene] = tried, played: Mapping[str, str] | None = None,
    ):  # fmt: skip
        self.paths = {path.stem: path for path in paths}
        self.keep, self.hung, self.enter, self.tell, self.make = keep, hung, enter, tell, make
        self.played = played or {}
        self.guard = Guard("scene", tell)
        self.scenes: dict[str, GuardedScene] = {}
        self.broken: dict[str, str] = {}  # name -> what is wrong with its file
        self.serial = 1  # counts scenes that came
        self._seen: dict[str, int] = {}
        self._digests: dict[str, str] = {}  # of the versions that play
        self._kept: dict[str, str] = {}  # of the versions in `keep`
        self._trials: dict[str, tuple[Rehearsal, int]] = {}
        for name, path in self.paths.items():
            self._seen[name] = _stamp(path)
            self._load(name, path)
        if not self.scenes:
            raise SceneError("; ".join(self.broken.values()) or "there is no scene to play")

    def __getitem__(self, name: str) -> GuardedScene:
        """A scene. Raises UnknownMessage naming the nearest, or what is wrong with its file."""
        if name in self.scenes:
            return self.scenes[name]
        raise UnknownMessage(self.broken.get(name) or f"no scene is called {name}; {nearest(name, self.scenes)}")

    def after(self, name: str) -> str:
        """The scene that plays where this one cannot: the next that has not stepped aside; itself, if there is none."""
        names = sorted({*self.scenes, name})
        at = names.index(name)
        turn = [other for other in (*names[at + 1 :], *names[:at]) if other in self.scenes and not self.scenes[other].aside]
        return next(iter(turn), name if name in self.scenes else next(iter(self.scenes)))

    def _load(self, name: str, path: Path) -> None:
        """The file itself, or else its last good version, or else the one before: the last may be what stopped the loop."""
        own_shaders(path.parent / "shaders")  # of all its versions
        earlier = [one for one in (self.keep / path.name, self.keep / BEFORE / path.name) if one.exists()] if self.keep else []
        saved = name in self.played and path.exists() and digest(path) not in (self.played[name], *self.hung)  # rehearsed by nobody yet
        if name in self.played:
            earlier.sort(key=lambda version: digest(version) != self.played[name])
        for version in earlier if saved else (path, *earlier):
            entering = self._entering(digest(version))
            entering(name)
            try:
                if digest(version) in self.hung:
                    raise SceneError(f"{version}: this version stopped the whole show once, and waits until it is changed")
                make = load if self.played.get(name) == digest(version) else self.make
                self.scenes[name] = GuardedScene(name, make(version), self.guard, entering)
            except FAULTS as wrong:
                self.broken.setdefault(name, str(wrong) if isinstance(wrong, SceneError) else f"{version}: {wrong}")
                continue
            finally:
                entering("")
            self._digests[name] = digest(version)
            if version is not path:
                why = f"{path.name} was saved just before the fall" if saved else self.broken[name]
                self._say(f"{why}; its last good version plays")
            break
        else:
            self.broken.setdefault(name, f"{path}: it was saved just before the fall, and waits for its rehearsal")
            self._say(f"{self.broken[name]}; the show plays without {name}")
        if saved:
            self._seen[name] = 0  # it is rehearsed as soon as the show plays

    def _entering(self, version: str) -> Callable[[str], None]:
        """Told when hooks of this version begin and end."""
        number = mark(version)
        return lambda name: self.enter(name, number)

    def _say(self, what: str) -> None:
        log.error("%s", what)
        self.tell(Trouble("scene", what))

    # --- hot reload

    def look(self) -> list[str]:
        """Look at the files: one that was saved is tried elsewhere, one that has passed is taken in. Names that are new."""
        new = []
        for name, path in self.paths.items():
            stamp = _stamp(path)
            if name in self._trials:
                if self._judge(name, path, stamp):
                    new.append(name)
            elif stamp and stamp != self._seen[name]:
                self._seen[name] = stamp
                self._trials[name] = Rehearsal(path), stamp
            if name in self.scenes and self.scenes[name].shown >= GOOD:
                self._remember(name, path)
        return new

    @property
    def trying(self) -> bool:
        """Whether a file is on trial just now."""
        return bool(self._trials)

    def _judge(self, name: str, path: Path, stamp: int) -> bool:
        trial, tried = self._trials[name]
        wrong = trial.verdict()
        if wrong is None:
            return False
        del self._trials[name]
        if stamp != tried:  # it was saved again meanwhile: that version is what counts
            self._seen[name] = 0
            return False
        try:
            fresh = load(path) if not wrong else None
        except FAULTS as refused:
            wrong, fresh = str(refused), None
        if fresh is None:
            stays = "the last good one stays" if name in self.scenes else "the show goes on without it"
            self._say(f"{path.name} does not play ({wrong}); {stays}")
            return False
        self._take(name, fresh, path)
        return True

    def _take(self, name: str, fresh: Scene, path: Path) -> None:
        if name in self.scenes:
            old = self.scenes[name].scene
            fresh.values = {k: v for k, v in old.values.items() if k in fresh.params()}
            fresh.words, fresh.saying, fresh.asked = old.words, old.saying, old.asked
            fresh.spoke, fresh.state = old.spoke, old.state
        self.scenes[name] = GuardedScene(name, fresh, self.guard, self._entering(digest(path)))
        self._digests[name] = digest(path)
        self.broken.pop(name, None)
        self.serial += 1
        log.info("%s was reloaded", path.name, extra={"kind": ""})

    def _remember(self, name: str, path: Path) -> None:
        """Keep a version that has played long enough, once."""
        playing = self._digests[name]
        if self.keep is None or self._kept.get(name) == playing or self.scenes[name].errors:
            return
        self._kept[name] = playing
        threading.Thread(target=_copy, args=(path, self.keep, playing), name="last good scene", daemon=True).start()

    def digest(self, name: str) -> str:
        """Of the version of a scene that plays; "" where there is none."""
        return self._digests.get(name, "")

    def close(self) -> None:
        """End what is on trial."""
        for trial, _ in self._trials.values():
            trial.close()


def _copy(path: Path, folder: Path, version: str) -> None:
    """Keep a file in a folder, if it is still this version. A full disk costs the copy, nothing else."""
    with contextlib.suppress(OSError):
        text = path.read_bytes()
        if hashlib.sha256(text).hexdigest() == version:
            (folder / BEFORE).mkdir(parents=True, exist_ok=True)
            if (folder / path.name).exists() and (folder / path.name).read_bytes() != text:
                (folder / path.name).replace(folder / BEFORE / path.name)
            fresh = folder / f"{path.name}.new"
            fresh.write_bytes(text)
            fresh.replace(folder / path.name)


def digest(path: Path) -> str:
    """Hash (hex) of a file. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mark(version: str) -> float:
    """A digest as a number that stands in a pulse: its first 48 bits."""
    return float(int(version[:12], 16))


def _stamp(path: Path) -> int:
    """When a file was last written, ns; 0 where there is none just now (an editor is writing it)."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
