"""What a show is made of: the command's options and the machine's facts, weighed once, before anything starts."""

from __future__ import annotations

import argparse
import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.core.errors import CannotPlay, nearest
from engine.core.hours import Hours
from engine.core.machine import HoursFacts, Machine, home
from engine.core.messages import Set, Text
from engine.doors.options import DoorsOptions
from engine.house import facts
from engine.house.checks import check_film, check_model, check_networks, check_score
from engine.house.extending import last_of
from engine.mind.memory.afar import born, is_server
from engine.mind.options import CORPORA, MindOptions
from engine.places.options import MIND, Of, checked
from engine.show.cast import Cast
from engine.show.scene import SceneError, files, find
from engine.sound.options import ENGINES, SoundOptions
from engine.stage.outputs.extras import OUTPUTS
from engine.stage.window import WindowOptions

ASKED = {"sound": ("sound",), "doors": ("osc", "web", "host", "moderation", "write_score")}  # options by the room that they are of
FPS = 30.0  # what two cores draw beside everything else; a GPU is asked for more in machine.toml


@dataclass(frozen=True)
class Plan:
    """What a show is made of, once options and machine file have been weighed. Raises CannotPlay or SceneError."""

    scenes: tuple[Path, ...]
    start: str
    hold: bool
    words: tuple[str, ...]
    settings: tuple[Set, ...]
    seed: int
    size: tuple[int, int]  # width, height; 0 = chosen at start
    fps: float
    mind: MindOptions
    sound: SoundOptions
    doors: DoorsOptions
    window: str = "headless"
    mapping: Path | None = None  # where the wall's mapping is kept
    journal: Path | None = None  # where the state of things is written down each second
    keep: Path | None = None  # where the last good version of each scene is kept
    hours: Hours = field(default_factory=lambda: Hours.of(HoursFacts()))  # when there is light
    flashes: int = 3  # a second that the wall may show: see engine/stage/eyes.py
    presets: Path = Path("presets.toml")  # where a performer's presets are kept
    beat: str = ""  # whose beat texts and scenes wait for: see engine/show/beat.py
    record: Path | None = None
    origin: Path = Path("origin")  # keys, marks and the list of what is to be signed
    seconds: float = 0.0
    machine: Machine = field(default_factory=Machine)
    elsewhere: Of | None = None  # the house's other machines, if it has any

    @property
    def dreams_here(self) -> bool:
        """Whether the mind runs on this machine."""
        return self.elsewhere is None or self.elsewhere.dreams

    @property
    def away(self) -> tuple[str, ...]:
        """Rooms of the show that another machine has: "sound", "doors"."""
        return self.elsewhere.facts.elsewhere if self.elsewhere else ()

    @property
    def names(self) -> list[str]:
        """All scenes by name, in order."""
        return sorted(path.stem for path in self.scenes)

    def said(self, start: float = 0.0) -> list[Text]:
        """What `--say` says, spread over the show, or ten seconds apart in a show without end; `at` counts from `start`."""
        spread = self.seconds / max(1, len(self.words)) if self.seconds else 10.0
        keys = [hashlib.sha256(f"{i} {words}".encode()).hexdigest()[:16] for i, words in enumerate(self.words)]  # another run's are others
        return [Text(words, "visitor", key, key, at=start + i * spread) for i, (words, key) in enumerate(zip(self.words, keys, strict=True))]


