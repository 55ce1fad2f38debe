"""The public keys by which an application proves itself (``private_key_jwt``): read strictly when they are registered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.signed import MODELS, PublicKey, SignedFault, algorithm_of, read_json

MOST_KEYS = 8
"""Keys of one application at once: enough for any rotation."""
MOST_CHARACTERS = 32 * 1024
_PUBLIC = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
_IMPORTS: Mapping[str, Any] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
_SECRET = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_MOST_KID = 128
_FEWEST_BITS = 2048
_PEM_KINDS = (("EC", EllipticCurvePublicKey), ("RSA", RSAPublicKey), ("OKP", Ed25519PublicKey))


class KeysRefused(Exception):
    """Keys that cannot be registered. ``zh`` and ``en`` say which and why, ``hint`` what to send."""

    def __init__(self, zh: str, en: str, hint: str) -> None:
        super().__init__(f"{en}; {hint}")
        self.zh = zh
        self.en = en
        self.hint = hint


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """An application's public keys by key id."""

    by_id: Mapping[str, PublicKey] = field(repr=False)

    def find(self, kid: object, algorithm: str) -> PublicKey | None:
        """The key of this id and algorithm; without an id the only key of the algorithm, if it is the only one."""
        if kid is not None:
            key = self.by_id.get(kid) if isinstance(kid, str) else None
            return key if key is not None and algorithm_of(key) == algorithm else None
        fitting = [key for key in self.by_id.values() if algorithm_of(key) == algorithm]
        return fitting[0] if len(fitting) == 1 else None


@lru_cache(maxsize=4096)
def stored_keys(text: str) -> ClientKeys:
    """The keys in a text that ``read_keys`` made."""
    return ClientKeys({jwk["kid"]: _IMPORTS[jwk["kty"]].import_key(jwk) for jwk in json.loads(text)["keys"]})


def read_keys(text: str) -> str:
    """What is stored of a JWK Set (RFC 7517 §5), a single JWK or public keys in PEM form: public members, ``kid`` and ``alg`` alone.

    A key without ``kid`` gets its RFC 7638 thumbprint.

    Raises:
        KeysRefused: a private key, a key of another kind or size, a ``kid`` twice, or no keys at all.
    """
    if len(text) > MOST_CHARACTERS:
        raise KeysRefused("公钥文本过长", f"the keys are longer than {MOST_CHARACTERS} characters", "send public keys alone, without certificates")
    keys = _from_pem(text) if "-----BEGIN" in text else _from_json(text)
    made = [_checked(place, jwk) for place, jwk in enumerate(keys)]
    if not 0 < len(made) <= MOST_KEYS:
        raise KeysRefused(f"公钥须为 1 至 {MOST_KEYS} 个", f"there must be 1 to {MOST_KEYS} keys, not {len(made)}", '{"keys": [{"kty": "EC", …}]}')
    if len({jwk["kid"] for jwk in made}) != len(made):
        raise KeysRefused("密钥编号 kid 重复", "two keys have the same kid", "give each key its own kid, or leave kid out")
    return json.dumps({"keys": made}, separators=(",", ":"))


def key_ids(text: str | None) -> list[str]:
    """The ``kid`` of each stored key."""
    return [jwk["kid"] for jwk in json.loads(text)["keys"]] if text else []


def takes_out(before: str | None, after: str) -> bool:
    """Whether a key that is stored before is not among those after, whatever ``kid`` it bears; so too where there was a secret instead of keys."""
    return not before or not _materials(before) <= _materials(after)


def _materials(text: str) -> set[tuple[str, ...]]:
    return {tuple(str(jwk[part]) for part in ("kty", *_PUBLIC[jwk["kty"]])) for jwk in json.loads(text)["keys"]}


