"""SM2 signatures with SM3 of a device under checkpoints (GB/T 32918.2, GM/T 0009), verified by the machine's ``openssl``."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from verifier.faults import Unreadable
from verifier.texts import content, shown

_TYPE = b"\xff1.2.156.10197.1.501"
"""C2SP signed-note: a type that the specification leaves to others, and the object identifier of SM2 with SM3."""
_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
"""What stands before the 65 bytes of the point in a SubjectPublicKeyInfo of the curve sm2p256v1."""
_IDENTITY = "1234567812345678"
_SECONDS = 10.0
_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's SM2 public key: the uncompressed point."""

    point: bytes

    def id(self, log: str) -> bytes:
        """The four bytes that tell its signatures under this log's name."""
        return hashlib.sha256(log.encode() + b"\n" + _TYPE + self.point).digest()[:4]

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether the device signed the message.

        Raises:
            Unreadable: there is no ``openssl`` that can tell.
        """
        openssl = shutil.which("openssl")
        if openssl is None:
            raise Unreadable("核验 SM2 签名需要 openssl 3", "openssl 3 is needed to verify signatures of SM2")
        pem = f"{_BEGIN}\n{base64.b64encode(_SPKI + self.point).decode()}\n{_END}\n"
        with tempfile.TemporaryDirectory() as folder:
            key, file = Path(folder, "key.pem"), Path(folder, "signature")
            key.write_text(pem, "ascii")
            file.write_bytes(signature)
            words = ["pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-sigfile", str(file), "-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{_IDENTITY}"]
            try:
                done = subprocess.run([openssl, *words], input=message, capture_output=True, timeout=_SECONDS, check=False)
            except (OSError, subprocess.TimeoutExpired) as fault:
                raise Unreadable("openssl 无法运行", "openssl cannot be run") from fault
        if done.returncode and b"Verification Failure" not in done.stdout + done.stderr:
            raise Unreadable("该 openssl 不支持 SM2", "this openssl cannot verify signatures of SM2; OpenSSL 3 can")
        return done.returncode == 0


def read_device(path: Path) -> DeviceKey:
    """The key in a PEM file (SubjectPublicKeyInfo), as ``openssl pkey -pubout`` writes it.

    Raises:
        Unreadable: it holds no SM2 public key.
    """
    text = content(path, 1 << 16).decode("ascii", "replace").strip()
    body = text.removeprefix(_BEGIN).removesuffix(_END)
    try:
        raw = base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        raw = b""
    if not raw.startswith(_SPKI) or len(raw) != len(_SPKI) + 65 or raw[len(_SPKI)] != 4:
        raise Unreadable(f"{shown(path)} 不是 SM2 公钥", f"{shown(path)} is no SM2 public key in PEM (openssl pkey -pubout)")
    return DeviceKey(raw[len(_SPKI) :])