def plan(options: argparse.Namespace, machine: Machine) -> Plan:
    """Weigh the options (which win) and the machine's facts."""
    asked = find(options.scene) if options.scene else None
    scenes = {path.stem: path for path in files()}
    if asked:
        scenes[asked.stem] = asked
    where = options.home or home()
    mind = mind_of(options, machine, where)
    place = checked(machine.place)
    if place.name and "show" not in place.rooms:
        raise CannotPlay(f"[place] rooms = {list(place.rooms)}: the show is played elsewhere; `hypermnesia place run` runs what is here")
    check_model(mind.model)
    check_film(mind.film)
    check_film(mind.rival, "--rival")
    for room, given in ASKED.items():
        for name in given if room in place.elsewhere else ():
            if getattr(options, name, None) is not None:
                raise CannotPlay(f"--{name.replace('_', '-')} is of the {room}, which [place] elsewhere gives to another machine: say it there")
    sound = sound_of(options, machine)
    doors = doors_of(options, machine, where, mind)
    for kind in machine.stage.outputs:
        facts.one_of(kind, OUTPUTS, "[stage] outputs")
    return Plan(
        scenes=tuple(scenes.values()),
        start=asked.stem if asked else "gap",
        hold=asked is not None,
        words=tuple(options.say),
        settings=tuple(facts.setting(text) for text in options.set),
        seed=options.seed,
        size=facts.size(options.size) if options.size else machine.stage.size,
        fps=options.fps or machine.stage.fps,
        mind=mind,
        sound=sound,
        doors=doors,
        window=getattr(options, "window", None) or machine.stage.window,
        mapping=Path(machine.stage.mapping) if machine.stage.mapping else where / "mapping.toml",
        journal=where / "show.json",
        keep=where / "scenes",
        hours=facts.hours(machine),
        flashes=facts.flashes(machine),
        presets=where / "presets.toml",
        beat=machine.sound.beat,
        record=_record(options, machine, where),
        origin=where / "origin",
        seconds=options.seconds,
        machine=machine,
        elsewhere=Of(place, place.rooms, mind.model) if place.name else None,
    )


def sound_of(options: argparse.Namespace, machine: Machine) -> SoundOptions:
    """What the sound of this machine is started with. Raises CannotPlay."""
    device = getattr(options, "sound", None)
    return SoundOptions(
        device=(machine.sound.device if device is None else device) or None,
        host=machine.sound.host or None,
        layout=facts.layout(machine),
        rate=machine.sound.rate,
        block=machine.sound.block,
        channels=machine.sound.channels,
        latency=machine.sound.latency,
        offset=machine.sound.offset,
        gain=facts.gain(machine),
        reverb=machine.sound.reverb,
        engine=facts.one_of(machine.sound.engine, ENGINES, "[sound] engine"),
        voices=int(facts.over(machine.sound.voices, "sound", "voices")),
        units=facts.recordings(machine),
        microphone=machine.sound.microphone or None,
    )


def doors_of(options: argparse.Namespace, machine: Machine, where: Path, mind: MindOptions) -> DoorsOptions:
    """What the doors of this machine are started with; `mind`: what the house dreams with. Raises CannotPlay."""
    doors = DoorsOptions(
        name=machine.doors.name,
        host=getattr(options, "host", None) or machine.doors.host,
        osc_port=_port(options, "osc", machine.doors.osc),
        query_port=_port(options, "osc", machine.doors.osc),
        tcp_port=_port(options, "osc", machine.doors.osc) + 1 if _port(options, "osc", machine.doors.osc) > 0 else -1,
        web_port=_port(options, "web", machine.doors.web),
        moderation=facts.mode(getattr(options, "moderation", None) or machine.doors.moderation),
        home=where / "doors",
        hosts=machine.doors.hosts,
        proxies=machine.doors.proxies,
        public_url=machine.doors.public,
        phones=machine.doors.phones,
        helpline=machine.doors.helpline,
        texts=int(facts.over(machine.doors.texts, "doors", "texts")),
        idle=facts.over(machine.doors.idle, "doors", "idle"),
        advertise=machine.doors.advertise,
        score=check_score(getattr(options, "write_score", None)),
    )
    for name in (mind.model, mind.film or "embedded", mind.rival or "embedded"):
        doors = _looked_at(doors, name, machine)
    for key in ("allow", "proxies"):
        check_networks(key, getattr(machine.doors, key))
    if machine.doors.allow:
        doors = replace(doors, osc_allow=machine.doors.allow, web_allow=machine.doors.allow)
    if machine.doors.token:
        doors = replace(doors, token=machine.doors.token)
    return doors


