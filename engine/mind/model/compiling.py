"""Compiling beside the stream: another process makes the artefact, a thread waits for it and puts it in its place.

The process (`python -m engine.mind.model.compiling`) reads a job from its standard input and writes an artefact. It
gives way to everything else, and ends with the end of its input: nothing outlives the engine, however it dies. On a GPU it
tunes kernels by running them, which the pictures feel; `hypermnesia calibrate graph` does it before anybody comes.

What goes wrong is said in a sentence and costs nothing: pictures stay as quick as they were.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from engine.mind.model.compiled import CannotCompile, Job, folder, keep, own_cache, quick, read
from engine.mind.model.families import Family

log = logging.getLogger("engine.mind")
COMPILERS = ("c++", "g++", "clang++")
WORKERS = 4  # processes of Inductor's own, at most; a wall and a sound want the other cores
_LENGTH = 8  # bytes that say how long a job is


class Exchanges(Protocol):
    """A pipeline that goes on with another body between two pictures (`engine.mind.model.graph.Pipeline`)."""

    def exchange(self, body: Family) -> None:
        """Raises CannotCompile if the other body says something else, RuntimeError for what the device refuses."""


class Beside:
    """Compiles a family for pipelines that already paint with it. `start` returns at once; `tell` hears what went wrong."""

    def __init__(self, family: Family, made: Job, pipelines: Iterable[Exchanges], tell: Callable[[str], None]):
        self.family, self.job, self.pipelines, self.tell = family, made, tuple(pipelines), tell
        self.path = folder() / f"{made.key}.compiled"
        self.found = False  # whether an artefact of before was used
        self.took = 0.0  # seconds until pictures were painted with it
        self.done = threading.Event()  # for better or worse
        self.trouble = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="compiling", daemon=True)

    def start(self) -> Beside:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Give it up: nothing is exchanged after this returns. Any thread but its own."""
        self._stopped = True
        if self._process is not None:
            end(self._process)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        begun = time.monotonic()
        try:
            body = quick(self.family, self._functions())
            for pipeline in self.pipelines:
                if self._stopped:
                    return
                pipeline.exchange(body)
            self.took = time.monotonic() - begun
            log.info("pictures are painted by compiled code after %.1f s%s", self.took, " (kept from before)" if self.found else "")
        except (CannotCompile, RuntimeError, OSError) as wrong:
            if not self._stopped:
                self.trouble = f"the network could not be compiled: {wrong}. Pictures stay as quick as they were"
                self.tell(self.trouble)
        finally:
            self.done.set()

    def _functions(self) -> dict[str, Any]:
        """From an artefact of before, or a new one."""
        if self.path.is_file():
            try:
                functions = read(self.path)
                self.found = True
                return functions
            except CannotCompile as wrong:
                log.info("%s: it is compiled anew", wrong)
                self.path.unlink(missing_ok=True)
        self._process = begun(self.job, self.path)
        if self._stopped:
            end(self._process)
        finish(self._process)
        return read(self.path)


def begun(made: Job, path: Path) -> subprocess.Popen[bytes]:
    """A process that compiles a job and writes the artefact to `path`. Raises CannotCompile where there is no compiler."""
    if not any(shutil.which(name) for name in (os.environ.get("CXX") or "", *COMPILERS)):
        raise CannotCompile("there is no C++ compiler (apt-get install g++)")
    own_cache()
    workers = max(1, min(WORKERS, (os.cpu_count() or 1) - 2))
    top = str(Path(__file__).parents[3])
    more = {"TORCHINDUCTOR_COMPILE_THREADS": str(workers), "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([top, *filter(None, [os.environ.get("PYTHONPATH")])])}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.mind.model.compiling"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, **more}, start_new_session=True,
    )  # fmt: skip
    assert process.stdin
    data = pickle.dumps((made, str(path)))
    with contextlib.suppress(BrokenPipeError):  # it ended at once, and says why below
        process.stdin.write(len(data).to_bytes(_LENGTH, "little") + data)
        process.stdin.flush()
    return process


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for it. Raises CannotCompile with what it said, or how it ended."""
    assert process.stdout
    with process.stdout as said:
        words = said.read().decode(errors="replace").strip()
    code = process.wait()
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    if code != 0:
        raise CannotCompile(words.splitlines()[-1] if words else f"the compiling process ended with {code}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End it and whatever it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


# --- the other process ---


def make(made: Job) -> dict[str, bytes]:
    """Compile every part of a job. Raises what Dynamo, Inductor or a compiler raise."""
    import torch

    from engine.mind.model.attention import prefer
    from engine.mind.model.compiled import _empty

    prefer(made.attention)
    device, done = torch.device(made.device), {}
    with torch.no_grad(), tempfile.TemporaryDirectory() as place:
        for name, (module, args, named) in made.parts.items():
            module.to_empty(device=device)
            given = tuple(_empty(one, made.device) for one in args), {key: _empty(one, made.device) for key, one in named.items()}
            compiled: Any = torch.compile(module, fullgraph=True, dynamic=False, mode=made.mode)
            file = Path(place) / name
            compiled.forward.aot_compile(given).save_compiled_function(str(file))
            done[name] = file.read_bytes()
    return done


def _watch(stream: Any) -> None:
    """End with whoever asked: when the input ends, nobody waits any more."""
    stream.read(1)
    os.killpg(0, signal.SIGKILL)


def main() -> int:
    """Read a job, compile it, keep the artefact; else one sentence on the standard output, and 1."""
    stream = sys.stdin.buffer
    made, path = pickle.loads(stream.read(int.from_bytes(stream.read(_LENGTH), "little")))
    threading.Thread(target=_watch, args=(stream,), daemon=True).start()
    os.nice(19)
    try:
        keep(Path(path), make(made))
    except Exception as wrong:  # a compiler may raise anything; the sentence says what it was
        print(f"{type(wrong).__name__}: {' '.join(str(wrong).split())[:300]}", flush=True)
        os._exit(1)
    os._exit(0)  # the thread that watches holds the input


if __name__ == "__main__":
    raise SystemExit(main())
