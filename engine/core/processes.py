"""What Linux says of processes, in /proc; where a system says nothing, nothing is known."""

from __future__ import annotations

import os
from pathlib import Path


def work(pid: int) -> tuple[float, bool]:
    """CPU seconds that a process has had, and whether any of its threads would run now; (0, False) where nobody says."""
    try:
        threads = [_thread(pid, task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    except (OSError, IndexError, ValueError):
        return 0.0, False
    return sum(spent for spent, _ in threads), any(state == "R" for _, state in threads)


def work_of_main(pid: int) -> tuple[float, bool]:
    """The same of its main thread alone."""
    try:
        spent, state = _thread(pid, str(pid))
    except (OSError, IndexError, ValueError):
        return 0.0, False
    return spent, state == "R"


def stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a debugger; False where the system does not say."""
    try:
        return _thread(pid, str(pid))[1] in ("T", "t")
    except (OSError, IndexError, ValueError):
        return False


def _thread(pid: int, task: str) -> tuple[float, str]:
    """CPU seconds and state of a thread: fields 14, 15 and 3 of proc_pid_stat(5). Raises OSError, IndexError, ValueError."""
    fields = Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), fields[0]
