"""Keeps one object's snapshot up to date: finds the newest delivery, waits until it is whole, has it read, and decides."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from connectors.files import process
from connectors.files.deliveries import Delivery, deliveries, marked
from connectors.files.findings import Findings
from connectors.files.ingest import Job
from connectors.files.options import FORMATS, ColumnSpec, FilesOptions, Format, ObjectSpec
from connectors.files.pattern import Pattern
from connectors.files.shelf import Record, Shelf, State, now_text, shelf_folder
from connectors.files.store import Store, TooLarge, Unstable
from connectors.selection import Binding

log = logging.getLogger(__name__)
MOST_TRIED = 5
"""Deliveries of one look: where the newest are bad and none is in service yet, older ones are tried."""
BEING_WRITTEN, NO_MARKER, CHANGED, NOT_READ = "being written", "marker missing", "changed while it was read", "not read yet"
TOO_EARLY = "dated in the future"
_STOP_SECONDS = 3.0
"""How long a copy that nobody wants any more is waited for: less than a source is given to close, which has more to close than this.
What a store that hangs leaves behind goes with the next look."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery newer than the one in service that was not judged yet, and why."""

    delivery: Delivery
    reason: str


def newer(found: Sequence[Delivery], state: State) -> Iterator[Delivery]:
    """Deliveries that came after the one in service and were not rejected, newest first."""
    current = state.current
    for each in found:
        if current is not None and (each.identity == current.identity or (_rank(each) < current.rank and each.entry.name != current.name)):
            return
        if each.identity not in state.rejected:
            yield each


def _tried(found: Iterator[Delivery]) -> list[Delivery]:
    """The newest, and however many are not due: those would else keep the others from being read."""
    early: list[Delivery] = []
    due: list[Delivery] = []
    for each in found:
        (early if each.early() else due).append(each)
        if len(due) >= MOST_TRIED:
            break
    return early + due


def _rank(delivery: Delivery) -> tuple[str, int, int]:
    day, number, modified = delivery.rank
    return day.isoformat(), number, modified


