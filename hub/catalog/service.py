"""The catalog's workflow: import a manifest, have it reviewed by somebody else, publish it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from connectors.spi import SourceConfig
from hub.acts import Actor, Acts, bump
from hub.catalog.build import Published, build_part, build_snapshot, source_config
from hub.catalog.checks import check_manifest
from hub.catalog.disclosure_report import Asked
from hub.catalog.disclosure_report import disclosure as disclosure_of
from hub.catalog.forms import form_of, read_stored
from hub.catalog.links import check_ends, check_links
from hub.catalog.manifest import Manifest, SourcePart, read_manifest
from hub.catalog.mask_changes import MaskChange, as_json
from hub.catalog.mask_review import changes_of, check_reviewed, check_told
from hub.catalog.mask_versions import keep_versions, version_problems
from hub.catalog.others import of_others
from hub.catalog.problems import Problem, Refused
from hub.catalog.reach import check_reach
from hub.catalog.register import Register, forbidden
from hub.catalog.scopes import CATALOG, SECURITY, STEWARD, SYSTEM
from hub.catalog.source_use import sources_missing
from hub.catalog.tables import department, manifest, snapshot, source
from hub.sharing.reasons import opinion_problem
from hub.store.base import now
from hub.store.engine import reading
from hub.withdrawal.tables import withdrawal
from schema.model import Department, Resource, Snapshot

_READ_AT_ONCE = 50
"""Manifests; their texts are in memory together."""
_LARGEST = 2**31 - 1
"""PostgreSQL refuses to compare an integer column with more."""


@dataclass(frozen=True, slots=True)
class ImportedManifest:
    """One imported manifest and where it stands."""

    id: int
    department: str
    state: str
    resources: tuple[str, ...]
    mask_changes: tuple[str, ...] = ()
    """What it does to masks; told with its review."""


class CatalogService(Register):
    """Administrative acts on the catalog: the register's, and those on manifests. Every method may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts, home: Path) -> None:
        super().__init__(acts, home)
        self._engine = engine
        self._parts: dict[int, Published] = {}
        self._withdrawn: dict[str, tuple[Resource, Resource]] = {}
        self._reading = threading.Lock()

    def import_manifest(self, actor: Actor, text: str) -> ImportedManifest:
        """Imports a manifest if it has no fault at all. A steward imports for the own department only."""
        read = self._read(actor, text)
        owner = read.department.code
        if not actor.may(SYSTEM, CATALOG) and not (actor.may(STEWARD) and actor.department == owner):
            self._refuse(actor, "importManifest", owner, forbidden(f"{SYSTEM} / {CATALOG} / {STEWARD} ({owner})"))
        form = form_of(text)
        # Looked at before the transaction, which holds everybody's writing lock, and in it only where something has changed meanwhile.
        seen = self.current()
        if not actor.may(SYSTEM, CATALOG) and (problems := of_others(read, text, seen)):
            self._acts.refuse(actor, "importManifest", owner, problems[0])
            raise Refused(*problems)
        checked = (seen, check_links(read, text, seen))

        def work(connection: Connection) -> ImportedManifest:
            _check_against_catalog(read, text, self.load(connection), checked)
            if problems := sources_missing(connection, read, text) + version_problems(connection, read, text):
                raise Refused(*problems)
            if not connection.execute(select(department.c.code).where(department.c.code == owner)).first():
                connection.execute(insert(department).values(**read.department.model_dump(), created_at=now()))
            digest = hashlib.sha256(text.encode()).hexdigest()
            values = {"department": owner, "text": text, "sha256": digest, "state": "IMPORTED", "imported_by": actor.name, "imported_at": now()}
            added = connection.execute(insert(manifest).values(**values, form=form)).inserted_primary_key
            return _imported(int(added[0]) if added else 0, owner, "IMPORTED", read)

        return self._acts.do(actor, "importManifest", owner, work, {"sha256": hashlib.sha256(text.encode()).hexdigest()})

    def review(self, actor: Actor, manifest_id: int, approve: bool, opinion: str, disclosure: str | None = None) -> ImportedManifest:
        """Approves or rejects an import. Not by who imported it (MSK-02, CAT-12).

        The entry holds the digest of its disclosure diff; with ``disclosure``, that of the diff the reviewer has read, another one refuses the act.
        """
        self._need(actor, "reviewCatalog", str(manifest_id), SECURITY, SYSTEM)
        if problem := opinion_problem(opinion):
            self._refuse(actor, "reviewCatalog", str(manifest_id), problem)
        digest = self.disclosure_of(manifest_id)
        if disclosure is not None and disclosure != digest:
            hint = "请重新比较 compare again: huitong catalog diff --import"
            self._refuse(
                actor, "reviewCatalog", str(manifest_id), Problem("CONFLICT", "披露差异已变化 the disclosure diff is another one now", hint, "disclosure")
            )
        changes = self.mask_changes(manifest_id)

        def work(connection: Connection) -> ImportedManifest:
            row = _manifest_row(connection, manifest_id, "IMPORTED")
            check_told(connection, manifest_id, changes)
            if actor.is_called(row.imported_by):
                raise Refused(Problem("FOUR_EYES", "审核人不得为导入人 who imported does not review", "请由他人审核 let somebody else review", "id"))
            state = "APPROVED" if approve else "REJECTED"
            values = {"state": state, "reviewed_by": actor.name, "reviewed_at": now(), "opinion": opinion}
            connection.execute(update(manifest).where(manifest.c.id == manifest_id).values(**values))
            return _imported(manifest_id, row.department, state, read_stored(row.text, row.form), changes)

        details = {"approve": approve, "disclosure": digest, **as_json(changes)}
        return self._acts.do(actor, "reviewCatalog", str(manifest_id), work, details)

    def disclosure_of(self, manifest_id: int) -> str | None:
        """The digest of an import's disclosure diff against the catalog in force; ``None`` where there is no such import."""
        try:
            with reading(self._engine) as connection:
                return disclosure_of(connection, Asked(manifest=manifest_id)).digest
        except Refused:
            return None

    def publish(self, actor: Actor, manifest_id: int) -> int:
        """Publishes an approved import: a new snapshot, in force for the next call. Returns its number."""
        self._need(actor, "publishCatalog", str(manifest_id), SECURITY, SYSTEM)
        changes = self.mask_changes(manifest_id)

        def work(connection: Connection) -> int:
            row = _manifest_row(connection, manifest_id, "APPROVED")
            read = read_stored(row.text, row.form)
            problems = sources_missing(connection, read, row.text) + version_problems(connection, read, row.text)
            if problems := problems + check_ends(read, row.text, self.load(connection)):
                raise Refused(*problems)
            check_reviewed(connection, row, changes)
            last = connection.execute(select(snapshot).order_by(snapshot.c.number.desc()).limit(1)).first()
            parts: dict[str, int] = json.loads(last.manifests) if last else {}
            number = (last.number if last else 0) + 1
            parts[row.department] = manifest_id
            connection.execute(update(manifest).where(manifest.c.id == manifest_id).values(state="PUBLISHED"))
            values = {"number": number, "manifests": json.dumps(parts, sort_keys=True), "published_by": actor.name, "published_at": now()}
            connection.execute(insert(snapshot).values(**values))
            keep_versions(connection, read, manifest_id)
            bump(connection, "catalog")
            return number

        return self._acts.do(actor, "publishCatalog", str(manifest_id), work, as_json(changes))

    def mask_changes(self, manifest_id: int) -> tuple[MaskChange, ...]:
        """What the publication of an import that waits for it would do to masks now; empty for any other."""
        with reading(self._engine) as connection:
            return changes_of(connection, manifest_id)

    def current(self) -> Snapshot:
        """The snapshot in force."""
        with reading(self._engine) as connection:
            return self.load(connection)

    def load(self, connection: Connection) -> Snapshot:
        """The snapshot in force, as this transaction sees it."""
        last = connection.execute(select(snapshot).order_by(snapshot.c.number.desc()).limit(1)).first()
        rows = connection.execute(select(department)).all()
        departments = {row.code: Department(row.code, row.name, row.name_en, row.uscc, row.tier) for row in rows}
        sources = {row.code: source_config(row.department, SourcePart.model_validate_json(row.config)) for row in connection.execute(select(source))}
        if last is None:
            return build_snapshot(0, [], departments, sources, home=self._home)
        ids = list(json.loads(last.manifests).values())
        made = build_snapshot(last.number, self._published(connection, ids), departments, sources, last.published_at, self._home)
        return replace(made, resources={**made.resources, **self._taken_out(connection, made.resources)})

    def _taken_out(self, connection: Connection, resources: Mapping[str, Resource]) -> dict[str, Resource]:
        """The withdrawn ones as such. A resource that stays withdrawn is the same object in the next snapshot, as others are."""
        codes = connection.execute(select(withdrawal.c.resource).where(withdrawal.c.state == "WITHDRAWN")).scalars()
        with self._reading:
            known = self._withdrawn
            self._withdrawn = {}
            for found in (resources[code] for code in codes if code in resources):
                held = known.get(found.code)
                self._withdrawn[found.code] = held if held is not None and held[0] is found else (found, replace(found, withdrawn=True))
            return {code: out for code, (_, out) in self._withdrawn.items()}

    def _published(self, connection: Connection, ids: list[int]) -> list[Published]:
        """What these manifests say; those that the last snapshot had are the same objects: imports are never changed."""
        with self._reading:
            known = self._parts
            parts = {number: known[number] for number in ids if number in known}
            missing = [number for number in ids if number not in known]
            columns = select(manifest.c.id, manifest.c.text, manifest.c.form)
            for start in range(0, len(missing), _READ_AT_ONCE):
                for row in connection.execute(columns.where(manifest.c.id.in_(missing[start : start + _READ_AT_ONCE]))):
                    parts[row.id] = build_part(read_stored(row.text, row.form))
            self._parts = parts
        return [parts[number] for number in ids]

    def manifest_text(self, owner: str) -> str | None:
        """The published manifest of a department, for export."""
        with self._engine.connect() as connection:
            last = connection.execute(select(snapshot).order_by(snapshot.c.number.desc()).limit(1)).first()
            manifest_id = json.loads(last.manifests).get(owner) if last else None
            found = connection.execute(select(manifest.c.text).where(manifest.c.id == manifest_id)).first() if manifest_id else None
            return str(found.text) if found else None

    def sources_of(self, manifest_id: int) -> list[SourceConfig]:
        """The sources of a published import: its own, and those registered apart from which its resources are read."""
        with self._engine.connect() as connection:
            read = read_stored(*connection.execute(select(manifest.c.text, manifest.c.form).where(manifest.c.id == manifest_id)).one())
            known = self.load(connection).sources
        codes = dict.fromkeys([*(each.code for each in read.sources), *(each.source for each in read.resources)])
        return [known[full] for code in codes if (full := f"{read.department.code}.{code}") in known]

    def manifests(self) -> list[Mapping[str, Any]]:
        """All imports, newest first, without their texts."""
        columns = [c for c in manifest.c if c.name not in ("text", "form")]
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(*columns).order_by(manifest.c.id.desc()).limit(500)).mappings()]

    def _read(self, actor: Actor, text: str) -> Manifest:
        try:
            read = read_manifest(text)
        except Refused as refused:
            self._acts.refuse(actor, "importManifest", "", refused.problems[0])
            raise
        problems = check_manifest(read, text) + check_reach(read, text, self._home)
        if problems:
            self._acts.refuse(actor, "importManifest", read.department.code, problems[0])
            raise Refused(*problems)
        return read


