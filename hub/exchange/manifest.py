"""The manifest of a finished exchange: what was exchanged, by which plan and policy, its files, its place in the ledger; signed by the ledger's key."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Engine

from hub.exchange.store import FileRecord, Job
from hub.ledger.proofs import leaf_of
from hub.ledger.service import LedgerService
from hub.tracing.search import entries_of


def listed(files: Iterable[FileRecord]) -> list[dict[str, Any]]:
    """The files as the manifest names them, by name. ``sm3`` stands where it was made."""
    return [_file(file) for file in sorted(files, key=lambda one: one.name)]


def files_digest(files: Iterable[FileRecord]) -> str:
    """What the ledger's entry calls the files by: SHA-256, hexadecimal, over the canonical JSON (keys sorted) of the manifest's ``files``."""
    return _digest(listed(files))


async def manifest_of(job: Job, entry: int, log: LedgerService) -> dict[str, Any]:
    """The manifest of a job that succeeded with this entry; ``signature`` is the ledger key's over the canonical JSON (keys sorted) of all else.

    Raises:
        LedgerCorrupt: the ledger's tree has a hole.
    """
    proof = await log.proof(entry)
    # Where rows and columns lie is the departments' own: it could be guessed by its digest.
    plan = {name: part for name, part in json.loads(job.plan).items() if name != "reads"}
    content: dict[str, Any] = {
        "exchange": job.id,
        "format": job.format,
        "encoding": job.encoding,
        "plan": {**plan, "sha256": _digest(plan)},
        "masks": _masks(plan),
        "policy": job.policy,
        "source_snapshot": {"catalog": job.snapshot, **_moments(job)},
        "reason": job.reason,
        "files": listed(job.files),
        "ledger": {
            "log": log.ledger.log,
            "entry": str(entry),
            "leaf": base64.b64encode(await asyncio.to_thread(_leaf, log, entry)).decode(),
            "sha256": files_digest(job.files),
            **({} if proof is None else {"proof": proof.as_json()}),
        },
    }
    signer = log.signer
    signature = base64.b64encode(signer.sign(_canonical(content))).decode()
    return {**content, "signature": {"key": signer.key_id, "algorithm": signer.algorithm, "value": signature}}


def entry_of(job: Job, engine: Engine) -> int | None:
    """The entry with which a job succeeded. Its number is noted a moment after, by a server that may have died meanwhile: the log itself has it."""
    if job.entry is not None:
        return job.entry
    with engine.connect() as connection:
        told = entries_of(connection, job.id)
    return next((each.seq for each in told if each.content.kind == "exchange" and (each.content.details or {}).get("step") == "SUCCEEDED"), None)


def _leaf(log: LedgerService, entry: int) -> bytes:
    with log.engine.connect() as connection:
        return leaf_of(connection, entry)


def _moments(job: Job) -> dict[str, str | None]:
    times = {"createdAt": job.created_at, "finishedAt": job.finished_at, "expiresAt": job.expires_at}
    return {name: moment.isoformat() if moment else None for name, moment in times.items()}


def _masks(plan: dict[str, Any]) -> list[dict[str, str]]:
    """The masks of the items that are shown masked: by label and version, as the ledger names them."""
    shown = [(resource, code, mask) for resource, items in sorted(plan.get("items", {}).items()) for code, _, mask in items if mask]
    return [{"resource": resource, "item": code, "mask": mask.rpartition("@")[0], "version": mask.rpartition("@")[2]} for resource, code, mask in shown]


def _file(file: FileRecord) -> dict[str, Any]:
    made: dict[str, Any] = {"name": file.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
    return made if file.sm3 is None else {**made, "sm3": file.sm3}


def _canonical(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _digest(value: object) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()
