"""Signed statements of clients (compact JWS, RFC 7515): taken apart strictly, checked with one key whose algorithm is known beforehand."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

PublicKey = ECKey | RSAKey | OKPKey

MODELS = {"ES256": "ES256", "PS256": "PS256", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
"""What a header may call its algorithm, and the one that is meant. ``EdDSA`` is the older name of ``Ed25519`` (RFC 9864)."""
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z")
_MODULUS_BITS = range(2048, 4097)


class SignedFault(Exception):
    """No signed statement that could be looked at. ``str()`` holds none of its text."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement whose signature has not been checked yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    content: bytes = field(repr=False)
    """What was signed."""
    signature: bytes = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The algorithm's present name; empty if it is none of ``MODELS``."""
        named = self.header.get("alg")
        return MODELS.get(named, "") if isinstance(named, str) else ""

    def is_by(self, key: PublicKey) -> bool:
        """Whether the key made the signature, by the one algorithm that goes with such a key."""
        return self.algorithm == algorithm_of(key) and JWSRegistry.algorithms[self.algorithm].verify(self.content, self.signature, key)


def take_apart(text: str, most: int) -> Signed:
    """The parts of a compact JWS of at most ``most`` characters, both of them JSON objects in which no name stands twice.

    Raises:
        SignedFault: it is not so written.
    """
    found = _COMPACT.match(text) if len(text) <= most else None
    if found is None:
        raise SignedFault("not a compact JWS")
    content = text.rpartition(".")[0].encode("ascii")
    return Signed(_object(found[1]), _object(found[2]), content, _bytes(found[3]))


def algorithm_of(key: PublicKey) -> str:
    """The one algorithm for which the hub takes a key; empty for a kind, curve or size that it does not take."""
    if isinstance(key, ECKey):
        return "ES256" if key.curve_name == "P-256" else ""
    if isinstance(key, RSAKey):
        return "PS256" if key.public_key.key_size in _MODULUS_BITS else ""
    return "Ed25519" if key.curve_name == "Ed25519" else ""


def read_json(text: bytes) -> Any:
    """JSON in which no object has a name twice and no number is NaN or infinite.

    Raises:
        SignedFault: it is not so written.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise SignedFault("not JSON") from None


def _object(segment: str) -> dict[str, Any]:
    value = read_json(_bytes(segment))
    if not isinstance(value, dict):
        raise SignedFault("not an object")
    return value


def _bytes(segment: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise SignedFault("not Base64") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise SignedFault("a name stands twice")
    return made


def _no_constant(name: str) -> Any:
    raise SignedFault(name)
