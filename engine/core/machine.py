"""Facts of this machine, from a TOML file: what hangs where, how loud, how fast. Words for one place; never code.

Every key has a default, so that no file is needed; a key that nobody knows is an error that names the nearest one.
`install/machine.toml` is the commented example.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core import toml
from engine.core.errors import Plain

log = logging.getLogger("engine.core")


SHIPPED = Path(__file__).parents[1] / "mind" / "model" / "embedded"  # the weights and tables that come with the engine


def processor() -> str:
    """What the processor calls itself, with family and model: "AMD EPYC 25/1"; its architecture where that is all."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    facts = {line.split(":")[0].strip(): line.split(":")[1].strip() for line in lines if ":" in line}
    return f"{facts.get('model name', platform.machine())} {facts.get('cpu family', '')}/{facts.get('model', '')}".rstrip("/ ")


class MachineError(Plain):
    """The machine file cannot be used; the message says which line and what would be valid."""


def home() -> Path:
    """Where this installation keeps what must last: archive, calibration, journal. `$HYPERMNESIA_HOME` moves it."""
    found = os.environ.get("HYPERMNESIA_HOME")
    return Path(found) if found else Path.home() / ".local" / "share" / "hypermnesia"


@dataclass(frozen=True, slots=True)
class StageFacts:
    """`[stage]`: the wall, its outputs, and what it may show."""

    size: tuple[int, int] = (0, 0)  # width, height in pixels; 0 = chosen at start by measurement
    fps: float = 0.0  # frames per second; 0 = chosen at start
    window: str = "auto"  # "auto" (a window where there is a display), "window", "fullscreen", "headless"
    monitor: str = ""  # connector name ("HDMI-1"); "" = the first
    mapping: str = ""  # a mapping file; "" = none
    outputs: tuple[str, ...] = ()  # where the wall goes besides: "ndi", "camera", "spout", "syphon"
    flashes: int = 3  # a second, over a quarter of a field of view, that the wall may show (WCAG 2.3.1: at most 3)


@dataclass(frozen=True, slots=True)
class MindFacts:
    """`[mind]`: the model, its device, and what this place remembers."""

    model: str = "embedded"  # a name or a folder; "composed" = memories alone
    film: str = ""  # a video pipeline by name or folder, which goes on with the pictures; "" = they are carried by their own motion
    rival: str = ""  # a second one, or "composed", that goes on with the same pictures where two models do; "" = what there is
    size: int = 0  # pixels of a picture's side; 0 = chosen at start: 256, on a slow CPU less
    device: str = "auto"  # "auto", "cpu", "cuda"
    compiled: bool = True  # on a GPU: the network is compiled beside the first pictures, and kept
    threads: int = 0  # 0 = chosen at start
    founding: int = 0  # of the founding memories that ship, how many are known here; 0: all
    corpus: str = "oil"  # whose hand has painted the founding memories: oil, ink
    site: str = "here"  # the name of this place; part of every seed (row 13)
    keyframe: float = 20.0  # seconds between two pictures that are remembered of the mind's own accord
    idle: float = 24.0  # seconds that the mind, alone, stays with a sentence of its own


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """`[memory]`: where what is remembered lies."""

    archive: str = ""  # "postgresql://user@host/name": on a server, which other houses may share; "" = a file of this house


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """`[sound]`: the device and the room in which it sounds."""

    device: str = ""  # part of a device's name; "" = the default; "null" = silence with the same clock
    host: str = ""  # part of a sound host's name: "ALSA", "JACK", "ASIO", "Core Audio"; "" = any
    rate: int = 48_000
    block: int = 256
    channels: int = 2
    layout: str | tuple[float, ...] = "auto"  # "line", "ring", or a place in -1..1 for each loudspeaker
    latency: float = 0.035  # seconds asked of the host: a key is heard 12 ms after that, and 50 are felt
    offset: float = 0.0  # seconds that grains sound earlier, from `hypermnesia calibrate sync`
    gain: float = 0.0  # dB, at most 0
    reverb: float = 0.35  # share of the sound that goes through the reverberated room
    engine: str = "auto"  # what makes the grains: "pyo", "numpy" (several times the cost), "auto" = pyo where it is installed
    voices: int = 20  # memories whose voices are kept ready at once
    recordings: str = ""  # a folder of the gallery's recordings, heard in grains; "" = none
    microphone: str = ""  # part of an input's name; "" = never opened
    beat: str = ""  # "link", "midi" or "midi:PORT": texts, scenes and cues wait for the beat; "" = they do not


@dataclass(frozen=True, slots=True)
class DoorsFacts:
    """`[doors]`: who may come in, by which ports, and what becomes of their words."""

    host: str = "127.0.0.1"
    osc: int = 9000  # UDP port
    web: int = 8000  # TCP port
    moderation: str = "filtered"  # open | filtered | moderated | curated
    token: str = ""  # for /desk; "" = made at start and printed
    name: str = "hypermnesia"
    allow: tuple[str, ...] = ()  # networks that may send; () = all that can reach the host
    hosts: tuple[str, ...] = ()  # other names of this machine under which pages are served: "kiosk.museum.lan"
    public: str = ""  # what the QR code says: "https://write.museum.org/"; "" = the address of this machine
    proxies: tuple[str, ...] = ()  # reverse proxies whose X-Forwarded-For is believed
    phones: bool = True  # strangers' phones may write, with the code that is shown in the room
    helpline: str = "112"  # whom to call, told to who may want to harm themselves
    texts: int = 20  # sentences that one person may send in ten seconds
    idle: float = 60.0  # seconds without a key after which the kiosk is wiped for the next person
    advertise: bool = True  # tell the local network by zeroconf where the instrument is; never from 127.0.0.1
    unchecked: bool = False  # free text reaches the wall though nothing looks at a general model's pictures


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """`[record]`: films of the whole show."""

    file: str = ""  # the mp4 to record wall and room into, the time is put into its name; "" = none (--record wins)
    hours: float = 1.0  # a new file begins after so long; 0 = never
    budget: float = 0.0  # gigabytes for the recordings of this name, the oldest go first; 0 = while the disk has room


