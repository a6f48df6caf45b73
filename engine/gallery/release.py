"""A release on a stick: the engine, its weights, its wheels, a checksum for each file, signed. One file, no network.

A tar file: `manifest.json` (name, version, every path with its SHA-256 and mode), `manifest.sig` (the signature of just
those bytes, with the certificates of whoever signed), then the files. Nothing of it is used before all of it is checked.
`hypermnesia release FILE` makes one, with the key that signs what leaves (docs/origin.md); `hypermnesia update` takes it in.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from engine.core.errors import Plain
from engine.core.machine import Machine, home
from engine.origin.keys import Keys, keys

PARTS = ("engine", "scenes", "shaders", "install", "docs", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LARGEST = 64 << 20  # bytes of a manifest that are read
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")
TOP = Path(__file__).parents[2]


class ReleaseError(Plain):
    """A release cannot be made or taken in; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is: its name, and every file by path with its SHA-256 and whether it is a program."""

    name: str
    version: str
    made: str  # day
    files: dict[str, tuple[str, bool]]
    signer: str = ""  # of the certificate that was trusted


def parts(top: Path) -> Iterator[Path]:
    """The files of a tree that are part of a release, in order."""
    for part in PARTS:
        found = [top / part] if (top / part).is_file() else sorted((top / part).rglob("*"))
        yield from (path for path in found if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc")


def pack(top: Path, out: Path, signing: Keys, wheels: Path | None = None) -> Manifest:
    """Write a release of the tree `top`, with the wheels of a folder. Raises ReleaseError, OSError."""
    found = re.search(r'^version = "(.+)"', (top / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    if not found:
        raise ReleaseError(f"{top}/pyproject.toml names no version")
    places = {path.relative_to(top).as_posix(): path for path in parts(top)}
    places |= {f"wheels/{path.name}": path for path in sorted(wheels.glob("*"))} if wheels else {}
    files = {name: (_digest(path), bool(path.stat().st_mode & 0o111)) for name, path in places.items()}
    code = hashlib.sha256("".join(f"{name} {digest}\n" for name, (digest, _) in sorted(files.items())).encode()).hexdigest()
    made = datetime.datetime.now(datetime.UTC).date().isoformat()
    manifest = Manifest(f"{found[1]}-{code[:8]}", found[1], made, files)
    text = json.dumps({"name": manifest.name, "version": manifest.version, "made": made, "files": files}, indent=1).encode()
    signature = {"algorithm": signing.algorithm, "chain": signing.chain.decode(), "signature": _signed(signing, text).hex()}
    fresh = out.with_name(out.name + ".new")
    with tarfile.open(fresh, "w") as tar:
        for name, data in ((MANIFEST, text), (SIGNATURE, json.dumps(signature).encode())):
            head = tarfile.TarInfo(name)
            head.size = len(data)
            tar.addfile(head, io.BytesIO(data))
        for name, path in places.items():
            tar.add(path, name, recursive=False)
    fresh.replace(out)
    return manifest


def read(file: Path, trusted: bytes) -> Manifest:
    """What a release says of itself, once its signature is found to be of whom `trusted` (PEM certificates) names.

    Raises ReleaseError.
    """
    try:
        with tarfile.open(file) as tar:
            text, signature = (_member(tar, name) for name in (MANIFEST, SIGNATURE))
        told = json.loads(signature)
        signer = _verified(text, bytes.fromhex(told["signature"]), told["chain"].encode(), trusted)
        said: dict[str, Any] = json.loads(text)
        files = {str(name): (str(digest), bool(program)) for name, (digest, program) in said["files"].items()}
        manifest = Manifest(str(said["name"]), str(said["version"]), str(said["made"]), files, signer)
    except (tarfile.TarError, OSError, KeyError, ValueError, TypeError, AttributeError) as wrong:
        raise ReleaseError(f"{file} is no release: {wrong}") from None
    if not NAME.fullmatch(manifest.name):
        raise ReleaseError(f"{file}: a release cannot be called {manifest.name!r}")
    return manifest


def unpack(file: Path, manifest: Manifest, into: Path) -> None:
    """Every file of the manifest, and no other, each with its checksum, under `into`. Raises ReleaseError; then nothing is used."""
    left = dict(manifest.files)
    with tarfile.open(file) as tar:
        for member in tar:
            if member.name in (MANIFEST, SIGNATURE):
                continue
            if not member.isreg() or member.name not in left or not _inside(member.name):
                raise ReleaseError(f"{file}: {member.name} is not in its list")
            digest, program = left.pop(member.name)
            source = tar.extractfile(member)
            assert source is not None
            place = into / member.name
            place.parent.mkdir(parents=True, exist_ok=True)
            found = hashlib.sha256()
            with place.open("wb") as out:
                while block := source.read(1 << 20):
                    found.update(block)
                    out.write(block)
            if found.hexdigest() != digest:
                raise ReleaseError(f"{file}: {member.name} is not what was signed; copy the file anew")
            place.chmod(0o755 if program else 0o644)
    if left:
        raise ReleaseError(f"{file}: {next(iter(left))} is missing; copy the file anew")


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found.read(LARGEST)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _signed(signing: Keys, data: bytes) -> bytes:
    secret = serialization.load_pem_private_key(signing.key, None)
    match secret:
        case ed25519.Ed25519PrivateKey():
            return secret.sign(data)
        case rsa.RSAPrivateKey():
            return secret.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            return secret.sign(data, ec.ECDSA(hashes.SHA256()))
    raise ReleaseError("releases are signed with an elliptic curve, RSA or Ed25519")


def _verified(data: bytes, signature: bytes, chain: bytes, trusted: bytes) -> str:
    """Whose signature it is. Raises ReleaseError where it is nobody's whom `trusted` names."""
    first = x509.load_pem_x509_certificates(chain)[0]
    key = first.public_key()
    try:
        match key:
            case ed25519.Ed25519PublicKey():
                key.verify(signature, data)
            case rsa.RSAPublicKey():
                key.verify(signature, data, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), hashes.SHA256())
            case ec.EllipticCurvePublicKey():
                key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            case _:
                raise ReleaseError("it is signed in a way that nobody here knows")
    except InvalidSignature:
        raise ReleaseError("its list of files is not what was signed") from None
    for known in x509.load_pem_x509_certificates(trusted):
        if known == first or _issued(first, known):
            return first.subject.rfc4514_string()
    raise ReleaseError(f"it is signed by {first.subject.rfc4514_string()}, whom nobody here trusts: [gallery] releases names whose releases are taken in")


