"""Where new sounds are computed while the room plays: a process of its own, at low priority.

Not a thread: the audio callback needs Python's lock, and a thread of normal priority that holds it on a busy machine
gives it back only when it is scheduled again. Measured on two loaded cores with 21 ms of buffer: eight voices woven in
a thread cost 10 underruns, in a process none.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.sound.sources import Job, make

_LENGTH = struct.Struct("<q")


class LoomError(RuntimeError):
    """A sound could not be made: what the worker said."""


class Loom:
    """A worker that makes one sound at a time. One thread. It ends when this end of its pipe closes, however."""

    def __init__(self) -> None:
        root = str(Path(__file__).parents[2])
        paths = os.pathsep.join(path for path in (root, os.environ.get("PYTHONPATH", "")) if path)
        quiet = {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.sound.loom"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **quiet},
        )

    def make(self, job: Job) -> NDArray[np.float32]:
        """The sound of a job, computed over there; waits for it. Raises LoomError if it could not be made, EOFError
        when the worker has died."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            _put(self._process.stdin.fileno(), pickle.dumps(job, protocol=5))
        except (OSError, ValueError) as gone:  # ValueError: closed on this side
            raise EOFError(str(gone)) from gone
        answer = _get(self._process.stdout.fileno())
        if answer[:1] == b"!":
            raise LoomError(answer[1:].decode())
        return np.frombuffer(answer, np.float32, offset=4)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait(2.0)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _put(file: int, data: bytes) -> None:
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(file, view) :]


def _get(file: int) -> bytes:
    (size,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    return _exactly(file, size)


def _exactly(file: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(file, min(size, 1 << 20))
        if not part:
            raise EOFError("the loom is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def main() -> None:
    """The worker: jobs in by standard input, sounds out by standard output, until the pipe ends."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):  # the sound room's threads are real-time; this one must not be
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if hasattr(os, "nice"):
        os.nice(5)
    out = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not get among the sounds
    while True:
        try:
            _put(out, _answer(pickle.loads(_get(0))))
        except (EOFError, BrokenPipeError):
            return


def _answer(job: Job) -> bytes:
    try:
        return b"+   " + make(job).astype(np.float32).tobytes()
    except (OSError, ValueError) as wrong:  # a folder, a file, a descriptor: say it and stay
        return b"!" + str(wrong).encode()


if __name__ == "__main__":
    main()
