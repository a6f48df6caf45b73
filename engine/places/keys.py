"""The keys of a house: one root, and for each node a certificate that says its name. `hypermnesia place keys NAME` makes them.

The root's own key stays where it was made. What a node is given is a folder of four files; the fourth is the salt from
which every mind of the house makes the same codes, so that a code takes a sentence back wherever it is kept.
"""

from __future__ import annotations

import datetime
import os
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.core.errors import CannotPlay
from engine.places.options import named

CERTIFICATE, KEY, ROOT, SALT = "node.pem", "node.key", "house.pem", "house.salt"
ROOT_KEY = "house.key"  # signs nodes; nobody else needs it, and no node gets it
YEARS = 30
PEM = serialization.Encoding.PEM


def make(folder: Path, name: str) -> Path:
    """A node's keys in `folder`/`name`, signed by the house's root, which is made at first. Returns their folder.

    Raises CannotPlay for a name that has keys already, or that no key can have.
    """
    named(name)
    there = folder / name
    if (there / CERTIFICATE).exists():
        raise CannotPlay(f"{name} has keys already, in {there}; move them away, and others are made")
    root, root_key = _root(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
    signed = (
        _begun(_named(name), root.subject, key.public_key())
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(alternative, False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        .sign(root_key, hashes.SHA256())
    )
    there.mkdir(parents=True, exist_ok=True)
    _secret(there / KEY, _bytes(key))
    (there / CERTIFICATE).write_bytes(signed.public_bytes(PEM))
    (there / ROOT).write_bytes(root.public_bytes(PEM))
    _secret(there / SALT, (folder / SALT).read_bytes())
    return there


def until(folder: Path) -> datetime.datetime:
    """When the certificate in a node's folder ends. Raises CannotPlay for none that can be read."""
    try:
        return x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as wrong:
        raise CannotPlay(f"{folder / CERTIFICATE} cannot be read ({wrong})") from None


def _root(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ROOT_KEY).exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named(f"house {secrets.token_hex(4)}")
        usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False)
        root = (
            _begun(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **usage), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        _secret(folder / SALT, secrets.token_bytes(16))
        (folder / ROOT).write_bytes(root.public_bytes(PEM))
        _secret(folder / ROOT_KEY, _bytes(key))
    try:
        loaded = serialization.load_pem_private_key((folder / ROOT_KEY).read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / ROOT).read_bytes())
    except (ValueError, TypeError, OSError) as wrong:
        raise CannotPlay(f"{folder / ROOT_KEY} is not whole ({wrong}): bring the folder back from a copy") from None
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return certificate, loaded


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=365 * YEARS))
    )  # fmt: skip


def _bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _secret(path: Path, data: bytes) -> None:
    """For its user's eyes alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
