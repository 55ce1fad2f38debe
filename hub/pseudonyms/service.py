"""Acts on the pseudonyms' master key: a new version, the end of an old one, and a consumer's table from one to the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

from auth.keys import KeyFault
from hub.acts import Actor, Acts, bump
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SYSTEM
from hub.ledger.entry import Json
from hub.pseudonyms.files import FOLDER, KeyFiles
from hub.pseudonyms.tables import pseudonym_key
from hub.pseudonyms.versions import Version, current, read_versions
from hub.sharing.tables import application
from hub.store.base import now
from hub.store.engine import reading
from hub.store.turns import writing
from hub.store.upsert import inserted
from masking.pseudonym import ALGORITHM, bound, pseudonyms
from masking.rules import Mask


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version and where it stands: ``WAITING``, ``CURRENT``, ``KEPT`` for comparison, or ``RETIRED``; ``here``: whether this node holds its key."""

    version: Version
    state: str
    here: bool


class PseudonymKeyService:
    """The master key's versions in the control database, and their secrets in one directory of this node."""

    def __init__(self, engine: Engine, acts: Acts, directory: Path, digest: str) -> None:
        """``digest``: of versions yet to be made."""
        self._engine = engine
        self._acts = acts
        self._digest = digest
        self.files = KeyFiles(directory)

    def open(self) -> None:
        """Reads this node's keys. Where the control database names none yet, those found here become its versions, else a first one is made."""
        self.files.refresh()
        with reading(self._engine) as connection:
            if read_versions(connection):
                return
        if not self.files.keys:
            self._make_first()
        with writing(self._engine) as connection:
            if not read_versions(connection):
                # Of two nodes that begin together one is first; the other waits for a copy of its key.
                for number in sorted(self.files.keys):
                    self._inserted(connection, number, now())

    def states(self) -> list[VersionState]:
        """All versions, newest first."""
        self.files.refresh()
        with reading(self._engine) as connection:
            versions = read_versions(connection)
        return [self._state(each, versions) for each in versions]

    def missing(self) -> int | None:
        """The version that makes pseudonyms now, if its key is not on this node."""
        return next((each.version.number for each in self.states() if each.state == "CURRENT" and not each.here), None)

    def rotate(self, actor: Actor, after: int) -> VersionState:
        """Makes the next version, which makes pseudonyms in ``after`` seconds: until then its file has to be on every node.

        Raises:
            Refused: another version waits already, or the actor lacks the role; no key was made.
        """
        made: list[int] = []

        def work(connection: Connection) -> None:
            self._need(actor)
            versions, moment = read_versions(connection), now()
            waiting = [each for each in versions if each.retired_at is None and each.starts_at > moment]
            # Where a key is compromised, nobody waits for another one to begin.
            if waiting and after:
                hint = f"huitong keys pseudonyms retire {waiting[0].number}"
                raise Refused(Problem("CONFLICT", f"已有版本等待启用 version {waiting[0].number} waits already", hint, "after"))
            number = versions[0].number + 1 if versions else 1
            self._add(number)
            made.append(number)
            if not self._inserted(connection, number, moment + timedelta(seconds=after)):
                raise Refused(Problem("CONFLICT", "另一节点刚刚轮换 another node has just rotated", "huitong keys pseudonyms list", "version"))
            bump(connection, "rights")

        try:
            self._acts.do(actor, "rotatePseudonymKey", FOLDER, work, {"after": after, "digest": self._digest})
        except BaseException:
            for number in made:
                self.files.remove(number)
            raise
        return next(state for state in self.states() if state.version.number == made[0])

    def retire(self, actor: Actor, number: int) -> VersionState:
        """Ends a version for good and deletes its key here; once more on every other node.

        Raises:
            Refused: it makes pseudonyms now, or there is no such version.
        """

        def work(connection: Connection) -> None:
            self._need(actor)
            versions = read_versions(connection)
            found = next((each for each in versions if each.number == number), None)
            if found is None:
                raise Refused(Problem("NOT_FOUND", f"没有该版本 no version {number}", "huitong keys pseudonyms list", "version"))
            if found == current(versions, now()):
                hint = "huitong keys pseudonyms rotate --after 0"
                raise Refused(Problem("CONFLICT", "该版本正在使用 this version makes pseudonyms now: make another one first", hint, "version"))
            if found.retired_at is None:
                connection.execute(update(pseudonym_key).where(pseudonym_key.c.version == number).values(retired_at=now()))
                bump(connection, "rights")

        self._acts.do(actor, "retirePseudonymKey", str(number), work)
        self.files.remove(number)
        return next(state for state in self.states() if state.version.number == number)

    def overlap(self, actor: Actor, name: str, project: str, numbers: tuple[int, int], values: Iterable[str]) -> list[tuple[str, str]]:
        """Pairs of one consumer's pseudonyms, of the old version and of the new one, sorted by the new so that they follow no order of the values.

        Raises:
            Refused: no such application, a version is retired or not here, or the actor lacks the role.
        """
        made: set[tuple[str, str]] = set()
        details: dict[str, Json] = {"project": project, "from": numbers[0], "to": numbers[1]}

        def work(connection: Connection) -> None:
            self._need(actor)
            client = connection.execute(select(application.c.client_id).where(application.c.name == name)).scalar()
            if client is None:
                raise Refused(Problem("NOT_FOUND", f"没有应用 no application {name[:120]}", "huitong app list", "application"))
            ids = [self._held(connection, number) for number in numbers]
            mask = Mask(ALGORITHM, (project,))
            old, new = (pseudonyms(bound(mask, client, key_id, number)) for key_id, number in zip(ids, numbers, strict=True))
            pairs = ((old(value), new(value)) for value in values)
            made.update((one, other) for one, other in pairs if one is not None and other is not None)

        self._acts.do(actor, "translatePseudonyms", name, work, details)
        return sorted(made, key=lambda pair: pair[1])

    def _held(self, connection: Connection, number: int) -> str:
        self.files.refresh()
        found = next((each for each in read_versions(connection) if each.number == number and each.retired_at is None), None)
        held = self.files.keys.get(number)
        if found is None or held is None or held.id != found.key_id:
            raise Refused(
                Problem(
                    "NOT_FOUND",
                    f"版本 version {number} 不存在、已停用或密钥不在本机 does not exist, is retired, or its key is not here",
                    "huitong keys pseudonyms list",
                    "version",
                )
            )
        return found.key_id

    def _make_first(self) -> None:
        try:
            self.files.add(1, self._digest)
        except KeyFault:
            # Another process was first, with this very file.
            self.files.refresh()

    def _add(self, number: int) -> None:
        try:
            self.files.add(number, self._digest)
        except KeyFault as fault:
            raise Refused(Problem("CONFLICT", fault.message, fault.hint, "version")) from None

    def _inserted(self, connection: Connection, number: int, starts_at: datetime) -> bool:
        key = self.files.keys[number]
        values = {"version": number, "key_id": key.id, "digest": key.digest, "starts_at": starts_at, "retired_at": None}
        return inserted(connection, pseudonym_key, values)

    def _state(self, version: Version, versions: tuple[Version, ...]) -> VersionState:
        held, moment = self.files.keys.get(version.number), now()
        here = held is not None and held.id == version.key_id
        if version.retired_at is not None:
            return VersionState(version, "RETIRED", here)
        if version.starts_at > moment:
            return VersionState(version, "WAITING", here)
        return VersionState(version, "CURRENT" if version is current(versions, moment) else "KEPT", here)

    @staticmethod
    def _need(actor: Actor) -> None:
        if not actor.may(SYSTEM):
            raise Refused(Problem("FORBIDDEN", f"需要权限 this act needs {SYSTEM}", "请使用具有该角色的账号 use an account that has this role"))
