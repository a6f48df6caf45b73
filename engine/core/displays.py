"""Which screens are connected, as the kernel says it (`/sys/class/drm`): by connector, with or without a display server."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from engine.core import toml
from engine.core.errors import Plain
from engine.core.machine import Machine, home

DRM = "sys/class/drm"
CONNECTOR = re.compile(r"card\d+-(.+)")


@dataclass(frozen=True, slots=True)
class Connector:
    """One socket on the back of the machine."""

    name: str  # "HDMI-A-1"
    connected: bool
    modes: tuple[str, ...]  # "1920x1080", the preferred one first
    on: bool  # whether it is driven and not asleep

    @property
    def usable(self) -> bool:
        """Connected, and it has said what it can show: a compositor that starts before that never recovers."""
        return self.connected and bool(self.modes)

    def sentence(self) -> str:
        if not self.connected:
            return f"{self.name}: nothing is connected"
        return f"{self.name}: {self.modes[0] if self.modes else 'connected, and has no modes'}{'' if self.on else ', asleep'}"


def connectors(root: Path = Path("/")) -> list[Connector]:
    """All connectors of all cards, by name; none where the kernel knows no screens."""
    found = []
    for folder in sorted((root / DRM).glob("card*-*")):
        if (name := CONNECTOR.fullmatch(folder.name)) and name[1] != "Writeback-1":
            modes = tuple(dict.fromkeys(_read(folder / "modes").split()))
            asleep = _read(folder / "dpms").strip() not in ("", "On") or _read(folder / "enabled").strip() == "disabled"
            found.append(Connector(name[1], _read(folder / "status").strip() == "connected", modes, not asleep))
    return found


def named(machine: Machine, where: Path | None = None) -> list[str]:
    """The connectors that the walls of this place are on, by name: `[stage] monitor`, and that of each output of the mapping.

    `where` is the installation's home. A mapping that cannot be read names none: the show says what is wrong with it.
    """
    found = dict.fromkeys([machine.stage.monitor])
    with contextlib.suppress(OSError, Plain):
        path = Path(machine.stage.mapping) if machine.stage.mapping else (where or home()) / "mapping.toml"
        for output in toml.table(path, Plain).values():
            if isinstance(output, dict):
                found[str(output.get("monitor", ""))] = None
    return [name for name in found if name and not name.isdigit()]


def alike(name: str, other: str) -> bool:
    """Whether two names mean one connector: X11 says HDMI-1 for the kernel's HDMI-A-1."""
    return _plain(name) == _plain(other)


def _plain(name: str) -> str:
    return re.sub(r"-[A-Z]-(?=\d+$)", "-", name.strip()).lower()


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""
