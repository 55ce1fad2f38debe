"""A device's SM2 line under a checkpoint: demanded where its key is given, passed over elsewhere. The device is the real ``openssl``."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.verifier.build import Log, encoded
from tests.verifier.conftest import Tell

pytestmark = pytest.mark.slow


def run(*words: object, message: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *map(str, words)], input=message, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a device's key."""
    folder = tmp_path_factory.mktemp("device")
    run("ecparam", "-name", "SM2", "-genkey", "-noout", "-out", folder / "sm2.pem")
    run("pkey", "-in", folder / "sm2.pem", "-pubout", "-out", folder / "sm2.pub.pem")
    return folder


def signed(log: Log, device: Path, message: str | None = None) -> str:
    """The log's checkpoint with the device's line under it, written from the documentation."""
    note = log.note()
    text = (note.partition("\n\n")[0] + "\n") if message is None else message
    raw = run("pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-inkey", device / "sm2.pem", message=text.encode())
    lines = (device / "sm2.pub.pem").read_text().splitlines()
    point = base64.b64decode("".join(lines[1:-1]))[-65:]
    key_id = hashlib.sha256(log.name.encode() + b"\n\xff1.2.156.10197.1.501" + point).digest()[:4]
    return f"{note}— {log.name} {encoded(key_id + raw)}\n"


def test_a_device_s_line(log: Log, tell: Tell, device: Path) -> None:
    path, key = log.file("checkpoint.txt", signed(log, device).encode()), device / "sm2.pub.pem"
    assert tell("checkpoint", path, "--key", log.key)[0] == 0
    assert tell("checkpoint", path, "--key", log.key, "--device-key", key)[0] == 0
    assert tell("checkpoint", log.file("bare.txt", log.note().encode()), "--key", log.key, "--device-key", key)[0] == 1
    forged = log.file("forged.txt", signed(log, device, "another text\n").encode())
    assert tell("checkpoint", forged, "--key", log.key)[0] == 0
    assert tell("checkpoint", forged, "--key", log.key, "--device-key", key)[0] == 1
    assert tell("checkpoint", path, "--key", log.key, "--device-key", log.key)[0] == 3


def test_without_openssl_nothing_is_said_of_the_line(log: Log, tell: Tell, device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log.file("checkpoint.txt", signed(log, device).encode())
    monkeypatch.setenv("PATH", str(log.folder))
    code, report = tell("checkpoint", path, "--key", log.key, "--device-key", device / "sm2.pub.pem")
    assert (code, report["findings"][0]["kind"]) == (3, "unreadable")