def _issued(leaf: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def download(top: Path, folder: Path) -> None:
    """Wheels of everything that this machine's kind needs, beside what builds the package. Raises ReleaseError."""
    wanted = ["-c", str(top / "install" / "constraints.txt"), str(top), "hatchling>=1.27", "editables", "pip", "setuptools"]
    done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "-d", str(folder), "--only-binary=:all:", *wanted], check=False)
    if done.returncode:
        raise ReleaseError("the wheels could not be had: is there a network?")
    for own in folder.glob("hypermnesia-*"):
        own.unlink()


def main(argv: Sequence[str]) -> int:
    """`hypermnesia release FILE`."""
    parser = argparse.ArgumentParser("hypermnesia release", description="Write this engine as a signed release on a stick, for hypermnesia update.")
    parser.add_argument("file", type=Path, help="such as /media/stick/hypermnesia.release")
    parser.add_argument("--wheels", metavar="FOLDER", type=Path, help="wheels of what it needs, taken along; without, they are downloaded")
    parser.add_argument("--without-wheels", action="store_true", help="the machine has a network, or needs nothing new")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="whose [origin] certificate signs (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the key lies (default {home()})")
    options = parser.parse_args(argv)
    try:
        facts = (Machine.read(options.machine) if options.machine else Machine()).origin
        signing = keys((options.home or home()) / "origin", facts)
        with tempfile.TemporaryDirectory() as there:
            wheels = options.wheels
            if wheels is None and not options.without_wheels:
                wheels = Path(there)
                download(TOP, wheels)
            made = pack(TOP, options.file, signing, wheels)
    except (Plain, OSError) as wrong:
        print(f"hypermnesia release: {wrong}", file=sys.stderr)
        return 1
    trust = facts.certificate or (options.home or home()) / "origin" / "root.pem"
    print(f"{options.file}: release {made.name}, {len(made.files)} files; a machine that trusts {trust} takes it in: hypermnesia update {options.file}")
    return 0
