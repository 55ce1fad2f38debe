"""Passwords of people: argon2id with the second parameter set of RFC 9106 §4 (64 MiB, 3 passes), and what a password may be."""

from __future__ import annotations

import secrets
import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY

from hub.catalog.problems import Problem

SHORTEST = 12
LONGEST = 128
_FEWEST_CHARACTERS = 5
_COMMON = Path(__file__).with_name("common_passwords.txt")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password is right; ``stale`` where its hash was made with other parameters than today's."""

    right: bool
    stale: bool = False


class Passwords:
    """Makes and checks hashes. Each takes about a tenth of a second and 64 MiB: call it from few threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

    def hash(self, password: str) -> str:
        """The hash to store; it names its parameters and salt (PHC string format)."""
        return self._hasher.hash(_normal(password))

    def verify(self, stored: str | None, password: str) -> Verdict:
        """One computation, whether or not there is a hash to compare with."""
        given = _normal(password[: LONGEST + 1])
        try:
            self._hasher.verify(stored or self._nobodys, given)
        except (VerificationError, InvalidHashError):
            return Verdict(False)
        return Verdict(stored is not None, stored is not None and self._hasher.check_needs_rehash(stored))

    @cached_property
    def _nobodys(self) -> str:
        """A hash that no password has, of the same parameters as all others: random bytes in place of what would be computed."""
        made = self._hasher
        salt, value = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (made.salt_len, made.hash_len))
        return f"$argon2id$v={ARGON2_VERSION}$m={made.memory_cost},t={made.time_cost},p={made.parallelism}${salt}${value}"


def password_problem(password: str, name: str) -> Problem | None:
    """Why a password may not be used (NIST SP 800-63B §3.1.1.2: length and a list of what is guessed first; no rules on kinds of characters)."""
    text = _normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        message = f"口令长度须为 {SHORTEST} 至 {LONGEST} 个字符 a password has {SHORTEST} to {LONGEST} characters"
        return Problem("PASSWORD_WEAK", message, "可用若干词语组成 several words are easy to remember", "password")
    if name.lower() in text.lower() or _guessable(text.lower()):
        return Problem("PASSWORD_WEAK", "口令过于常见，或含有登录名 the password is among the first to be guessed", "请换一个 choose another", "password")
    return None


def _normal(password: str) -> str:
    """The same bytes however a keyboard composes the characters (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _guessable(text: str) -> bool:
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return len(set(text)) < _FEWEST_CHARACTERS or len(steps) == 1 or _repeats(text) or any(word in text for word in _common())


def _repeats(text: str) -> bool:
    """One short piece over and over."""
    return any((text[:size] * len(text))[: len(text)] == text for size in range(1, len(text) // 2 + 1))


def _common() -> list[str]:
    return [line for line in _COMMON.read_text("utf-8").split() if not line.startswith("#")]