def _from_json(text: str) -> list[Any]:
    try:
        content = read_json(text.encode())
    except (SignedFault, UnicodeEncodeError):
        content = None
    if isinstance(content, dict):
        keys = content.get("keys", [content] if "kty" in content else None)
        if isinstance(keys, list):
            return keys
    raise KeysRefused("不是 JWKS", "this is no JWK Set and no PEM", '{"keys": [{"kty": "EC", "crv": "P-256", "x": "…", "y": "…"}]}')


def _from_pem(text: str) -> list[Any]:
    if "PRIVATE KEY" in text:
        raise _private("PEM")
    parts = [f"-----BEGIN{part}".strip() for part in text.split("-----BEGIN")[1:]]
    return [_pem_key(place, part) for place, part in enumerate(parts)]


def _pem_key(place: int, part: str) -> Any:
    try:
        public = load_pem_public_key(part.encode())
        if not isinstance(public, RSAPublicKey) or public.key_size >= _FEWEST_BITS:
            kind = next(kind for kind, key in _PEM_KINDS if isinstance(public, key))
            return {**_IMPORTS[kind].import_key(part).as_dict(private=False), "kty": kind}
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm, StopIteration, JoseError):
        pass
    raise _unfit(place)


def _is_short(modulus: object) -> bool:
    """Whether an RSA key is so short that reading it would only give a warning."""
    return isinstance(modulus, str) and len(modulus) * 6 < _FEWEST_BITS


def _checked(place: int, jwk: Any) -> dict[str, str]:
    """The members of a key that are stored."""
    if not isinstance(jwk, dict) or str(jwk.get("kty")) not in _PUBLIC or _is_short(jwk.get("n")):
        raise _private(f"keys[{place}]") if isinstance(jwk, dict) and jwk.get("kty") == "oct" else _unfit(place)
    if any(name in jwk for name in _SECRET):
        raise _private(f"keys[{place}]")
    public = {name: jwk.get(name) for name in _PUBLIC[jwk["kty"]]}
    try:
        key = _IMPORTS[jwk["kty"]].import_key({"kty": jwk["kty"], **public})
        algorithm = algorithm_of(key)
    except (ValueError, TypeError, AttributeError, JoseError):
        raise _unfit(place) from None
    _check_use(place, jwk, algorithm)
    return {"kty": jwk["kty"], **{name: str(value) for name, value in public.items()}, "use": "sig", "alg": algorithm, "kid": _kid(place, jwk, key)}


def _check_use(place: int, jwk: Mapping[str, Any], algorithm: str) -> None:
    if not algorithm:
        raise _unfit(place)
    if jwk.get("use", "sig") != "sig" or MODELS.get(str(jwk.get("alg", algorithm))) != algorithm or "verify" not in _operations(jwk):
        raise KeysRefused(
            f"第 {place} 个密钥的用途或算法不符",
            f"keys[{place}] is for another use or algorithm",
            f'"use": "sig", "alg": "{algorithm}", or leave them out',
        )


def _operations(jwk: Mapping[str, Any]) -> Iterable[Any]:
    operations = jwk.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else ()


def _kid(place: int, jwk: Mapping[str, Any], key: PublicKey) -> str:
    kid = jwk.get("kid") or key.thumbprint()
    if not isinstance(kid, str) or len(kid) > _MOST_KID or not kid.isprintable():
        raise KeysRefused(f"第 {place} 个密钥的 kid 不合格式", f"keys[{place}] has a kid that is no short text", f"at most {_MOST_KID} characters")
    return kid


def _private(place: str) -> KeysRefused:
    return KeysRefused(
        f"{place} 含私钥或共享密钥，不予登记；该密钥已泄露给传输途径，应当作废",
        f"{place} holds a private or shared key, which is refused; it has left its owner and must not be used any more",
        "make a new key pair and send its public half: openssl pkey -in key.pem -pubout",
    )


def _unfit(place: int) -> KeysRefused:
    return KeysRefused(
        f"第 {place} 个密钥的种类、曲线或长度不受支持",
        f"keys[{place}] is no public key on P-256 or Ed25519, nor RSA of 2048 to 4096 bits",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
    )
