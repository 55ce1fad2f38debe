"""Checkpoints signed by an SM2 device beside the hub: the device is the real ``openssl``, and so is the verifier."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import update

from hub.ledger import tables
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.device import DeviceKey, DeviceSigner
from hub.ledger.device_check import check_device
from hub.ledger.errors import DeviceFault, KeyFault
from hub.ledger.notes import split_note
from hub.ledger.publish import Publisher
from hub.ledger.service import LedgerService
from hub.settings import SettingsFault, load_settings
from tests.ledger.build import LOG, check, make_draft

pytestmark = pytest.mark.slow
OPTIONS = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")


class Device(NamedTuple):
    """The command that signs, and the key in the device and out of it."""

    command: list[str]
    private: Path
    public: Path


def run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    """An SM2 key that ``openssl`` keeps and signs with."""
    private, public = (tmp_path_factory.mktemp("device") / name for name in ("sm2.pem", "sm2.pub.pem"))
    run("openssl", "ecparam", "-name", "SM2", "-genkey", "-noout", "-out", private)
    run("openssl", "pkey", "-in", private, "-pubout", "-out", public)
    return Device(["openssl", "pkeyutl", "-sign", *OPTIONS, "-inkey", str(private)], private, public)


def publisher(service: LedgerService, command: list[str], device: Device, *, required: bool = True) -> Publisher:
    signer = DeviceSigner(command, DeviceKey.read(device.public, LOG), required=required, seconds=0.5)
    return Publisher(service.engine, service.ring, further=[signer])


def test_the_device_s_line_stands_beside_the_hub_s_and_openssl_confirms_it(service: LedgerService, device: Device, tmp_path: Path) -> None:
    service.ledger.append_sync(make_draft())
    made = publisher(service, device.command, device).publish()
    assert made is not None
    assert open_checkpoint(made.note, [service.verifier_key]) == made
    text, lines = split_note(made.note)
    assert [line.name for line in lines] == [LOG, LOG]
    spki = base64.b64decode("".join(device.public.read_text().split("\n")[1:-2]))
    assert lines[1].raw_id == sha256(LOG.encode() + b"\n\xff1.2.156.10197.1.501" + spki[-65:]).digest()[:4]
    (tmp_path / "text").write_text(text)
    (tmp_path / "signature").write_bytes(lines[1].signature)
    run("openssl", "pkeyutl", "-verify", *OPTIONS, "-pubin", "-inkey", device.public, "-in", tmp_path / "text", "-sigfile", tmp_path / "signature")
    service.publisher.publish_all()
    assert check(service).ok


def test_devices_print_signatures_in_several_ways(device: Device, tmp_path: Path) -> None:
    key = DeviceKey.read(device.public, LOG)
    der = DeviceSigner(device.command, key).sign(b"text")
    length = der[3]
    first, second = der[4 : 4 + length], der[6 + length :]
    numbers = b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in (first, second))
    for printed in (der, base64.encodebytes(der), numbers, base64.b64encode(numbers) + b"\r\n"):
        (tmp_path / "printed").write_bytes(printed)
        assert DeviceSigner(["cat", str(tmp_path / "printed")], key).sign(b"") == der


FAULTS = {
    "not there": (["/nonexistent/signer"], "cannot be run"),
    "fails": (["false"], "ended with code 1"),
    "says nothing": (["true"], "printed no signature"),
    "says junk": (["echo", "signature"], "printed no signature"),
    "hangs": (["sleep", "5"], "did not answer within 0.5 s"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_without_a_required_device_nothing_is_published_until_it_signs(service: LedgerService, device: Device, fault: str) -> None:
    command, told = FAULTS[fault]
    service.ledger.append_sync(make_draft())
    failing = publisher(service, command, device)
    with pytest.raises(DeviceFault, match=told):
        failing.publish()
    failing._look()
    assert failing.fault is not None
    assert told in failing.fault
    assert check(service).checkpoints == 0
    failing._further = [DeviceSigner(device.command, DeviceKey.read(device.public, LOG))]
    failing._look()
    assert (failing.fault, check(service).published) == (None, 1)


def test_without_a_device_that_is_not_required_checkpoints_lack_its_line(service: LedgerService, device: Device) -> None:
    service.ledger.append_sync(make_draft())
    made = publisher(service, ["false"], device, required=False).publish()
    assert made is not None
    assert len(split_note(made.note)[1]) == 1


def test_the_command_learns_nothing_of_the_hub_s_settings(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_DATABASE", "postgresql+psycopg://hub:secret@db/hub")
    looking = [sys.executable, "-c", "import os, sys; sys.exit(any(name.startswith('HUITONG_') for name in os.environ))"]
    with pytest.raises(DeviceFault, match="printed no signature"):
        DeviceSigner(looking, DeviceKey.read(device.public, LOG)).sign(b"")


def _other_signature(note: str, device: Device) -> str:
    """The device's line over another text."""
    text, lines = split_note(note)
    key = DeviceKey.read(device.public, LOG)
    return note.replace(str(lines[1]), str(DeviceSigner(device.command, key).line(text + "more\n")))


def _no_line(note: str, _device: Device) -> str:
    return note.replace(str(split_note(note)[1][1]), "")


def _same(note: str, _device: Device) -> str:
    return note


@pytest.mark.parametrize(
    ("alter", "told"),
    [(_same, []), (_other_signature, ["the device's signature under the checkpoint over 1 entries does not hold"]), (_no_line, ["no stored"])],
)
def test_a_verification_looks_at_the_device_s_line(service: LedgerService, device: Device, alter: Callable[[str, Device], str], told: list[str]) -> None:
    service.ledger.append_sync(make_draft())
    made = publisher(service, device.command, device).publish()
    assert made is not None
    with service.engine.begin() as connection:
        connection.execute(update(tables.checkpoint).values(note=alter(made.note, device)))
    report = check(service)
    assert report.ok
    with service.engine.connect() as connection:
        check_device(connection, DeviceKey.read(device.public, LOG), [made.note], report)
    assert len(report.findings) == len(told)
    assert all(finding.message.startswith(start) for finding, start in zip(report.findings, told, strict=True))


def test_only_sm2_public_keys_are_keys_of_devices(device: Device, tmp_path: Path) -> None:
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", tmp_path / "p256.pem")
    run("openssl", "pkey", "-in", tmp_path / "p256.pem", "-pubout", "-out", tmp_path / "p256.pub.pem")
    (tmp_path / "junk.pem").write_text("junk")
    for path, told in ((device.private, "no SM2"), (tmp_path / "p256.pub.pem", "no SM2"), (tmp_path / "junk.pem", "no public"), (tmp_path / "none", "cannot")):
        with pytest.raises(KeyFault, match=told):
            DeviceKey.read(path, LOG)
    assert DeviceKey.read(device.public, LOG).pem() == device.public.read_text()


def test_settings_of_a_device(device: Device, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    monkeypatch.setenv("HUITONG_LEDGER_DEVICE", "vendor-sign --slot '1 2' -")
    with pytest.raises(SettingsFault, match="needs the device's public key"):
        load_settings()
    monkeypatch.setenv("HUITONG_LEDGER_DEVICE_KEY", str(device.public))
    assert load_settings().ledger_device == ["vendor-sign", "--slot", "1 2", "-"]
