"""Why a block of sound came late. One cause for each, from what the kernel counts: never a guess where it says nothing.

Read by the sound room's main thread some ten times a second; the audio thread only leaves its two longest times.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CAUSES = ("slow", "starved", "stolen", "python", "host")


@dataclass(frozen=True, slots=True)
class Reading:
    """Totals of the kernel at one moment, in seconds; 0 where it does not count them."""

    waited: float = 0.0  # the audio thread was ready and had no CPU
    stolen: float = 0.0  # the hypervisor gave the machine's CPUs to others, summed over CPUs


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest block since the last look, in seconds."""

    computing: float = 0.0  # CPU time of the audio thread
    passing: float = 0.0  # time that passed meanwhile


def read(thread: int) -> Reading:
    """What Linux knows of a thread of this process (its native id); zeros elsewhere. Some 50 us."""
    waited = _field(f"/proc/self/task/{thread}/schedstat", 1) * 1e-9
    stolen = _field("/proc/stat", 8) * 0.01  # in hundredths of a second, on every Linux there is
    return Reading(waited, stolen)


def _field(path: str, number: int) -> float:
    """A number of the first line of a file; 0 where there is none."""
    try:
        return float(Path(path).read_text().split("\n", 1)[0].split()[number])
    except (OSError, IndexError, ValueError):
        return 0.0


def cause(before: Reading, after: Reading, longest: Longest, period: float, slack: float) -> tuple[str, str]:
    """(one of CAUSES, what happened in words) for blocks that came late between two readings.

    period: seconds of a block; slack: seconds of sound that the device still held when all was well.
    """
    waited, stolen = after.waited - before.waited, after.stolen - before.stolen
    if longest.computing > period:
        return (
            "slow",
            f"a block of {_ms(period)} took {_ms(longest.computing)} to compute: fewer grains, or larger blocks",
        )
    if stolen >= 0.5 * slack:
        return "stolen", f"the hypervisor took {_ms(stolen)} of this machine's CPUs"
    if waited >= 0.5 * slack:
        return "starved", f"the sound waited {_ms(waited)} for a CPU: give it real-time priority or a core of its own"
    if longest.passing > period:
        return (
            "python",
            f"a block that computes in {_ms(longest.computing)} was held up for {_ms(longest.passing)} within",
        )
    return "host", "the device or its driver asked too late; nothing here was busy: a larger [sound] latency helps"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms"
