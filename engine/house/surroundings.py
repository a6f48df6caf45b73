"""What the machine around a show is like, for `hypermnesia doctor`: each trouble before the show meets it, with what mends it."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core.displays import Connector, alike, connectors, named
from engine.core.errors import Plain, nearest
from engine.core.heat import heat
from engine.core.hours import Hours
from engine.core.machine import Machine
from engine.house.brought import Finding
from engine.house.opening import SLACK, released
from engine.mind.memory.copies import LEAST
from engine.mind.memory.opening import refuses
from engine.show.presets import Book
from engine.stage.mapping import load as load_mapping

GIB = 1 << 30
SCRIPTS = {"ja": ("Japanese", "fonts-noto-cjk"), "zh-cn": ("Chinese", "fonts-noto-cjk"), "ar": ("Arabic", "fonts-noto-core"), "hi": ("Hindi", "fonts-noto-core")}
ROOM, DUMPS = 2 * GIB, GIB  # bytes: free, and of core dumps


def _said(command: Sequence[str]) -> str | None:
    """What a program prints; None where there is no such program."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None


@dataclass(frozen=True)
class Site:
    """The machine that is looked at: another root, another time, other programs' answers, for a test that breaks it."""

    home: Path
    root: Path = Path("/")
    now: Callable[[], float] = time.time
    ask: Callable[[Sequence[str]], str | None] = _said
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free


def surroundings(site: Site, machine: Machine) -> Iterator[Finding]:
    """Everything of this page, in the order in which it stands on the doctor's."""
    yield from clock(site)
    yield from hours(site, machine)
    yield from warmth(site)
    yield from pace(site)
    yield from screens(site, machine)
    yield from scripts(site)
    yield from disk(site)
    yield from others(site)
    yield from files(site)
    yield from copies(site, machine)
    yield from post(machine)
    yield from updates(machine)


