"""`hypermnesia bench files`: headers, names and folders as no one would write them, thousands of them.

Shaders, model folders and folders of recordings are spoilt at random and opened. Whatever is in them, they are read or
refused in a sentence: no other exception, nothing that takes longer than LONGEST, no file written outside the place
that the run was given (an audit hook of Python sees every file that is opened for writing).
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from engine.bench.shaders import lines
from engine.core import foreign
from engine.mind.model.find import find
from engine.mind.model.folder import ModelMissing
from engine.show.scene import SCENES
from engine.sound import units
from engine.stage import glsl, layer
from engine.stage.header import ShaderError, verb
from engine.stage.reading import read
from engine.stage.trial import Trial, trials

Row = dict[str, str | float]
LONGEST = 10.0  # seconds that one of them may take
DRAWN = 400  # one shader of so many is also compiled and drawn
PIECES = (
    "{", "}", "[", "]", ",", ":", '"', "'", "/*", "*/", "//", "#", "\\", "\0", "\ufeff", "1e999", "-", "9" * 400, "null", "NaN", "[" * 90, "{" * 90,
    '"IMPORTED": {"p": {"PATH": "../../../../etc/passwd"}}', '"PASSES": [{"TARGET": "t", "WIDTH": "9**9**9**9"}]', '"TYPE": "cube"', '"PASSINDEX": -1',
    '"WIDTH": "$WIDTH/0"', '"VALUES": [1e300]', '"DEFAULT": [[[]]]', "void main() {}", "while (true) {}", "uniform float", "#version 9", "é😀", "mainImage",
)  # fmt: skip
HEADER = """/*{"DESCRIPTION": "d", "CATEGORIES": ["a"], "INPUTS": [{"NAME": "amount", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0, "MAX": 1},
 {"NAME": "n", "TYPE": "long", "VALUES": [0, 1], "LABELS": ["a", "b"], "DEFAULT": 1}, {"NAME": "c", "TYPE": "color", "DEFAULT": [1, 0, 0, 1]},
 {"NAME": "p", "TYPE": "point2D", "DEFAULT": [0.5, 0.5]}, {"NAME": "image", "TYPE": "image"}], "PERSISTENT_BUFFERS": {"old": {"WIDTH": 4}},
 "IMPORTED": {"again": {"PASSINDEX": 0}}, "PASSES": [{"TARGET": "old", "WIDTH": "$WIDTH / 2", "HEIGHT": "max($HEIGHT, 4)", "FLOAT": true}, {}]}*/
#version 120
varying vec2 sample; void main() { vec4 smooth = IMG_PIXEL(image, gl_FragCoord.xy, 0.0) + IMG_THIS_PIXEL(again); gl_FragColor = smooth * amount; }
"""


class Outside:
    """Sees which files outside a folder are opened for writing, made, moved or removed while it watches."""

    def __init__(self, inside: Path):
        self.inside, self.watching = str(inside.resolve()), False
        self.found: set[str] = set()
        sys.addaudithook(self._hear)  # for good: a hook cannot be taken away

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.watching or event not in ("open", "os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.truncate", "shutil.rmtree"):
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            return
        path = args[1] if event in ("os.rename", "os.symlink", "os.link") else args[0]
        if isinstance(path, str | bytes | os.PathLike):
            where = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 (no links followed, no audit event of its own)
            if not where.startswith((self.inside, "/dev/", "/proc/")) and not where.endswith(".pyc"):
                self.found.add(f"{event} {where}")


def fuzz(count: int = 20_000, seed: int = 0, draw: bool = True) -> Row:
    """Spoil and open `count` files and folders. Main thread only. The row says how many were read, refused, and the rest,
    which has to be nothing."""
    dice, told, slowest = random.Random(seed), Counter[str](), 0.0
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hypermnesia-files-") as place, _cache(Path(place) / "cache"), _quiet():
        inside = Path(place)
        attempt: list[Callable[[random.Random, Path], str]] = [_shader, _model, _names]
        for each in attempt:  # imports write caches of their own once
            each(random.Random(1), inside)
        outside = Outside(inside)
        for number in range(count):
            each = dice.choices(attempt, (16, 3, 1))[0]
            begun, outside.watching = time.perf_counter(), True
            try:
                with _alarm(LONGEST):
                    said = each(dice, inside)
            except Exception:
                said = "tracebacks"
                wrong.append(f"{each.__name__} {number}: {traceback.format_exc(limit=-3)}")
            outside.watching = False
            slowest = max(slowest, time.perf_counter() - begun)
            told[said] += 1
            if draw and each is _shader and number % DRAWN == 0:
                told["drawn"] += _drawn(inside / "x.fs")
    row: Row = {"files": count, "read": told["read"], "refused": told["refused"], "drawn": told["drawn"], "tracebacks": told["tracebacks"]}
    return row | {"slowest_ms": slowest * 1e3, "written_outside": len(outside.found), "says": "; ".join([*sorted(outside.found)[:3], *wrong[:3]]) or "ok"}


def _drawn(path: Path) -> bool:
    return all(isinstance(each, Trial) and bool(list(lines(each, path.parent))) for each in trials([path], (16, 9), 1))


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _cache(folder: Path) -> Iterator[None]:
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["XDG_CACHE_HOME"]
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the notes of what is passed over: twenty thousand."""
    log = logging.getLogger("engine")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


# --- what is spoilt