@dataclass(frozen=True, slots=True)
class OriginFacts:
    """`[origin]`: how files that leave say where they come from."""

    sign: bool = True  # files that leave say where they come from: content credentials (C2PA)
    certificate: str = ""  # a PEM file of the gallery's own certificate and those above it; "" = one is made here
    key: str = ""  # a PEM file of the key that belongs to it, without a passphrase
    timestamps: str = ""  # address of a time-stamping service (RFC 3161); "" = none, and signing needs no network
    marks: float = 2.0  # seconds between two looks at the wall, by which a photograph of it is found again; 0 = none


@dataclass(frozen=True, slots=True)
class HoursFacts:
    """`[hours]`: when the house is open."""

    open: tuple[str, ...] = ()  # "tue-sun 10:00-18:00", "sat 20:00-02:00"; () = always
    closed: tuple[str, ...] = ()  # days: "2026-12-25", "12-25" of every year, "2026-12-24..2027-01-01"
    also: tuple[str, ...] = ()  # a private view: "2026-12-03 19:00-23:30"; also on a closed day
    zone: str = ""  # "Europe/Paris"; "" = that of this machine
    fade: float = 30.0  # seconds in which light and sound rise and fall


@dataclass(frozen=True, slots=True)
class GalleryFacts:
    """`[gallery]`: who looks after this place, and how they are told."""

    language: str = "en"  # of the page a day: "en", "fr", "de"
    mail: str = ""  # who is written to when a person is needed, and who gets the page a day
    smtp: str = ""  # "mail.museum.org:25"; mail is handed to it
    webhook: str = ""  # an address that alerts are posted to, as JSON
    file: str = ""  # a file that alerts are written to; "" = alerts.log beside the memory
    copies: str = ""  # a folder on another disk, or a mounted share, for copies of the archive
    nights: int = 14  # copies that are kept there
    releases: str = ""  # a PEM file of the certificates whose releases are taken in
    screens: str = "black"  # while it is closed: "black", or "off" by DPMS and CEC


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """`[contract]`: what is promised of pictures, and what is given up first."""

    deadline: float = 0.25  # seconds from one picture to the next; later is a miss
    words: float = 1.5  # seconds from words to the first picture of them; later is a miss
    present: float = 0.0  # seconds between frames; 0 = one over fps
    ladder: tuple[int, ...] = (512, 384, 256, 192, 128)  # picture sizes, largest first


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """`[place]`: which rooms of a house run on this machine, and where the others are. A house of one machine needs none of it."""

    name: str = ""  # of this machine in its house; "" = the house is this machine
    house: str = "hypermnesia"  # machines of one house call it alike
    rooms: tuple[str, ...] = ("show", "mind")  # that run here: "show" (the wall that leads, sound, doors), "mind", "wall" (one more), "sound", "doors"
    elsewhere: tuple[str, ...] = ()  # rooms of the show that another machine has: "sound", "doors"
    nodes: tuple[str, ...] = ()  # names of all machines of the house; others are not let in. () = whoever can reach it
    listen: tuple[str, ...] = ()  # where this machine can be reached: "tls/0.0.0.0:7447"; () = it reaches others, nobody listens
    peers: tuple[str, ...] = ()  # where others can be: "tls/10.0.0.2:7447"
    discover: bool = False  # find others on the local network by multicast
    keys: str = ""  # the folder of this machine's keys (`hypermnesia place keys`); "" = whoever can reach it is let in


@dataclass(frozen=True, slots=True)
class Machine:
    """All facts. `Machine.read(path)` reads a file, `Machine()` is a bare machine."""

    stage: StageFacts = field(default_factory=StageFacts)
    mind: MindFacts = field(default_factory=MindFacts)
    memory: MemoryFacts = field(default_factory=MemoryFacts)
    sound: SoundFacts = field(default_factory=SoundFacts)
    doors: DoorsFacts = field(default_factory=DoorsFacts)
    record: RecordFacts = field(default_factory=RecordFacts)
    origin: OriginFacts = field(default_factory=OriginFacts)
    hours: HoursFacts = field(default_factory=HoursFacts)
    gallery: GalleryFacts = field(default_factory=GalleryFacts)
    contract: ContractFacts = field(default_factory=ContractFacts)
    place: PlaceFacts = field(default_factory=PlaceFacts)

    @classmethod
    def read(cls, path: Path) -> Machine:
        """Read a machine file. Raises MachineError in one sentence."""
        try:
            return toml.build(cls, toml.table(path, MachineError), str(path), MachineError)
        except FileNotFoundError:
            raise MachineError(f"{path}: no such file; install/machine.toml is an example to copy") from None


def cache_folder() -> Path:
    """Where is kept what can be measured or made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hypermnesia"


def kept(path: Path) -> dict[str, Any]:
    """What was kept in a file of the cache; nothing where it is missing, torn or somebody else's."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(path: Path, found: dict[str, Any]) -> None:
    """Keep it, whole or not at all. What a disk does not take is measured again at the next start."""
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(found, indent=1), encoding="utf-8")
        fresh.replace(path)
    except OSError as wrong:
        log.info("%s is not kept (%s): it is measured again at the next start", path, wrong.strerror)
        with contextlib.suppress(OSError):
            fresh.unlink()
