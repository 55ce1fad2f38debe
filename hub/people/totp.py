"""One-time codes (TOTP, RFC 6238): sealed secrets, codes that hold once, and the picture by which an app takes the secret over."""

from __future__ import annotations

import hmac
import os

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.clock import real_now

STEP_SECONDS = 30
DRIFT_STEPS = 1
"""Codes of the step before and of the next one count: clocks differ, and people type slowly (RFC 6238 §5.2)."""
ISSUER = "汇通 Huitong"
_SECRET_LENGTH = 32
"""Base32 characters: 160 bits, the length of the HMAC's own output (RFC 4226 §4, R6)."""
_NONCE = 12
_KEY = 32


class Seal:
    """Seals secrets for the control database with AES-256-GCM; a sealed secret is bound to its person. ``key``: ``keys/people.key`` of the home."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key[:_KEY])

    def close(self, secret: str, person_id: str) -> bytes:
        """The secret as it is stored."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), person_id.encode())

    def open(self, sealed: bytes | None, person_id: str) -> str | None:
        """The secret; ``None`` where there is none, or it was sealed for somebody else or with another key."""
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], person_id.encode()).decode()
        except InvalidTag:
            return None


def new_secret() -> str:
    """A random secret in base32."""
    return pyotp.random_base32(_SECRET_LENGTH)


def step_of(secret: str | None, code: str) -> int | None:
    """The time step whose code this is, the latest first; ``None`` where it is none of those that count now."""
    totp = pyotp.TOTP(secret or new_secret())
    current = int(real_now().timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found if secret is not None else None


def picture(secret: str, name: str) -> str:
    """The secret as a QR code, a ``data:`` address of an SVG."""
    made: str = segno.make(address(secret, name), error="m").svg_data_uri(scale=5, border=4, light="#fff")
    return made


def address(secret: str, name: str) -> str:
    """The ``otpauth:`` address that apps read."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
