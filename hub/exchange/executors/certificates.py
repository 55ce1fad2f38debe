"""A certificate authority of the hub's own, and certificates by which hub, scheduler and workers know one another (X.509, RFC 5280)."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HUB, SCHEDULER = "hub", "scheduler"
_CA = "ca"
_CA_DAYS = 3650
_BACKWARDS = timedelta(minutes=5)
"""Clocks differ a little."""
_BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class CertificateFault(Exception):
    """Certificates that cannot be made or used. ``str()`` says why and what to do, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate for ``name``; ``hosts`` are the names and addresses under which it listens, none for one that only connects."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_certificates(folder: Path, wanted: Sequence[Wanted], days: int, renew: bool = False) -> list[Path]:
    """Makes what is missing: the authority (ten years) and a certificate with its key (P-256, mode 0600) for each name; returns the files made.

    ``renew``: certificates that are there are issued again by the same authority. The authority itself is never replaced.

    Raises:
        CertificateFault: the folder cannot be written, or holds half an authority or one that cannot be read.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority, made = _authority(folder)
        for one in wanted:
            if renew or not _paths(folder, one.name)[0].exists():
                made += _issue(folder, authority, one, days)
    except OSError as fault:
        raise CertificateFault(f"无法写入 cannot write {fault.filename or folder}: {fault.strerror}") from None
    return made


def _authority(folder: Path) -> tuple[_Authority, list[Path]]:
    certificate, key = _paths(folder, _CA)
    if not certificate.exists() and not key.exists():
        return _new_authority(folder)
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
        secret = serialization.load_pem_private_key(key.read_bytes(), None)
    except (FileNotFoundError, ValueError, TypeError):
        secret = None
    if not isinstance(secret, ec.EllipticCurvePrivateKey) or secret.public_key() != held.public_key():
        raise CertificateFault(
            f"{certificate} 与 and {key} 不是一对可用的证书和密钥 are no certificate and key that belong together: 请恢复备份或另选目录 restore them or choose another folder"
        )
    return _Authority(held, secret), []


def _new_authority(folder: Path) -> tuple[_Authority, list[Path]]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("huitong exchange CA")
    builder = _builder(name, key.public_key(), _CA_DAYS).issuer_name(name)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    authority = _Authority(builder.sign(key, hashes.SHA256()), key)
    return authority, _write(folder, _CA, authority.certificate, key)


def _issue(folder: Path, authority: _Authority, wanted: Wanted, days: int) -> list[Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named(wanted.name), key.public_key(), days).issuer_name(authority.certificate.subject)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    # The hub never listens: with its certificate nobody can pose as a scheduler or a worker.
    uses = _BOTH if wanted.hosts else (ExtendedKeyUsageOID.CLIENT_AUTH,)
    builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(host) for host in wanted.hosts or (wanted.name,)]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    return _write(folder, wanted.name, builder.sign(authority.key, hashes.SHA256()), key)


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    begins = datetime.now(UTC) - _BACKWARDS
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key).serial_number(x509.random_serial_number())
    return builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=days))


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(host: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)


def _paths(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.pem", folder / f"{name}.key"


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> list[Path]:
    public, private = _paths(folder, name)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, content in ((private, secret), (public, certificate.public_bytes(serialization.Encoding.PEM))):
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return [public, private]