def _manifest_row(connection: Connection, manifest_id: int, state: str) -> Row[Any]:
    row = connection.execute(select(manifest).where(manifest.c.id == manifest_id)).first() if manifest_id <= _LARGEST else None
    if row is None:
        raise Refused(Problem("NOT_FOUND", f"没有导入记录 no import {manifest_id}", "请核对编号 compare the number", "id"))
    if row.state != state:
        hint = (
            "审核通过后才能发布 only an approved import can be published"
            if state == "APPROVED"
            else "只有待审核的导入可以审核 only a waiting import can be reviewed"
        )
        raise Refused(Problem("CONFLICT", f"导入记录 {manifest_id} 的状态为 {row.state} is {row.state}", hint, "id"))
    return row


def _imported(manifest_id: int, owner: str, state: str, read: Manifest, changes: tuple[MaskChange, ...] = ()) -> ImportedManifest:
    return ImportedManifest(manifest_id, owner, state, tuple(f"{owner}.{resource.code}" for resource in read.resources), tuple(map(str, changes)))


def _check_against_catalog(read: Manifest, text: str, published: Snapshot, checked: tuple[Snapshot, list[Problem]]) -> None:
    seen, problems = checked
    if (seen.number, seen.departments, seen.sources) != (published.number, published.departments, published.sources):
        problems = check_links(read, text, published)
    if problems:
        raise Refused(*problems)


def last_number(connection: Connection) -> int:
    """The number of the snapshot in force; 0 where none is."""
    return int(connection.execute(select(func.coalesce(func.max(snapshot.c.number), 0))).scalar_one())
