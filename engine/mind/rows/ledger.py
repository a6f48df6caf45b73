"""Row 26, labour and value: a monthly account of what people and the machine have done, and of the energy that it took.

Keystrokes, sentences, pictures, fragments that were kept, and watt-hours, a page a month, kept in the archive once a minute
and at the end: a month survives a restart, and what a crash costs is a minute of it. Energy is *measured* where the machine
can say it, the processor's packages by RAPL and NVIDIA devices by NVML, and *estimated* elsewhere, by the seconds that this
process has kept cores busy; each page says how much of it is which. `hypermnesia ledger` prints a month (`engine/house/ledger.py`).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from engine.mind.memory.archive import Archive

COUNTED = ("keystrokes", "sentences", "pictures", "fragments")
ENERGY = ("measured_wh", "estimated_wh")
LABELS = {"keystrokes": "keystrokes before Enter", "sentences": "sentences given", "pictures": "pictures made",
          "fragments": "memories kept", "measured_wh": "Wh, measured", "estimated_wh": "Wh, estimated"}  # fmt: skip
WATTS = 15.0  # of a core that is busy, where nothing can be measured: a desktop's package under load, shared among its cores
EVERY = 60.0  # seconds between two times that it is kept
READ = 1.0  # seconds between two readings of the meter
FACT = "ledger "
RAPL = Path("/sys/class/powercap")


class Meter(Protocol):
    """Whoever knows how much energy was used."""

    measured: bool  # False: it is an estimate

    def joules(self) -> float:
        """Energy used until now, from any beginning; only ever more."""
        ...


class Busy:
    """An estimate: seconds of processor time of this process, WATTS each."""

    measured = False

    def joules(self) -> float:
        return WATTS * time.process_time()


class Rapl:
    """The processor's packages, by the kernel's powercap (micro-joules that wrap). Raises OSError where it may not be read."""

    measured = True

    def __init__(self, folder: Path = RAPL):
        self._zones = sorted(path for path in folder.glob("*-rapl:*") if path.name.count(":") == 1)
        if not self._zones:
            raise FileNotFoundError(f"{folder} has no RAPL zone")
        self._range = [int((zone / "max_energy_range_uj").read_text()) for zone in self._zones]
        self._last = self._read()
        self._total = 0.0

    def _read(self) -> list[int]:
        return [int((zone / "energy_uj").read_text()) for zone in self._zones]

    def joules(self) -> float:
        now = self._read()
        for before, after, wraps in zip(self._last, now, self._range, strict=True):
            self._total += (after - before + (wraps if after < before else 0)) / 1e6
        self._last = now
        return self._total


class Nvml:
    """All NVIDIA devices, by the driver's library. Raises OSError where there is none, or it does not count energy."""

    measured = True

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libnvidia-ml.so.1")
        count = ctypes.c_uint()
        if self._library.nvmlInit_v2() or self._library.nvmlDeviceGetCount_v2(ctypes.byref(count)) or not count.value:
            raise OSError("NVML has no device")
        self._devices = [ctypes.c_void_p() for _ in range(count.value)]
        for number, device in enumerate(self._devices):
            self._library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device))
        self.joules()

    def joules(self) -> float:
        total, one = 0.0, ctypes.c_ulonglong()
        for device in self._devices:
            if self._library.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(one)):
                raise OSError("this device does not count its energy")
            total += one.value / 1e3
        return total


def meters(uses_gpu: bool) -> list[Meter]:
    """What measures the energy of a show here: RAPL where it may be read (else the estimate), and NVML where a GPU paints."""
    found: list[Meter] = []
    with contextlib.suppress(OSError, ValueError):
        found.append(Rapl())
    found = found or [Busy()]
    if uses_gpu:
        with contextlib.suppress(OSError, AttributeError):
            found.append(Nvml())
    return found


class Ledger:
    """The month's page, and how it grows. `add` for any thread, `take` for the thought's."""

    def __init__(self, archive: Archive, measuring: Sequence[Meter], source: Callable[[], float] = time.monotonic):
        self._archive, self._meters, self._source = archive, tuple(measuring), source
        self._lock = threading.Lock()
        self._month = self._now()
        self.page = page(archive, self._month)
        self._joules = [meter.joules() for meter in self._meters]
        self._read = self._kept = source()
        self._mass: float | None = None

    def _now(self) -> str:
        return self._archive.date[:7]

    def add(self, line: str, count: float = 1.0) -> None:
        """So much more of one of COUNTED."""
        with self._lock:
            self.page[line] = self.page.get(line, 0.0) + count

    def take(self, mass: float) -> tuple[tuple[str, float], ...]:
        """Read the meters, and keep the page where it is time; `mass` is that of the archive. What `State.ledger` says of this month."""
        now = self._source()
        if self._mass is not None and mass > self._mass:
            self.add("fragments", mass - self._mass)
        self._mass = mass
        if now - self._read >= READ:
            self._read = now
            self._measure()
        if (month := self._now()) != self._month or now - self._kept >= EVERY:
            self._kept = now
            self.keep()
            if month != self._month:
                self._month, self.page = month, page(self._archive, month)
        with self._lock:
            told = dict(self.page)
        energy = {name: told.get(name, 0.0) for name in ENERGY}
        whole = sum(energy.values())
        return (*((name, told.get(name, 0.0)) for name in COUNTED), ("watt_hours", whole), ("measured", energy["measured_wh"] / whole if whole else 0.0))

    def _measure(self) -> None:
        for number, meter in enumerate(self._meters):
            with contextlib.suppress(OSError, ValueError):  # a device that is gone: what it used meanwhile is not known
                joules = meter.joules()
                self.add("measured_wh" if meter.measured else "estimated_wh", max(0.0, joules - self._joules[number]) / 3600.0)
                self._joules[number] = joules

    def keep(self) -> None:
        """Write the page into the archive. A disk that refuses is asked again in a minute."""
        with self._lock:
            data = json.dumps(self.page).encode()
        with contextlib.suppress(sqlite3.Error):
            self._archive.set_fact(FACT + self._month, data)

    def close(self) -> None:
        self._measure()
        self.keep()


def page(archive: Archive, month: str) -> dict[str, float]:
    """The account of a month, "2026-11", as it was kept last; empty where there is none."""
    data = archive.fact(FACT + month)
    return {str(name): float(amount) for name, amount in json.loads(data).items()} if data else {}
