"""`hypermnesia doctor` on a good machine, and on twenty-seven that a hand has broken: each trouble is named, and no other."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import fcntl
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.machine import DoorsFacts, GalleryFacts, HoursFacts, Machine, SoundFacts, StageFacts
from engine.house import doctor
from engine.house.brought import Finding, scenes, shaders
from engine.house.surroundings import Site, surroundings
from engine.mind.memory.archive import Archive

FONTS = {"ja", "zh-cn", "ar", "hi"}


class Bench:
    """A good machine on a desk, to be broken: its kernel's files, its memory, its facts, its clock, its programs."""

    def __init__(self, folder: Path):
        self.root, self.home, self.other = folder / "root", folder / "home", Path("/dev/shm") / f"hm-{folder.name}"
        self.machine = Machine(sound=SoundFacts(device="null"), doors=DoorsFacts(osc=0, web=0))
        self.now, self.free, self.fonts, self.open = time.time(), 50 << 30, set(FONTS), list[object]()
        self.scenes, self.shaders = folder / "scenes", folder / "shaders"
        self.file("sys/class/drm/card0-HDMI-A-1/status", "connected\n")
        self.file("sys/class/drm/card0-HDMI-A-1/modes", "1920x1080\n1280x720\n")
        self.file("sys/class/drm/card0-HDMI-A-1/enabled", "enabled\n")
        self.file("sys/class/drm/card0-HDMI-A-1/dpms", "On\n")
        self.file("sys/class/drm/card0-DP-1/status", "disconnected\n")
        self.file("sys/class/thermal/thermal_zone0/temp", "52000\n")
        self.file("sys/class/thermal/thermal_zone0/trip_point_0_type", "hot\n")
        self.file("sys/class/thermal/thermal_zone0/trip_point_0_temp", "95000\n")
        self.file("sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "0\n")
        self.file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n")
        self.file("sys/module/kernel/parameters/consoleblank", "0\n")
        self.file("run/systemd/timesync/synchronized", "")
        self.home.mkdir()
        self.other.mkdir()
        Archive(self.home / "archive").close()
        for place in (self.scenes, self.shaders):
            place.mkdir()
        self.facts(gallery={"copies": str(self.other)}, stage={"monitor": "HDMI-1"}, hours={"open": ("daily 00:00-24:00",)})

    def file(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def facts(self, **sections: dict[str, object]) -> None:
        kinds = {"gallery": GalleryFacts, "stage": StageFacts, "hours": HoursFacts, "doors": DoorsFacts}
        for name, values in sections.items():
            before = dataclasses.asdict(getattr(self.machine, name))
            self.machine = dataclasses.replace(self.machine, **{name: kinds[name](**{**before, **values})})

    def look(self) -> list[Finding]:
        def ask(command: object) -> str:
            return "Noto" if any(f":lang={name}" in str(command) for name in self.fonts) else ""

        site = Site(self.home, self.root, lambda: self.now, ask, lambda path: self.free)
        return [
            *surroundings(site, self.machine), *doctor.archive(self.home / "archive"), *doctor.doors(self.machine), *doctor.sound(self.machine),
            *scenes(self.scenes), *shaders(self.shaders),
        ]  # fmt: skip

    def close(self) -> None:
        for each in self.open:
            each.close()  # type: ignore[attr-defined]
        shutil.rmtree(self.other, ignore_errors=True)


@pytest.fixture
def bench(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Bench(tmp_path)
    yield made
    made.close()


def port(b: Bench, kind: socket.SocketKind, name: str) -> None:
    taken = socket.socket(socket.AF_INET, kind)
    taken.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        taken.listen()
    b.open.append(taken)
    b.facts(doors={name: taken.getsockname()[1]})


def show(b: Bench) -> None:
    note = (b.home / "archive" / "show").open("w+")
    note.write("4711\n")
    note.flush()
    fcntl.flock(note.fileno(), fcntl.LOCK_EX)
    b.open.append(note)


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:3000] = b"\xff" * 2900
    path.write_bytes(data)


def token(b: Bench) -> None:
    (b.home / "doors").mkdir()
    (b.home / "doors" / "token").write_text("secret\n")
    (b.home / "doors" / "token").chmod(0o644)


def today(b: Bench, later: int = 0) -> str:
    return datetime.datetime.fromtimestamp(b.now + 86400 * later).date().isoformat()


def full(b: Bench) -> None:
    b.free = 1 << 20


BROKEN: list[tuple[str, Callable[[Bench], object], str, str, str]] = [
    ("the OSC port is taken", lambda b: port(b, socket.SOCK_DGRAM, "osc"), "OSC", "taken", "ss -lpun"),
    ("the pages' port is taken", lambda b: port(b, socket.SOCK_STREAM, "web"), "pages", "taken", "ss -lptn"),
    ("another show has this memory", show, "another show", "process 4711", "kill 4711"),
    ("the disk is full", full, "disk", "0.0 GiB free", "journalctl --vacuum-size"),
    ("the archive is damaged", lambda b: spoil(b.home / "archive" / "memory.sqlite"), "archive", "damaged", ""),
    ("the clock has lost its time", lambda b: setattr(b, "now", 86400.0), "clock", "1970-01-02", "timedatectl set-ntp true"),
    ("nobody sets the clock", lambda b: (b.root / "run/systemd/timesync/synchronized").unlink(), "clock", "UTC", "timedatectl"),
    ("it is too hot", lambda b: b.file("sys/class/thermal/thermal_zone0/temp", "94500\n"), "heat", "94", ""),
    ("it has slowed itself down", lambda b: b.file("sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "12\n"), "heat", "12 times", ""),
    ("it saves power", lambda b: b.file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"), "processor's pace", "powersave", "cpupower"),
    ("the console goes dark", lambda b: b.file("sys/module/kernel/parameters/consoleblank", "600\n"), "blanking", "600", "setterm"),
    ("the screen's cable is out", lambda b: b.file("sys/class/drm/card0-HDMI-A-1/status", "disconnected\n"), "screens", "nothing is connected", "displays wait"),
    ("the screen has no modes", lambda b: b.file("sys/class/drm/card0-HDMI-A-1/modes", ""), "screens", "has not said", "displays wait"),
    ("the screen is another", lambda b: b.facts(stage={"monitor": "HDMI-3"}), "screens", "there is no HDMI-3", ""),
    ("the screen sleeps", lambda b: b.file("sys/class/drm/card0-HDMI-A-1/dpms", "Off\n"), "screens", "asleep", "displays on"),
    ("no letters for Japanese and Arabic", lambda b: b.fonts.difference_update({"ja", "ar"}), "fonts", "Japanese, Arabic", "fonts-noto-cjk fonts-noto-core"),
    ("the sound card is not there", lambda b: setattr(b, "machine", dataclasses.replace(b.machine, sound=SoundFacts(device="golden"))), "sound", "golden", ""),
    ("a shader is broken", lambda b: (b.shaders / "mine.fs").write_text("/*{}*/ void main() { gl_FragColor = vec4(nothing); }"), "shaders", "in trouble", ""),
    ("a scene is broken", lambda b: (b.scenes / "mine.py").write_text("from engine import Scene\nclass Mine(Scene):\n    def drow(self, now): ...\n"), "scenes", "in trouble", ""),
    ("the other disk is not mounted", lambda b: shutil.rmtree(b.other), "copies", "no folder", "mkdir"),
    ("the other disk is the same", lambda b: b.facts(gallery={"copies": str(b.home)}), "copies", "home", ""),
    ("nobody takes the mail", lambda b: b.facts(gallery={"mail": "who@museum.org"}), "alerts", "nobody takes the mail", ""),
    ("the hours are misspelt", lambda b: b.facts(hours={"open": ("tuesdai 10:00-18:00",)}), "hours", "cannot be kept", ""),
    ("it is closed for weeks", lambda b: b.facts(hours={"closed": (f"{today(b)}..{today(b, 300)}",)}), "hours", "closed for", ""),
    ("presets are spoilt", lambda b: (b.home / "presets.toml").write_text("[presets"), "presets.toml", "cannot be read", "mv "),
    ("everybody may read the desk's token", token, "desk", "everybody", "chmod 600"),
    ("nobody's certificate is there", lambda b: b.facts(gallery={"releases": "/nowhere/root.pem"}), "releases", "no file", ""),
]  # fmt: skip


def test_nothing_is_invented_on_a_good_machine(bench: Bench) -> None:
    assert [f for f in bench.look() if f.todo] == []


@pytest.mark.parametrize(("how", "found", "said", "mend"), [pytest.param(*rest, id=name) for name, *rest in BROKEN])
def test_a_trouble_is_named_with_what_mends_it_and_no_other_is(bench: Bench, how: Callable[[Bench], object], found: str, said: str, mend: str) -> None:
    how(bench)
    troubles = [f for f in bench.look() if f.todo]
    assert [f.what for f in troubles] == [found], troubles
    assert said in troubles[0].found or said in troubles[0].todo
    assert mend in troubles[0].mend


def test_what_does_no_harm_is_mended_when_it_is_asked_for(bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    token(bench)
    shutil.rmtree(bench.other)
    (bench.home / "presets.toml").write_text("[presets")
    checks = ("python", "processor", "graphics", "mind", "brought")
    for check in checks:
        monkeypatch.setattr(doctor, check, lambda *_: iter(()))
    options = argparse.Namespace(home=bench.home, fix=False)
    doctor.doctor(options, bench.machine)
    assert f"chmod 600 {bench.home}/doors/token\n" in capsys.readouterr().out and not bench.other.exists(), "it is said, and nothing is done"
    doctor.doctor(argparse.Namespace(home=bench.home, fix=True), bench.machine)
    told = capsys.readouterr().out
    assert f"chmod 600 {bench.home}/doors/token   (done)" in told and f"mkdir {bench.other}   (done)" in told
    assert (bench.home / "doors" / "token").stat().st_mode & 0o777 == 0o600 and bench.other.is_dir()
    assert (bench.home / "presets.toml").exists(), "what may do harm is left to a hand"
