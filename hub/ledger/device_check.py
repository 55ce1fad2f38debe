"""Verification of a device's signatures under checkpoints, by the ``openssl`` of the machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.device import USER_ID, DeviceKey
from hub.ledger.errors import DeviceFault
from hub.ledger.notes import SignatureLine, split_note
from hub.ledger.report import Report

_SECONDS = 10.0


def check_device(connection: Connection, key: DeviceKey, held: Collection[str], report: Report) -> None:
    """Report what a device's signatures contradict: under the newest checkpoint that bears one, which covers all before it, and under those held elsewhere.

    Raises:
        DeviceFault: there is no ``openssl``, or it knows no SM2.
    """
    # Of the eight characters of the key's id in base64, the first five depend on nothing that follows it.
    start = str(SignatureLine(key.name, key.raw_id, b""))[:-4]
    bearing = select(tables.checkpoint).where(tables.checkpoint.c.note.contains(start, autoescape=True)).order_by(tables.checkpoint.c.size.desc()).limit(1)
    newest = connection.execute(bearing).one_or_none()
    if newest is None:
        report.find("checkpoint", None, f"no stored checkpoint bears a signature of the device {key.raw_id.hex()}")
        return
    if newest.size < report.published:
        report.warnings.append(f"the newest checkpoint that the device signed covers {newest.size} of {report.published} published entries")
    for note, where in ((newest.note, f"the checkpoint over {newest.size} entries"), *((note, "a checkpoint held elsewhere") for note in held)):
        text, lines = split_note(note)
        signatures = [line.signature for line in lines if (line.name, line.raw_id) == (key.name, key.raw_id)]
        if not signatures:
            report.warnings.append(f"{where} bears no signature of the device {key.raw_id.hex()}")
        if not all(verify_sm2(key, signature, text.encode()) for signature in signatures):
            report.find("checkpoint", None, f"the device's signature under {where} does not hold")


def verify_sm2(key: DeviceKey, signature: bytes, message: bytes) -> bool:
    """Whether the device signed the message.

    Raises:
        DeviceFault: there is no ``openssl``, or it did not say.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        raise DeviceFault("需要 openssl 3 核验 SM2 签名 signatures of SM2 are verified by openssl 3, which is not installed")
    with TemporaryDirectory() as folder:
        signed, public = Path(folder, "signature"), Path(folder, "key.pem")
        signed.write_bytes(signature)
        public.write_text(key.pem())
        options = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{USER_ID}", "-pubin", "-inkey", str(public), "-sigfile", str(signed))
        done = subprocess.run([openssl, "pkeyutl", "-verify", *options], input=message, capture_output=True, timeout=_SECONDS, check=False)
    if done.returncode and b"Verification Failure" not in done.stdout + done.stderr:
        raise DeviceFault("openssl 不能核验 SM2 签名 this openssl verifies no SM2 signatures; OpenSSL 3 does")
    return done.returncode == 0