class Keeper:
    """Of one binding. ``state`` is what the shelf said last, ``found`` whether the folder held any delivery."""

    def __init__(self, code: str, url: str, store: Store, snapshots: Path, binding: Binding, spec: ObjectSpec, options: FilesOptions) -> None:
        self.binding = binding
        self.spec = spec
        self.state = State()
        self.found: bool | None = None
        self.waiting: list[Waiting] = []
        self.shelf = Shelf(shelf_folder(snapshots, url, binding), binding.object)
        self._what = f"{code} {binding.object}"
        self._store, self._options = store, options
        self._pattern = Pattern(binding.object)
        self._seen: dict[str, float] = {}

    async def load(self) -> None:
        """Takes over what the shelf says, without a look into the folder."""
        self.state = await asyncio.to_thread(self.shelf.state)

    async def listed(self) -> list[Delivery]:
        """The folder's deliveries, newest first.

        Raises:
            OSError: the store is not reachable.
        """
        found = await self._store.threads.run(deliveries, self._store, self._pattern)
        self.found = bool(found)
        return found

    async def look(self) -> None:
        """One look into the folder; a new delivery is read and put into service, or rejected.

        Raises:
            OSError: store or disk fail.
        """
        found = await self.listed()
        await self.load()
        self.waiting = []
        self._seen = {each.identity: self._seen.get(each.identity, time.monotonic()) for each in found}
        candidates = _tried(newer(found, self.state))
        if not candidates and not self.shelf.left_over():
            return
        with self.shelf.locked() as mine:
            if mine and candidates:
                await self._take_newest(candidates)
            elif mine:
                await asyncio.to_thread(self.shelf.clear_workplace)
        await self.load()

    async def _take_newest(self, candidates: Sequence[Delivery]) -> None:
        for delivery in candidates:
            reason = await self._unready(delivery) or await self._take(delivery)
            if reason is None and self.state.current is not None and self.state.current.identity == delivery.identity:
                await asyncio.to_thread(self.shelf.tidy)
                return
            if reason is not None:
                self.waiting.append(Waiting(delivery, reason))

    async def _unready(self, delivery: Delivery) -> str | None:
        """Why a delivery may not be whole yet, or is not due."""
        if delivery.early():
            return TOO_EARLY
        if self._options.marker is not None:
            return None if await self._store.threads.run(marked, self._store, delivery, self._options.marker) else NO_MARKER
        settle = self._options.settle_seconds
        # Either clock will do: a file's own time may lie in the future, and the hub may have begun only now.
        if time.time() - delivery.entry.modified / 1e9 >= settle or time.monotonic() - self._seen[delivery.identity] >= settle:
            return None
        return BEING_WRITTEN

    async def _take(self, delivery: Delivery) -> str | None:
        """Reads a delivery and puts it into service or rejects it; or says why it has to wait."""
        place = await asyncio.to_thread(self.shelf.empty_workplace)
        try:
            copy = place / f"delivery{PurePosixPath(delivery.entry.name).suffix}"
            digest = await self._copied(delivery, copy)
            job = await self._job(copy)
            answer = await process.run("ingest", [job], self._options, self._what)
            self._decide(delivery, digest, job, answer)
        except Unstable:
            return CHANGED
        except TooLarge:
            self._decide(delivery, None, None, _found("TOO_LARGE"))
        finally:
            await asyncio.shield(asyncio.to_thread(self.shelf.clear_workplace))
        return None

    async def _copied(self, delivery: Delivery, target: Path) -> str:
        """The copy's digest. Cancelled, it waits for the thread that writes, lest that puts a copy where everything was cleared away."""
        copying = asyncio.ensure_future(self._store.threads.run(self._store.copy, delivery.entry, target, self._options.max_bytes))
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            await asyncio.wait({copying}, timeout=_STOP_SECONDS)
            if not copying.cancel():
                copying.exception()
            raise

    async def _job(self, copy: Path) -> Job:
        job = job_of(copy, self.binding.object, self.spec, self._options)
        if self.spec.columns:
            return job
        answer = await process.run("guess", [job], self._options, self._what) or {}
        guessed = (answer.get("guesses") or [{}])[0].get("columns", [])
        columns = tuple(ColumnSpec(name=each["name"], kind=each["kind"]) for each in guessed)
        file = self.spec.file.model_copy(update={"min_rows": 0, "extra_columns": "ignore"})
        return job_of(copy, self.binding.object, ObjectSpec(file=file, columns=columns), self._options)

    def _decide(self, delivery: Delivery, digest: str | None, job: Job | None, answer: Mapping[str, Any] | None) -> None:
        answer = answer or _found("WORKER")
        facts = answer["facts"]
        columns = tuple(answer["columns"]) if self.spec.columns or job is None else tuple(each.name for each in job.spec.columns)
        record = Record(
            identity=delivery.identity,
            name=delivery.entry.name,
            state="",
            moment=delivery.moment.isoformat(),
            at=now_text(),
            rank=_rank(delivery),
            rows=answer["rows"],
            encoding=facts.get("encoding"),
            delimiter=facts.get("delimiter"),
            sheet=facts.get("sheet"),
            sha256=digest,
            columns=columns,
        )
        if answer["report"] is None and job is not None:
            self.state = self.shelf.accept(record, job.target)
            log.info("%s: delivery in service: %s, %d rows", self._what, record.name, record.rows)
        else:
            self.state = self.shelf.reject(record, answer["report"])
            log.warning("%s: delivery rejected: %s, %s", self._what, record.name, answer["report"]["counts"])


def _found(code: str) -> dict[str, Any]:
    findings = Findings()
    findings.add(code)
    return {"rows": 0, "facts": {}, "columns": (), "report": findings.as_json()}


def job_of(path: Path, object_: str, spec: ObjectSpec, options: FilesOptions) -> Job:
    """The job of reading a copy of an object's file."""
    format_ = spec.file.format or format_of(object_) or "csv"
    return Job(path, path.with_name("snapshot.duckdb"), format_, spec, options.max_rows, options.max_unpacked_bytes)


def format_of(name: str) -> Format | None:
    """By suffix."""
    return cast("Format | None", FORMATS.get(PurePosixPath(name.lower()).suffix))
