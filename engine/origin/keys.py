"""The key that signs what leaves: a gallery's own, or one that is made here at first use.

A made key has a certificate of its own root, whose key is forgotten at once: nothing else can ever be signed in its
name. Readers call such a file valid and its signer unknown, as it should be; who trusts `root.pem` sees both.
Shape of the certificates: C2PA specification 2.2, 14.5.1.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.core.errors import Plain
from engine.core.machine import OriginFacts

KEY, ROOT = "key.pem", "root.pem"  # in the folder `origin` of an installation
YEARS = 30  # that a made certificate is good for: without a time stamp a file is valid no longer than its signer
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


class OriginError(Plain):
    """A file cannot be signed or looked up; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs: certificates as PEM (the signer's first), its key as PEM, and the algorithm by its COSE name."""

    chain: bytes
    key: bytes
    algorithm: str
    timestamps: str = ""  # address of a time-stamping service; "" = none is asked


def keys(folder: Path, facts: OriginFacts) -> Keys:
    """The gallery's own key where machine.toml names one, else the one in `folder`, made now if there is none.

    Raises OriginError for a certificate that cannot be used, OSError where a new key cannot be written. Any process.
    """
    if bool(facts.certificate) != bool(facts.key):
        there, missing = ("certificate", "key") if facts.certificate else ("key", "certificate")
        raise OriginError(f"[origin] {there} is named and {missing} is not: a certificate signs with the key that belongs to it")
    if facts.certificate:
        chain, key = (_read(name, Path(path).expanduser()) for name, path in (("certificate", facts.certificate), ("key", facts.key)))
        return _paired(chain, key, facts, f"[origin] certificate {facts.certificate}")
    path = folder / KEY
    if not path.exists():
        make(folder)
    whole, last = path.read_bytes(), b"-----END PRIVATE KEY-----\n"
    if last not in whole:
        raise OriginError(f"{path} is no key, or not a whole one: bring it back from a copy, or move it away and another is made")
    end = whole.index(last) + len(last)
    return _paired(whole[end:], whole[:end], facts, str(path))


def make(folder: Path) -> None:
    """Make a key with its certificate and write it down, for its user's eyes alone; whoever comes second keeps the first's."""
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    number = secrets.token_hex(4)  # names no place: a file must not say where it hung unless the gallery's own certificate does
    above, name = _name(f"hypermnesia root {number}"), _name(f"hypermnesia {number}")
    use = [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    own = _certificate(above, above, root.public_key(), None).sign(root, hashes.SHA256())
    signer = _certificate(name, above, leaf.public_key(), root.public_key()).add_extension(x509.ExtendedKeyUsage(use), False)
    pem = serialization.Encoding.PEM
    secret = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = signer.sign(root, hashes.SHA256()).public_bytes(pem) + own.public_bytes(pem)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{KEY}.{os.getpid()}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secret + chain)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):  # another process was quicker: its key is the one
        os.link(fresh, folder / KEY)
        (folder / ROOT).write_bytes(own.public_bytes(pem))
    fresh.unlink()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "hypermnesia")])


def _certificate(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, above: ec.EllipticCurvePublicKey | None
) -> x509.CertificateBuilder:
    """Of a root (`above` None) or of whoever it signs for."""
    now, root = datetime.datetime.now(datetime.UTC), above is None
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(root, 0 if root else None), True)
        .add_extension(x509.KeyUsage(digital_signature=not root, key_cert_sign=root, crl_sign=root, **usage), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
    )  # fmt: skip
    return made if above is None else made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False)


def _read(what: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise OriginError(f"[origin] {what}: {path} cannot be read ({wrong.strerror})") from None


def _paired(chain: bytes, key: bytes, facts: OriginFacts, where: str) -> Keys:
    """Certificates and their key, looked at before they are needed. Raises OriginError."""
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
        secret = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as wrong:
        why = "the key has a passphrase, and nobody is there to type it" if isinstance(wrong, TypeError) else "no PEM certificate with a PEM key"
        raise OriginError(f"{where}: {why}") from None
    spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if first.public_key().public_bytes(*spki) != secret.public_key().public_bytes(*spki):
        raise OriginError(f"{where}: the key belongs to another certificate")
    if first.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise OriginError(f"{where}: it was good until {first.not_valid_after_utc:%Y-%m-%d}")
    if first.issuer == first.subject:
        raise OriginError(f"{where}: it is signed by itself, which readers refuse; a certificate comes with the one that signed it")
    match secret:
        case ec.EllipticCurvePrivateKey() if secret.curve.name in CURVES:
            algorithm = CURVES[secret.curve.name]
        case rsa.RSAPrivateKey():
            algorithm = "ps256"
        case ed25519.Ed25519PrivateKey():
            algorithm = "ed25519"
        case _:
            raise OriginError(f"{where}: content credentials are signed with P-256, P-384, P-521, RSA or Ed25519")
    pkcs8 = secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Keys(chain, pkcs8, algorithm, facts.timestamps)