def mind_of(options: argparse.Namespace, machine: Machine, where: Path) -> MindOptions:
    """What the mind of this machine is started with. Raises CannotPlay."""
    return MindOptions(
        model=getattr(options, "model", None) or machine.mind.model,
        film=str(getattr(options, "film", None) or machine.mind.film),
        rival=str(getattr(options, "rival", None) or machine.mind.rival),
        first=last_of(options.extends, where / "origin", machine.origin) if getattr(options, "extends", None) else b"",
        archive=where / "archive",
        server=_server(machine),
        size=(machine.mind.size, machine.mind.size),
        seed=getattr(options, "seed", 0),
        site=machine.mind.site,
        keyframe=facts.over(machine.mind.keyframe, "mind", "keyframe"),
        idle=facts.over(machine.mind.idle, "mind", "idle"),
        founding=machine.mind.founding,
        corpus=_corpus(options, machine, where / "archive"),
        threads=machine.mind.threads,
        device=machine.mind.device,
        compiled=machine.mind.compiled,
        terms=facts.terms(machine.contract),
        shares=machine.place.rooms == (MIND,),
    )


def _corpus(options: argparse.Namespace, machine: Machine, archive: Path) -> str:
    """The founding corpus: what was asked for, else what the archive was born with, else the machine's. Raises CannotPlay for another."""
    asked = getattr(options, "corpus", None)
    wanted = asked or machine.mind.corpus
    if wanted not in CORPORA:
        raise CannotPlay(f"there is no founding corpus {wanted!r}; {nearest(wanted, CORPORA)}")
    kept = born(archive, _server(machine), machine.mind.site)
    if asked and kept and asked != kept:
        raise CannotPlay(f"the memory in {archive} was born with the corpus {kept}, not {asked}; --home FOLDER begins another")
    return kept or wanted


def _server(machine: Machine) -> str:
    """Where the memory lies, "" for here. Raises CannotPlay for an address that nobody can reach."""
    where = machine.memory.archive
    if where and not is_server(where):
        raise CannotPlay(f"[memory] archive = {where!r}: a server is named like postgresql://user@host/name; a folder of this machine is --home FOLDER")
    return where


def _looked_at(doors: DoorsOptions, model: str, machine: Machine) -> DoorsOptions:
    """A general model can paint what nobody should see, and nothing here looks at its pictures: then a person reads first.

    The embedded model can only paint what it was taught.
    """
    if model in ("embedded", "composed") or machine.doors.unchecked or doors.moderation in ("moderated", "curated"):
        return doors
    why = (f"{model} is a general model and nothing looks at its pictures, so every text waits for the operator; "
           "[doors] unchecked = true lets free text reach the wall")  # fmt: skip
    return replace(doors, moderation="moderated", unchecked=why)


def cast_of(plan: Plan, **more: Any) -> Cast:
    """The scenes of a show. Raises SceneError where the one that was asked for cannot be played, in any version."""
    cast = Cast(plan.scenes, **more)
    if plan.hold and plan.start not in cast.scenes and not (cast.hung or cast.played):
        raise SceneError(cast.broken[plan.start])
    return cast


def _record(options: argparse.Namespace, machine: Machine, where: Path) -> Path | None:
    """The file that recordings are called after: the option's, else the machine's, there beside the memory."""
    given = getattr(options, "record", None)
    if given or not machine.record.file:
        return Path(given) if given else None
    return where / Path(machine.record.file).expanduser()


def _port(options: argparse.Namespace, name: str, fact: int) -> int:
    given = getattr(options, name, None)
    return fact if given is None else int(given)


@dataclass(frozen=True)
class WallFacts:
    """What one more wall is made of."""

    size: tuple[int, int]
    window: WindowOptions | None
    fps: float
    mapping: Path | None
    flashes: int


def wall_of(machine: Machine) -> WallFacts:
    """For a machine that is one wall of several. Raises CannotPlay."""
    stage = machine.stage
    return WallFacts(stage.size, _window(stage.window, machine), stage.fps or FPS, Path(stage.mapping) if stage.mapping else None, facts.flashes(machine))


def window_of(plan: Plan) -> WindowOptions | None:
    """A window where one was asked for, or where there is a display and nobody said otherwise."""
    return _window(plan.window, plan.machine)


def _window(asked: str, machine: Machine) -> WindowOptions | None:
    there = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if asked == "headless" or (asked == "auto" and not there):
        return None
    return WindowOptions(fullscreen=asked == "fullscreen", monitor=machine.stage.monitor)
