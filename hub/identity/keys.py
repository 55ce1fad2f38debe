"""Acts on the keys that sign access tokens: made in advance, retired when nothing that they signed can live any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from auth.claims import MAX_LIFETIME
from auth.keys import RingKey, add_key, read_ring, signing, sync
from hub.acts import Actor, Acts
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SYSTEM

MARGIN = 60
"""Seconds by which nodes' clocks, and their looks at the directory, may differ."""
_RETIRED = ".retired"


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key of the ring and where it stands: ``WAITING`` to sign, ``SIGNING``, or only ``VERIFYING`` what it signed."""

    kid: str
    state: str
    signs_from: datetime
    retire_from: datetime | None
    """When the last token that it can have signed has ended; ``None`` while it signs or waits."""
    file: Path


class SigningKeyService:
    """The keys in one directory. Running hubs follow within a second; other nodes need a copy of the directory."""

    def __init__(self, directory: Path, acts: Acts, *, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._acts = acts
        self._clock = clock

    def list(self) -> list[KeyState]:
        """All keys, newest first."""
        keys = read_ring(self._directory)
        return [self._state(keys, place) for place in range(len(keys))]

    def rotate(self, actor: Actor, after: int) -> KeyState:
        """Makes a key that is published at once and signs in ``after`` seconds.

        Raises:
            Refused: another key waits already, or the actor lacks the role; no key was made.
        """
        made: list[RingKey] = []

        def work(_connection: Connection) -> KeyState:
            self._need(actor)
            waiting = [state for state in self.list() if state.state == "WAITING"] if self._directory.is_dir() else []
            # Where a key is compromised, nobody waits for another one to begin.
            if waiting and after:
                hint = f"huitong keys retire {waiting[0].kid}"
                raise Refused(Problem("CONFLICT", f"已有密钥等待启用 a key waits to sign already: {waiting[0].kid}", hint, "after"))
            made.append(add_key(self._directory, self._clock() + after))
            return next(state for state in self.list() if state.kid == made[0].kid)

        try:
            return self._acts.do(actor, "rotateSigningKey", str(self._directory.name), work, {"after": after})
        except BaseException:
            for key in made:
                key.path.unlink(missing_ok=True)
            raise

    def retire(self, actor: Actor, kid: str, now: bool = False) -> KeyState:
        """Takes a key out of the ring. ``now``: even while tokens that it signed may live; they end with it.

        Raises:
            Refused: it signs, or its tokens may still live, or there is no such key.
        """
        moved: list[tuple[Path, Path]] = []

        def work(_connection: Connection) -> KeyState:
            self._need(actor)
            state = self._retirable(kid, now)
            aside = state.file.with_suffix(_RETIRED)
            state.file.rename(aside)
            moved.append((aside, state.file))
            return state

        try:
            done = self._acts.do(actor, "retireSigningKey", kid[:60], work, {"now": now})
        except BaseException:
            for aside, file in moved:
                aside.rename(file)
            raise
        for aside, _ in moved:
            with suppress(FileNotFoundError):
                aside.unlink()
        sync(self._directory)
        return done

    def _retirable(self, kid: str, now: bool) -> KeyState:
        states = self.list()
        found = [state for state in states if state.kid == kid]
        if not found:
            raise Refused(Problem("NOT_FOUND", f"没有该密钥 no signing key {kid[:60]}", "huitong keys list", "kid"))
        (state,) = found
        if state.state == "SIGNING":
            hint = "huitong keys rotate --after 0"
            raise Refused(Problem("CONFLICT", "该密钥正在签发令牌 this key signs now: make another one first", hint, "kid"))
        if not now and state.retire_from is not None and state.retire_from.timestamp() > self._clock():
            ends = state.retire_from.isoformat(timespec="seconds")
            message = f"其签发的令牌在 {ends} 前可能仍有效 tokens that it signed may live until {ends}"
            raise Refused(Problem("CONFLICT", message, "届时再试，或以 --now 立即终止这些令牌 wait, or end them by --now", "kid"))
        return state

    def _state(self, keys: tuple[RingKey, ...], place: int) -> KeyState:
        key, moment = keys[place], self._clock()
        starts = datetime.fromtimestamp(key.starts, UTC)
        if key is signing(keys, moment):
            return KeyState(key.kid, "SIGNING", starts, None, key.path)
        if key.starts > moment:
            return KeyState(key.kid, "WAITING", starts, None, key.path)
        ended = keys[place - 1].starts
        return KeyState(key.kid, "VERIFYING", starts, datetime.fromtimestamp(ended + MAX_LIFETIME + MARGIN, UTC), key.path)

    @staticmethod
    def _need(actor: Actor) -> None:
        if not actor.may(SYSTEM):
            raise Refused(Problem("FORBIDDEN", f"需要权限 this act needs {SYSTEM}", "请使用具有该角色的账号 use an account that has this role"))
