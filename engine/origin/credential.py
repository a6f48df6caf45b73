"""Content credentials: what is said of a file, signed into the file itself (C2PA 2, by the reference library).

Said are: what made it (versions, model, structure, seeds), that it is a composite with trained algorithmic media, what
was done to it, and its lineage: shares by kind, depth, number of ancestors. Never said: words, names, places, times of
day, thumbnails. Nothing here opens the network, unless a time-stamping service is configured.
"""

from __future__ import annotations

import fcntl
import functools
import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO

import c2pa

from engine.origin.account import Making
from engine.origin.keys import Keys, OriginError

LINEAGE, MAKING, MARK = "org.hypermnesia.lineage", "org.hypermnesia.making", "org.hypermnesia.mark.1"
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
DATA = "http://cv.iptc.org/newscodes/digitalsourcetype/dataDrivenMedia"  # of a page of figures
SPARE = 1 << 30, 0.05  # bytes, share of the disk: a signed copy never takes the last room, as recordings do not
SETTINGS: dict[str, Any] = {
    "version": 1,
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"verify_after_sign": True, "ocsp_fetch": False, "remote_manifest_fetch": False, "verify_trust": True},
}
FORMATS = (  # what a file begins with, from which byte on; what it is for the library, and for people
    (0, b"\x89PNG\r\n\x1a\n", "image/png", "a still"), (0, b"\xff\xd8\xff", "image/jpeg", "a still"),
    (8, b"WEBP", "image/webp", "a still"), (8, b"WAVE", "audio/wav", "sound"), (0, b"fLaC", "audio/flac", "sound"),
    (0, b"%PDF-", "application/pdf", "a print"), (0, b"<svg", "image/svg+xml", "a print"), (0, b"<?xml", "image/svg+xml", "a print"),
    (4, b"ftypqt", "video/quicktime", "a recording"), (4, b"ftyp", "video/mp4", "a recording"),
)  # fmt: skip

FILMS = ("video/mp4", "video/quicktime")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reference library says of a file."""

    state: str  # "Trusted", "Valid" (signer unknown here), "Invalid"; "" = it carries no credential
    wrong: tuple[str, ...] = ()  # C2PA's codes of what is wrong; "signingCredential.untrusted" alone is none
    making: dict[str, Any] | None = None
    lineage: dict[str, Any] | None = None
    signer: str = ""

    @property
    def sound(self) -> bool:
        return self.state in ("Valid", "Trusted")


def format_of(path: Path) -> tuple[str, str]:
    """(media type, what it is for people) by the first bytes, whatever its name says. Raises OriginError, OSError."""
    with path.open("rb") as file:
        head = file.read(32)
    for at, magic, media, what in FORMATS:
        if head[at : at + len(magic)] == magic:
            return media, what
    raise OriginError(f"{path}: what it is cannot be told; PNG, JPEG, WebP, MP4, WAV, FLAC, PDF and SVG can be signed")


def credential(what: str, making: Making, mark: bytes = b"", source: str = COMPOSITE) -> dict[str, Any]:
    """What is said of a file, as the library takes it; `what` is it for people. `mark`: see mark.py; `source`: of which kind of media it is, by IPTC."""
    agent = {"name": "hypermnesia", "version": making.engine or version("hypermnesia")}
    steps = [{"action": "c2pa.created", "digitalSourceType": source, "softwareAgent": agent}]
    said: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": steps}}]
    how: dict[str, Any] = {"engine": agent["version"]}
    if making.pictures:
        how |= {"model": making.model, "structures": list(making.structures), "seeds": list(making.seeds), "pictures": making.pictures}
        line = {"kinds": dict(making.kinds), "unnamed": making.unnamed, "depth": making.depth, "ancestors": making.ancestors}
        said.append({"label": LINEAGE, "data": line})
    said.append({"label": MAKING, "data": how})
    if mark:
        said.append({"label": "c2pa.soft-binding", "data": {"alg": MARK, "blocks": [{"scope": {}, "value": mark.hex()}]}})
    return {"claim_generator_info": [agent], "title": what, "assertions": said}


def sign(path: Path, said: dict[str, Any], keys: Keys) -> None:
    """Put a credential into a file: in place, whole or not at all. Raises OriginError, OSError; then it is as it was.

    It takes the time of reading and writing the file once, and its size on the disk for as long.
    """
    media, _ = format_of(path)
    before = path.stat()
    disk = shutil.disk_usage(path.absolute().parent)
    if disk.free < before.st_size + min(SPARE[0], SPARE[1] * disk.total):
        raise OriginError(f"{path}: the disk has no room for a signed copy of {before.st_size / 1e6:.0f} MB beside it")
    fresh = path.with_name(f".{path.name}.signing")
    try:
        with path.open("rb") as file, fresh.open("w+b") as out:
            _free(file, path)
            builder, signer = c2pa.Builder(said, _library()), c2pa.Signer.from_info(_info(keys))
            builder.sign(signer, media, _whole(file) if media in FILMS else file, out)
            out.flush()
            os.fsync(out.fileno())
        shutil.copystat(path, fresh)
        if path.stat().st_ino != before.st_ino:
            raise OriginError(f"{path}: it became another file while it was signed")
        fresh.replace(path)
    except c2pa.C2paError as wrong:
        raise OriginError(f"{path}: {' '.join(str(wrong).split())}") from wrong
    finally:
        fresh.unlink(missing_ok=True)


def _free(file: BinaryIO, path: Path) -> None:
    """Nobody records into it any more: what is being written would go on into a file that has no name. Raises OriginError."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OriginError(f"{path} is being recorded; it is signed by itself when it is finished") from None