def spoil(text: str, dice: random.Random) -> str:
    """One to five changes: pieces lost, doubled, moved, put in; ends cut off; letters changed."""
    for _ in range(dice.choice((1, 1, 1, 2, 3, 5))):
        a, b = sorted(dice.randint(0, len(text)) for _ in range(2))
        b = min(b, a + dice.choice((1, 2, 8, 60, 4000)))
        match dice.randint(0, 5):
            case 0:
                text = text[:a] + text[b:]
            case 1:
                text = text[:b] + text[a:b] + text[b:]
            case 2:
                text = text[:a] + dice.choice(PIECES) + text[b if dice.random() < 0.5 else a :]
            case 3:
                text = text[:a] if dice.random() < 0.2 else text[:a] + text[b:] + text[a:b]
            case 4:
                text = text[:a] + chr(dice.choice((dice.randint(0, 127), dice.randint(0, 0xD7FF)))) + text[a + 1 :]
            case _:
                text = text.replace(dice.choice(("[", "{", '"', ",", "}", "]")), dice.choice(PIECES), dice.randint(1, 3))
    return text[:200_000]


def _shader(dice: random.Random, inside: Path) -> str:
    """A shader, read and written as GLSL."""
    path = inside / "x.fs"
    own = dice.random() < 0.3
    text = dice.choice(sorted((SCENES.parent / "shaders").glob("*.fs"))).read_text(encoding="utf-8") if own else HEADER
    data = spoil(text, dice).encode(dice.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), "replace")
    path.write_bytes(data if dice.random() < 0.95 else dice.randbytes(dice.randint(0, 3000)))
    try:
        header = read(path)
        glsl.sources(header)
        return "read"
    except ShaderError as wrong:
        assert str(path) in str(wrong), "an error names its file"
        return "refused"


def _model(dice: random.Random, inside: Path) -> str:
    """A model's folder with one to three things wrong in it."""
    folder = inside / "model"
    _remove(folder)
    weights: dict[str, np.ndarray[Any, Any]] = {"a.weight": np.zeros((2, 3), np.float32), "b.bias": np.zeros(4, np.float16)}
    classes = {"scheduler": "EulerDiscreteScheduler", "unet": "UNet2DConditionModel", "vae": "AutoencoderTiny", "tokenizer": "CLIPTokenizer"}
    for part in classes:
        (folder / part).mkdir(parents=True)
        for name in {"scheduler": ["scheduler_config.json"], "tokenizer": ["vocab.json", "merges.txt"]}.get(part, ["config.json"]):
            (folder / part / name).write_text('{"a": [1, 2]}')
        if part in ("unet", "vae"):
            save_file(weights, folder / part / "diffusion_pytorch_model.safetensors")
    index = {"_class_name": "StableDiffusionPipeline", **{part: ["diffusers", kind] for part, kind in classes.items()}}
    (folder / "model_index.json").write_text(json.dumps(index))
    for _ in range(dice.randint(1, 3)):
        _harm(dice.choice([path for path in sorted(folder.rglob("*")) if not path.is_symlink()] or [folder]), dice)
    given = folder if dice.random() < 0.8 else dice.choice([folder, *sorted(folder.rglob("*"))])
    try:
        found = find(given)
        assert found.bytes >= 0 and found.fingerprint()
        return "read"
    except (ModelMissing, ValueError, OSError) as wrong:
        assert not isinstance(wrong, TimeoutError) and str(wrong)
        return "refused"


def _harm(path: Path, dice: random.Random) -> None:
    """One thing that happens to files on their way."""
    data = path.read_bytes() if path.is_file() else b"{}"
    at = dice.randint(0, len(data))
    harm = dice.randint(0, 9)
    if harm < 4 and path.is_file():
        text = spoil(data[:4000].decode("latin-1"), dice).encode("latin-1", "replace")
        path.write_bytes((data[:at], data[:at] + dice.randbytes(4) + data[at + 4 :], text, b"\xef\xbb\xbf" + data)[harm])
        return
    name = dice.choice((".fp16.safetensors", ".bin", ".part", ".SAFETENSORS", "-00001-of-00002.safetensors", ".non_ema.safetensors", ""))
    new = path.with_name((path.name.split(".")[0] or "x") + name) if harm == 4 else path
    if new != path and not new.exists():
        path.rename(new)
    elif harm > 4:
        _remove(path)
        if harm == 5:
            path.symlink_to(dice.choice((path.parent, path, path.parent / "nowhere", Path("/dev/zero"), Path("/dev/null"))))
        elif harm == 6:
            os.mkfifo(path)
        elif harm == 7:
            path.mkdir()
        elif harm == 8:
            path.write_bytes(dice.choice((b"", foreign.POINTER + b"v1\n", foreign.APPLE, b"<!doctype html>", b"\0" * 64, b"\x80" + data[:40])))


def _names(dice: random.Random, inside: Path) -> str:
    """A folder of files with names and contents from everywhere: shaders' verbs, recordings."""
    folder = inside / "names"
    _remove(folder)
    folder.mkdir()
    for number in range(dice.randint(1, 8)):
        name = "".join(dice.choice(("a", "B", " ", "-", "3", "é", "😀", ".", "_", "'", "\n", "\x7f", "Ω")) for _ in range(dice.randint(1, 12)))
        path = folder / f"{dice.choice(('', '._', '.', ''))}{name}{number}{dice.choice(('.fs', '.FS', '.frag', '.wav', '.mp3', '.wav.part', ''))}"
        path.write_bytes(dice.choice((b"", HEADER.encode(), b"RIFF" + dice.randbytes(60), foreign.APPLE, dice.randbytes(200))))
        if dice.random() < 0.2:
            _harm(path, dice)
    found = layer.listed(folder)
    assert all(name.isidentifier() for name in found) and all(verb(path.stem) in found for path in found.values())
    assert isinstance(layer.collisions(folder), list)
    heard = [units.trouble(path) for path in foreign.look(folder, units.KINDS, deep=True).files]
    return "read" if found or "" in heard else "refused"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for each in list(path.iterdir()):
            _remove(each)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
