"""What is said before anything starts: a model that is not whole, a parameter that nobody knows, a port that is taken."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.core.errors import CannotPlay, nearest
from engine.core.guard import FAULTS
from engine.core.messages import Node, Set
from engine.doors.options import DoorsOptions
from engine.doors.score import of_a_show
from engine.house.doctor import port_is_free

EMBEDDED = ("unet/config.json", "codec/lapped.safetensors", "heads/heads.safetensors", "founding.safetensors", "scheduler/scheduler_config.json", "reader/config.json")


def check_model(name: str) -> None:
    """A missing model is said before anything starts. Raises CannotPlay naming the missing file and the next move."""
    from engine.mind.model import folder
    from engine.mind.model.find import find as whole
    from engine.mind.model.models import spoilt

    try:
        if name in ("embedded", "composed"):
            missing = [part for part in EMBEDDED if not (Path(folder.__file__).parent / "embedded" / part).is_file()]
            if missing:
                raise CannotPlay(f"the embedded model is not whole: {missing[0]} is missing; hypermnesia train makes it")
            if why := spoilt(sorted((Path(folder.__file__).parent / "embedded").glob("*/*.safetensors"))):
                raise CannotPlay(f"the embedded model is not whole: {why}")
        else:
            whole(name)
    except (folder.ModelMissing, OSError, ValueError) as wrong:
        raise CannotPlay(f"--model {name}: {wrong}") from None


def check_film(name: str, option: str = "--film") -> None:
    """The same of a video pipeline; "" is none, and a rival may be "composed"."""
    from engine.mind.model.find import find as whole
    from engine.mind.model.folder import FILMS, ModelMissing

    if not name or (name == "composed" and option == "--rival"):
        return
    try:
        found = whole(name)
        if found.pipeline not in FILMS:
            raise ValueError(f"a {found.pipeline or 'folder without _class_name'} does not go on; possible: {', '.join(FILMS)}")
    except (ModelMissing, OSError, ValueError) as wrong:
        raise CannotPlay(f"{option} {name}: {wrong}") from None


def check_settings(settings: Iterable[Set], nodes: Iterable[Node]) -> None:
    """What `--set` turns is there, takes a number and lies in its range. Raises CannotPlay naming the nearest."""
    known = {node.address.removeprefix("/hm/"): node for node in nodes if node.writable and len(node.types) == 1}
    for setting in settings:
        name, value = setting.address.removeprefix("/hm/"), float(setting.args[0])
        if (node := known.get(name)) is None:
            raise CannotPlay(f"--set {name}={value:g}: nothing is called {name}; {nearest(name, known)}")
        if node.types == "s":
            raise CannotPlay(f"--set {name}={value:g}: {name} takes a word, say it by OSC: {node.address}")
        if (node.low is not None and value < node.low) or (node.high is not None and value > node.high):
            raise CannotPlay(f"--set {name}={value:g}: {name} goes from {node.low:g} to {node.high:g}")


def check_ports(doors: DoorsOptions, held: int = 0, another: str = "--{} {}") -> None:
    """A taken port is said before the show, with the next free one; `held` is the OSC port that we hold already; `another`:
    how one asks for another port."""
    for option, port, kind in (("osc", doors.osc_port, socket.SOCK_DGRAM), ("web", doors.web_port, socket.SOCK_STREAM)):
        if port > 0 and port != held and not port_is_free(doors.host, port, kind):
            free = next((p for p in range(port + 1, port + 100) if port_is_free(doors.host, p, kind)), 0)
            raise CannotPlay(f"port {port} is in use, perhaps by a show that already runs; try {another.format(option, free)}")


def check_score(path: Path | None) -> Path | None:
    """Where a score is to be written. Raises CannotPlay for a file that is something else, or that cannot be written."""
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+", encoding="utf-8") as file:
                file.seek(0)
                first = file.readline()
            if first and not of_a_show(first):
                raise CannotPlay(f"--write-score {path}: there is such a file already, and no show has written it")
    except (OSError, UnicodeDecodeError) as wrong:
        raise CannotPlay(f"--write-score {path}: {getattr(wrong, 'strerror', '') or wrong}") from None
    return path


def check_networks(key: str, networks: tuple[str, ...]) -> None:
    """Raises CannotPlay for what is no network."""
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except (ValueError, TypeError):
            raise CannotPlay(f'[doors] {key} wants networks such as "192.168.1.0/24", found {network!r}') from None


def put_aside(path: Path | None, read: Callable[[Path], object]) -> str:
    """A file of this installation that cannot be read is renamed, so that nothing is written over it; says so, or ""."""
    if path is None or not path.exists():
        return ""
    try:
        read(path)
    except FAULTS as wrong:
        kept = path.with_name(f"{path.stem}.broken-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
        path.rename(kept)
        return f"{' '.join(str(wrong).split())} (kept as {kept.name})"
    return ""