def read(path: Path, anchors: bytes = b"") -> Verdict:
    """The reference library's verdict. `anchors`: PEM certificates whose word is trusted. Raises OriginError, OSError."""
    media, _ = format_of(path)
    try:
        with path.open("rb") as file:
            try:
                reader = _found(media, file, anchors)
            except c2pa.C2paError:
                if media in FILMS and not _found(media, _whole(file)):
                    return Verdict("")  # a film that a kill cut cannot be read to its end
                raise
            return _verdict(reader) if reader else Verdict("")
    except c2pa.C2paError as wrong:
        raise OriginError(f"{path}: {' '.join(str(wrong).split())}") from wrong


def _found(media: str, file: IO[bytes], anchors: bytes = b"") -> c2pa.Reader | None:
    return c2pa.Reader.try_create(media, file, context=_library(anchors))


def _verdict(reader: c2pa.Reader) -> Verdict:
    found, active = reader.get_validation_results() or {}, reader.get_active_manifest() or {}
    codes = [one["code"] for one in found.get("activeManifest", {}).get("failure", ())]
    data = {one["label"]: one.get("data") for one in active.get("assertions", ())}
    wrong = tuple(code for code in codes if code != "signingCredential.untrusted")
    signer = active.get("signature_info", {})
    return Verdict(str(reader.get_validation_state() or ""), wrong, data.get(MAKING), data.get(LINEAGE), str(signer.get("common_name") or signer.get("issuer", "")))


@functools.lru_cache(maxsize=4)
def _library(anchors: bytes = b"") -> c2pa.Context:
    return c2pa.Context.from_dict(SETTINGS | ({"trust": {"trust_anchors": anchors.decode()}} if anchors else {}))


def _info(keys: Keys) -> c2pa.C2paSignerInfo:
    stamps = keys.timestamps.encode() or None
    return c2pa.C2paSignerInfo(keys.algorithm.encode(), keys.chain, keys.key, stamps)


# --- what a kill may leave of a film


def boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(kind, from, to) of the boxes of an mp4 that are whole (ISO 14496-12, 4.2)."""
    size = file.seek(0, io.SEEK_END)
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8 or at + length > size:
            return
        yield kind, at, at + length
        at += length


def played(file: BinaryIO) -> int:
    """Bytes up to the last one that a player plays: without half a box, a fragment's head without its body, and the index
    of fragments behind them, whose places would be wrong once something stands before them."""
    end, head = 0, 0
    for kind, begin, after in boxes(file):
        if kind == b"mfra":
            break
        head = begin if kind == b"moof" else 0
        end = after
    return head or end


class _Begun(io.RawIOBase):
    """The first bytes of a file, as a file."""

    def __init__(self, file: BinaryIO, size: int):
        self._file, self._size = file, size
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._file.tell(), io.SEEK_END: self._size}[whence]
        return self._file.seek(max(0, base + to))

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, into: Any) -> int:
        data = self._file.read(max(0, min(len(into), self._size - self._file.tell())))
        into[: len(data)] = data
        return len(data)


def _whole(file: BinaryIO) -> IO[bytes]:
    return io.BufferedReader(_Begun(file, played(file)), 1 << 20)

