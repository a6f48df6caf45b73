"""How warm the machine is, and whether it slows itself down for it, where the kernel says so (thermal zones, hwmon, x86's counters)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

HOT = 90.0  # degrees from which on somebody should look, where the machine names no limit of its own


@dataclass(frozen=True, slots=True)
class Heat:
    """One reading. Unknown is 0."""

    degrees: float  # of the warmest place
    limit: float  # from which on the machine slows itself down
    throttled: int  # how often it has done so since it was switched on, all cores and packages

    @property
    def hot(self) -> bool:
        return self.degrees >= (self.limit or HOT) - 2.0 and self.degrees > 0.0


def heat(root: Path = Path("/")) -> Heat:
    """Read everything that there is; costs under a millisecond. Any thread."""
    warmest = limit = 0.0
    for zone in (root / "sys/class/thermal").glob("thermal_zone*"):
        here = _number(zone / "temp") / 1000.0
        trips = [_number(zone / f"{trip.name[:-5]}_temp") / 1000.0 for trip in zone.glob("trip_point_*_type") if _text(trip) in ("passive", "hot")]
        if 0.0 < here < 150.0 and here > warmest:
            warmest, limit = here, min((t for t in trips if 40.0 < t < 150.0), default=0.0)
    for sensor in (root / "sys/class/hwmon").glob("hwmon*/temp*_input"):
        here = _number(sensor) / 1000.0
        if 0.0 < here < 150.0 and here > warmest:
            most = _number(sensor.with_name(sensor.name.replace("_input", "_max"))) / 1000.0
            warmest, limit = here, most if 40.0 < most < 150.0 else 0.0
    counts = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
    return Heat(warmest, limit, sum(int(_number(path)) for path in counts))


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""


def _number(path: Path) -> float:
    with contextlib.suppress(ValueError):
        return float(_text(path) or 0.0)
    return 0.0