def clock(site: Site) -> Iterator[Finding]:
    """Whether the date can be right, and whether a time server has set it."""
    now, told = site.now(), datetime.datetime.fromtimestamp(site.now(), datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    if now < released() - SLACK:
        yield Finding("clock", f"{told}, which has passed", "opening hours are not kept: let the network set the clock", mend="timedatectl set-ntp true", harmless=True)
        return
    waits = (site.root / "run/systemd/timesync").is_dir() and not (site.root / "run/systemd/timesync/synchronized").exists()
    todo = "nobody has set it since the machine was switched on: is there a time server in this network?" if waits else ""
    yield Finding("clock", told, todo, mend="timedatectl set-ntp true" if waits else "", harmless=True)


def hours(site: Site, machine: Machine) -> Iterator[Finding]:
    """What `[hours]` says, and whether the wall will ever be light."""
    try:
        kept = Hours.of(machine.hours)
    except ValueError as wrong:
        yield Finding("hours", "cannot be kept", str(wrong), grave=True)
        return
    told = kept.sentence(site.now())
    dark = not kept.always and kept.span(site.now()) is None and kept.next(site.now()) is None
    yield Finding("hours", told, "the wall stays dark: look at [hours] in machine.toml, or send /hm/hours open" if dark else "")


def warmth(site: Site) -> Iterator[Finding]:
    """The hottest sensor in degrees Celsius, and whether the processor was slowed down for it."""
    found = heat(site.root)
    if not found.degrees and not found.throttled:
        yield Finding("heat", "this machine does not say")
        return
    slow = f", slowed down {found.throttled} times since it was switched on" if found.throttled else ""
    todo = "give it air, clean its fans, or a smaller wall ([stage] size)" if found.hot or found.throttled else ""
    yield Finding("heat", f"{found.degrees:.0f} degrees{slow}", todo)


def pace(site: Site) -> Iterator[Finding]:
    """Settings of the kernel that slow a show down or darken its screen."""
    governors = {path.read_text().strip() for path in (site.root / "sys/devices/system/cpu").glob("cpu*/cpufreq/scaling_governor")}
    if "powersave" in governors and not any((site.root / "sys/devices/system/cpu/intel_pstate").glob("status")):
        yield Finding("processor's pace", "powersave", "frames will be late", mend="cpupower frequency-set -g schedutil")
    blank = site.root / "sys/module/kernel/parameters/consoleblank"
    if blank.exists() and blank.read_text().strip() not in ("", "0"):
        yield Finding("blanking", f"the console goes dark after {blank.read_text().strip()} s", "it must not", mend="setterm --blank 0 --term linux")


def screens(site: Site, machine: Machine) -> Iterator[Finding]:
    """Those that the walls are on, by name; where none is named, all that there are."""
    there = connectors(site.root)
    walls = named(machine, site.home)
    for wanted in walls:
        yield from _screen(wanted, there)
    if there and not walls:
        blind = [each for each in there if each.connected and not each.modes]
        todo = f"{blind[0].name} has not said what it can show: switch it on, try another cable" if blind else ""
        yield Finding("screens", "; ".join(each.sentence() for each in there if each.connected) or "none is connected", todo)


def _screen(wanted: str, there: list[Connector]) -> Iterator[Finding]:
    found = next((each for each in there if alike(each.name, wanted)), None)
    if found is None:
        known = ", ".join(each.name for each in there) or "none at all"
        yield Finding("screens", f"there is no {wanted}", f"[stage] monitor: {nearest(wanted, [e.name for e in there]) if there else 'there are'} {'' if there else known}".strip())
    elif not found.usable:
        why = "nothing is connected" if not found.connected else "it has not said what it can show"
        yield Finding("screens", f"{found.name}: {why}", "switch the screen on, look at its cable; the wall waits for it", mend=f"hypermnesia displays wait {found.name}")
    else:
        yield Finding("screens", found.sentence(), "" if found.on else "it sleeps", mend="" if found.on else "hypermnesia displays on")


def scripts(site: Site) -> Iterator[Finding]:
    """Letters for what people write: a page without them shows boxes."""
    missing: dict[str, list[str]] = {}
    for language, (name, package) in SCRIPTS.items():
        found = site.ask(["fc-list", f":lang={language}", "family"])
        if found is None:
            yield Finding("fonts", "fc-list is missing: nobody knows", "only where this machine shows the writing page", mend="apt-get install fontconfig")
            return
        if not found:
            missing.setdefault(package, []).append(name)
    said = ", ".join(name for names in missing.values() for name in names)
    todo = "what is written in them shows as boxes on this machine's own screen" if missing else ""
    yield Finding("fonts", f"none for {said}" if missing else "for every script that is asked for", todo, mend=f"apt-get install {' '.join(missing)}" if missing else "")


def disk(site: Site) -> Iterator[Finding]:
    """Whether the memory's disk takes anything, and for how long yet."""
    there = site.home
    while not there.exists() and there != there.parent:
        there = there.parent
    if why := refuses(there, 0):
        yield Finding("disk", why, "the show plays and remembers nothing: mount it so that it can be written to, or pass --home FOLDER")
        return
    free = site.free(there)
    todo = "" if free > ROOM else "the show stops remembering when it is full" if free > LEAST else "it is full: nothing new is remembered"
    yield Finding("disk", f"{free / GIB:.1f} GiB free", todo, mend="journalctl --vacuum-size=200M" if todo else "", harmless=True)
    dumps = site.root / "var/lib/systemd/coredump"
    size = sum(file.stat().st_size for file in dumps.glob("*")) if dumps.is_dir() else 0
    if size > DUMPS:
        yield Finding("core dumps", f"{size / GIB:.1f} GiB in {dumps}", "they fill the disk; the show's own unit writes none", mend=f"find {dumps} -type f -delete")


def others(site: Site) -> Iterator[Finding]:
    """Another show that has this memory."""
    note = site.home / "archive" / "show"
    with contextlib.suppress(OSError), note.open() as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = file.read().strip() or "?"
            yield Finding("another show", f"process {who} plays with {site.home}", "one memory, one show: end it, or give this one its own", mend=f"kill {who}")


def files(site: Site) -> Iterator[Finding]:
    """Files of this installation that a hand may have spoilt."""
    for name, read in (("presets.toml", Book.read), ("mapping.toml", load_mapping)):
        path = site.home / name
        if path.exists():
            try:
                read(path)
            except (Plain, ValueError, OSError, TypeError, KeyError, LookupError) as wrong:
                yield Finding(name, "cannot be read", f"the show begins without it: {' '.join(str(wrong).split())}", mend=f"mv {path} {path}.broken")
    token = site.home / "doors" / "token"
    if token.exists() and token.stat().st_mode & 0o077:
        yield Finding("desk", f"everybody on this machine may read {token}", "whoever has it decides what is shown", mend=f"chmod 600 {token}", harmless=True)


def copies(site: Site, machine: Machine) -> Iterator[Finding]:
    """The folder on another disk."""
    if not machine.gallery.copies:
        yield Finding("copies", "beside the archive alone: a disk that dies takes them along; [gallery] copies names another disk")
        return
    folder = Path(machine.gallery.copies).expanduser()
    if not folder.is_dir():
        parent = folder.parent.is_dir()
        yield Finding("copies", f"there is no folder {folder}", "is that disk mounted?", mend=f"mkdir {folder}" if parent else "mount -a", harmless=parent)
    elif why := refuses(folder, LEAST):
        yield Finding("copies", why, "no copy can be made there")
    elif site.home.exists() and folder.stat().st_dev == site.home.stat().st_dev:
        yield Finding("copies", str(folder), "it is on the memory's own disk: a disk that dies takes both")
    else:
        yield Finding("copies", str(folder))


def post(machine: Machine) -> Iterator[Finding]:
    """Whom an alert would reach."""
    facts = machine.gallery
    if facts.mail and not facts.smtp:
        yield Finding("alerts", f"{facts.mail} would be written to, and nobody takes the mail", '[gallery] smtp = "mail.museum.org:25" names who does')
    elif facts.webhook and urllib.parse.urlsplit(facts.webhook).scheme not in ("http", "https"):
        yield Finding("alerts", f"[gallery] webhook = {facts.webhook!r} is no address", 'such as "https://hooks.museum.org/hypermnesia"')
    else:
        yield Finding("alerts", ", ".join(filter(None, (facts.mail, facts.webhook, facts.file or "alerts.log beside the memory"))))


def updates(machine: Machine) -> Iterator[Finding]:
    """Whether the file that says whose releases are taken in is there."""
    path = Path(machine.gallery.releases).expanduser()
    if machine.gallery.releases and not path.is_file():
        yield Finding("releases", f"there is no file {path}", "nobody's releases are taken in: put the root.pem of whoever makes them there (hypermnesia sign --keys)")
