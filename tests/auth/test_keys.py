"""The signing key ring: making, reading, rotating, refusing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from auth.keys import KeyFault, SigningKeys
from auth.tokens import TokenInvalid, TokenIssuer, TokenVerifier
from tests.auth.support import ISSUER, World

pytestmark = pytest.mark.fast


def _accepts(ring: SigningKeys, token: str, world: World) -> bool:
    try:
        TokenVerifier(ISSUER, ring, world.revocations, lambda _client: True, clock=world.clock).verify(token)
    except TokenInvalid:
        return False
    return True


def test_first_start_makes_one_private_key_and_later_starts_read_it(tmp_path: Path) -> None:
    first = SigningKeys.open(tmp_path / "keys")
    (file,) = (tmp_path / "keys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert SigningKeys.open(tmp_path / "keys").active_id == first.active_id


def test_starts_at_the_same_time_make_one_key(tmp_path: Path) -> None:
    ids: list[str] = []
    starts = [threading.Thread(target=lambda: ids.append(SigningKeys.open(tmp_path / "keys").active_id)) for _ in range(6)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_a18_after_rotation_old_tokens_verify_until_their_key_is_removed(world: World) -> None:
    old_id = world.keys.active_id
    token = world.issuing.issue("app", ["query:unconditional"]).token
    rotated = SigningKeys.rotate(world.home / "keys")
    assert rotated.active_id != old_id
    assert set(rotated.verifying) == {old_id, rotated.active_id}
    assert _accepts(rotated, token, world)
    assert _accepts(rotated, TokenIssuer(ISSUER, rotated, clock=world.clock).issue("app", ["a"]).token, world)
    (old_file,) = [path for path in (world.home / "keys").iterdir() if old_id[:8] in path.name]
    old_file.unlink()
    assert not _accepts(SigningKeys.open(world.home / "keys"), token, world)


def test_jwks_holds_public_parts_only(world: World) -> None:
    (key,) = world.keys.jwks()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert (key["alg"], key["use"], key["kid"]) == ("ES256", "sig", world.keys.active_id)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n",
        ECKey.generate_key("P-384").as_pem(private=True),
        ECKey.generate_key("P-256").as_pem(private=False),
        RSAKey.generate_key(2048).as_pem(private=True),
    ],
    ids=["empty", "garbage", "P-384", "public half", "RSA"],
)
def test_an_unusable_file_is_named_with_its_remedy(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "20260101T000000000000Z-broken.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeyFault, match=r"broken\.pem is not a private key on P-256.*restore it"):
        SigningKeys.open(tmp_path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    SigningKeys.open(tmp_path)
    (file,) = tmp_path.iterdir()
    file.chmod(0o640)
    with pytest.raises(KeyFault, match="chmod 600"):
        SigningKeys.open(tmp_path)


def test_the_private_key_has_no_text_form(world: World) -> None:
    assert "ECKey" not in repr(world.keys)
