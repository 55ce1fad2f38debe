"""The signing key ring: making, reading, rotating, refusing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from auth.keys import KeyFault, KeyRing
from auth.tokens import TokenInvalid, TokenVerifier
from tests.auth.support import ISSUER, World

pytestmark = pytest.mark.fast


def _accepts(ring: KeyRing, token: str, world: World) -> bool:
    try:
        TokenVerifier(ISSUER, ring, world.revocations, lambda _client: True, clock=world.clock).verify(token)
    except TokenInvalid:
        return False
    return True


def test_first_start_makes_one_private_key_and_later_starts_read_it(tmp_path: Path) -> None:
    first = KeyRing(tmp_path / "keys")
    (file,) = (tmp_path / "keys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert KeyRing(tmp_path / "keys").active.kid == first.active.kid


def test_starts_at_the_same_time_make_one_key(tmp_path: Path) -> None:
    ids: list[str] = []
    starts = [threading.Thread(target=lambda: ids.append(KeyRing(tmp_path / "keys").active.kid)) for _ in range(6)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_jwks_holds_public_parts_only(world: World) -> None:
    (key,) = world.keys.jwks()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert (key["alg"], key["use"], key["kid"]) == ("ES256", "sig", world.keys.active.kid)


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
        KeyRing(tmp_path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    KeyRing(tmp_path)
    (file,) = tmp_path.iterdir()
    file.chmod(0o640)
    with pytest.raises(KeyFault, match="chmod 600"):
        KeyRing(tmp_path)


def test_the_private_key_has_no_text_form(world: World) -> None:
    assert "ECKey" not in repr(world.keys.active)


def test_no_key_has_an_id_that_a_command_line_takes_for_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ECKey.generate_key("P-256") for _ in range(3)]
    ids = {id(made[0]): "-abc", id(made[1]): "-def"}
    thumbprint = ECKey.thumbprint
    monkeypatch.setattr(ECKey, "thumbprint", lambda key, *args: ids.get(id(key)) or thumbprint(key, *args))
    waiting = iter(made)
    monkeypatch.setattr(ECKey, "generate_key", lambda *_: next(waiting))
    KeyRing(tmp_path)
    assert list(waiting) == []
    assert [path.name.endswith(f"-{thumbprint(made[2])[:8]}.pem") for path in tmp_path.glob("*.pem")] == [True]
