"""Signatures of devices under checkpoints: SM2 with SM3 (GB/T 32918.2, GM/T 0009), made by a command that reaches the device; no private key passes here."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from hub.ledger.errors import DeviceFault, KeyFault
from hub.ledger.keys import check_name
from hub.ledger.notes import SignatureLine

UNASSIGNED = b"\xff"
"""The signature type of algorithms without a byte of their own in signed notes; an identifier follows it."""
SM2_WITH_SM3 = b"1.2.156.10197.1.501"
"""The identifier: the object identifier of SM2 signatures with SM3 (GM/T 0006)."""
USER_ID = "1234567812345678"
"""The signer's identity that goes into the hash: the default of GM/T 0009."""
SECONDS = 5.0

_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
_COORDINATE = 32
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's SM2 public key under the log's name: the point as 65 bytes, 0x04 first."""

    name: str
    public: bytes

    @property
    def raw_id(self) -> bytes:
        """The four bytes that tell its signatures: ``SHA-256(name || 0x0A || 0xff || identifier || key)[:4]``."""
        return sha256(self.name.encode() + b"\n" + UNASSIGNED + SM2_WITH_SM3 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.raw_id.hex()}+{base64.b64encode(UNASSIGNED + SM2_WITH_SM3 + self.public).decode()}"

    def pem(self) -> str:
        """The key as X.509 writes it (SubjectPublicKeyInfo)."""
        return f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(_SPKI + self.public).decode()}-----END PUBLIC KEY-----\n"

    @classmethod
    def read(cls, path: Path, name: str) -> DeviceKey:
        """The key in a PEM file.

        Raises:
            KeyFault: the file cannot be read, or holds no SM2 public key.
        """
        try:
            words = path.read_text("ascii").split("-----")
            der = base64.b64decode("".join(words[2].split()), validate=True)
        except OSError as fault:
            raise KeyFault(f"无法读取 cannot read {path}: {fault.strerror}") from fault
        except (ValueError, IndexError, binascii.Error) as fault:
            raise KeyFault(f"{path} 不是 PEM 公钥 is no public key in PEM") from fault
        point = der[len(_SPKI) :]
        if words[1] != "BEGIN PUBLIC KEY" or der[: len(_SPKI)] != _SPKI or len(point) != 2 * _COORDINATE + 1 or point[0] != 4:
            raise KeyFault(f"{path} 不是 SM2 公钥 is no SM2 public key (SubjectPublicKeyInfo with an uncompressed point): openssl pkey -pubout")
        return cls(check_name(name), point)


class DeviceSigner:
    """Runs a command for each checkpoint: the text that is signed on its standard input, the signature expected on its standard output."""

    def __init__(self, command: Sequence[str], key: DeviceKey, *, required: bool = True, seconds: float = SECONDS) -> None:
        self.key = key
        self._command = list(command)
        self._required = required
        self._seconds = seconds
        self._told = ""

    def line(self, text: str) -> SignatureLine | None:
        """The device's signature line; ``None`` where it failed and is not required, which is logged once.

        Raises:
            DeviceFault: it failed and is required.
        """
        try:
            signature = self.sign(text.encode())
        except DeviceFault as fault:
            if self._required:
                raise
            if str(fault) != self._told:
                _log.error("ledger_device_failed", reason=str(fault), remedy="see HUITONG_LEDGER_DEVICE; checkpoints go without its signature")
            self._told = str(fault)
            return None
        self._told = ""
        return SignatureLine(self.key.name, self.key.raw_id, signature)

    def sign(self, message: bytes) -> bytes:
        """The signature in DER, as GM/T 0009 writes it.

        Raises:
            DeviceFault: the command could not be run, took too long, failed, or printed no signature.
        """
        # What the hub itself is told by its environment, a database's password among it, is none of the device's business.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HUITONG_")}
        try:
            done = subprocess.run(self._command, input=message, capture_output=True, timeout=self._seconds, env=environment, check=False)
        except subprocess.TimeoutExpired as fault:
            raise DeviceFault(f"the signing device did not answer within {self._seconds:g} s") from fault
        except OSError as fault:
            raise DeviceFault(f"the signing device's command {self._command[0]} cannot be run: {fault.strerror}") from fault
        if done.returncode:
            raise DeviceFault(f"the signing device's command {self._command[0]} ended with code {done.returncode}")
        return _der(done.stdout)


def _der(printed: bytes) -> bytes:
    """The signature among the ways in which devices print it: DER or the two numbers of 32 bytes, as they are or in base64."""
    for raw in (printed, _unpacked(printed)):
        if len(raw) == 2 * _COORDINATE:
            return encode_dss_signature(int.from_bytes(raw[:_COORDINATE]), int.from_bytes(raw[_COORDINATE:]))
        if raw and _is_der(raw):
            return raw
    raise DeviceFault("the signing device's command printed no signature: expected DER or 64 bytes, as they are or in base64")


def _unpacked(printed: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(printed.split()), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_der(raw: bytes) -> bool:
    try:
        first, second = decode_dss_signature(raw)
    except ValueError:
        return False
    return encode_dss_signature(first, second) == raw
