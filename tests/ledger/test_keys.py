"""Keys: made once, kept from others, refused with a remedy; subjects' hashes hide and still join."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.ledger.errors import KeyFault
from hub.ledger.keys import VerifierKey, signer_in
from hub.ledger.subjects import Subjects
from tests.ledger.build import LOG

pytestmark = pytest.mark.fast


def test_a_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    first = signer_in(directory, LOG)
    assert str(signer_in(directory, LOG).verifier_key) == str(first.verifier_key)
    Subjects.in_directory(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["ledger-signing.pem", "ledger-subjects.key"]
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "ledger-signing.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def _open_to_others(path: Path) -> None:
    path.chmod(0o644)


def _other_kind(path: Path) -> None:
    path.write_bytes(X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _junk(path: Path) -> None:
    path.write_bytes(b"junk\xff")


@pytest.mark.parametrize(("spoil", "remedy"), [(_open_to_others, "chmod 600"), (_other_kind, "not an Ed25519 key"), (_junk, "restore it")])
def test_a_spoilt_key_is_refused_and_named(tmp_path: Path, spoil: Callable[[Path], None], remedy: str) -> None:
    signer_in(tmp_path, LOG)
    spoil(tmp_path / "ledger-signing.pem")
    with pytest.raises(KeyFault, match=remedy) as fault:
        signer_in(tmp_path, LOG)
    assert "ledger-signing.pem" in str(fault.value)


def test_a_spoilt_subject_key_is_refused(tmp_path: Path) -> None:
    Subjects.in_directory(tmp_path)
    _junk(tmp_path / "ledger-subjects.key")
    with pytest.raises(KeyFault, match="hexadecimal"):
        Subjects.in_directory(tmp_path)
    with pytest.raises(KeyFault, match="32 bytes"):
        Subjects(b"short")


@pytest.mark.parametrize("name", ["", "1/ledger", "a b", "a+b", "a\nb", "汇通", "a" * 129])
def test_a_name_that_notes_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyFault, match="schema-less URL"):
        signer_in(tmp_path, name)


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AA==", "a+00000000+!!", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"])
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFault):
        VerifierKey.parse(text)


def test_subjects_join_across_resources_and_not_across_kinds_or_hubs(tmp_path: Path) -> None:
    one, other = Subjects(b"1" * 32), Subjects(b"2" * 32)
    assert one.name("id_number", "520102199001011234") == one.name("id_number", "520102199001011234")
    assert len({one.name("id_number", "x"), one.name("uscc", "x"), other.name("id_number", "x"), one.name("id_number", "y")}) == 4
    assert len(one.name("id_number", "x")) == 32
    assert Subjects.in_directory(tmp_path).name("a", "b") == Subjects.in_directory(tmp_path).name("a", "b")
