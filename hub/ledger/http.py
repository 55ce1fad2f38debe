"""HTTP face of the ledger: checkpoint and key for everybody, proofs for the parties of an entry."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hub.api.identity import Identity
from hub.catalog.scopes import AUDIT
from hub.exchange.http import asked_of, fault_response
from hub.ledger.history import as_json, read_history
from hub.ledger.proofs import InclusionProof, consistency
from hub.ledger.reading import parties
from hub.ledger.service import LedgerService
from hub.witness.cosignatures import cosigned_note, witnessed_size
from hub.witness.policy import WitnessPolicy
from schema.faults import Code, Fault

_TEXT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True)
class LedgerHttp:
    """Serves checkpoints, the public key and inclusion proofs."""

    log: LedgerService
    identity: Identity
    witnesses: WitnessPolicy

    def routes(self) -> list[Route]:
        """The routes under ``/ledger``."""
        return [
            Route("/ledger/checkpoint", self._checkpoint, methods=["GET"]),
            Route("/ledger/checkpoint/witnessed", self._witnessed, methods=["GET"]),
            Route("/ledger/consistency/{old}/{new}", self._consistency, methods=["GET"]),
            Route("/ledger/key", self._key, methods=["GET"]),
            Route("/ledger/keys", self._keys, methods=["GET"]),
            Route("/ledger/proof/{entry}", self._proof, methods=["GET"]),
        ]

    async def _checkpoint(self, request: Request) -> Response:
        note = await to_thread.run_sync(self._read, cosigned_note)
        if note is None:
            return fault_response(request, _none("尚无检查点", "there is no checkpoint yet"))
        return PlainTextResponse(note, headers=_TEXT)

    async def _witnessed(self, request: Request) -> Response:
        """The newest checkpoint that the quorum, or any witness where none is asked for, has cosigned."""
        keys, quorum = [str(one.key) for one in self.witnesses.witnesses], max(1, self.witnesses.quorum)

        def read(connection: Connection) -> str | None:
            size = witnessed_size(connection, keys, quorum) if keys else None
            return None if size is None else cosigned_note(connection, size)

        note = await to_thread.run_sync(self._read, read)
        if note is None:
            return fault_response(request, _none("尚无经足够见证副署的检查点", "no checkpoint has been cosigned by enough witnesses yet"))
        return PlainTextResponse(note, headers=_TEXT)

    async def _consistency(self, request: Request) -> Response:
        """``{old, new, path}``: hashes alone, which say nothing about any entry."""
        old, new = (_number(request.path_params[name]) for name in ("old", "new"))
        if not 0 < old <= new:
            wrong = Fault(
                Code.BAD_REQUEST,
                "须为两个树大小，且 0 < 旧 ≤ 新",
                "expected two sizes of the tree, 0 < old <= new",
                "例如 /ledger/consistency/100/200",
                "such as /ledger/consistency/100/200",
            )
            return fault_response(request, wrong)
        path = await to_thread.run_sync(self._read, lambda connection: consistency(connection, old, new))
        if path is None:
            return fault_response(request, _none("该大小尚未发布", "the ledger has not published so many entries"))
        return JSONResponse({"old": old, "new": new, "path": [base64.b64encode(step).decode() for step in path]}, headers=_TEXT)

    async def _key(self, _request: Request) -> Response:
        return PlainTextResponse(f"{self.log.verifier_key}\n", headers=_TEXT)

    async def _keys(self, _request: Request) -> Response:
        line = await to_thread.run_sync(self._read, read_history)
        return JSONResponse(as_json(self.log.ledger.log, line), headers=_TEXT)

    async def _proof(self, request: Request) -> Response:
        try:
            proof = await self._found(request)
        except Fault as fault:
            if fault.code is Code.UNAUTHENTICATED:
                self.log.rollup.refused(request.client.host if request.client else "", fault.code.value)
            return fault_response(request, fault, self.identity)
        if "text/plain" in request.headers.get("accept", ""):
            return PlainTextResponse(proof.as_text(), headers=_TEXT)
        return JSONResponse(proof.as_json(), headers=_TEXT)

    async def _found(self, request: Request) -> InclusionProof:
        caller = await self.identity.caller(asked_of(request))
        app = caller.identified()
        number = _number(request.path_params["entry"])
        concerned = await to_thread.run_sync(self._read, lambda connection: parties(connection, number)) if number >= 0 else None
        own = concerned is not None and (concerned.application == app.client_id or app.department in concerned.providers)
        if not own and AUDIT not in caller.rights.scopes:
            raise _none("没有该日志条目，或您不是其当事方", "there is no such entry, or you are no party of it")
        proof = await self.log.proof(number)
        if proof is None:
            raise _none("该条目尚未发布，请于 2 秒后重试", "the entry is not published yet; try again in 2 seconds")
        return proof

    def _read(self, read: Any) -> Any:
        with self.log.engine.connect() as connection:
            return read(connection)


def _number(text: str) -> int:
    """A whole number that a database can hold; -1 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1


def _none(zh: str, en: str) -> Fault:
    return Fault(Code.NOT_FOUND, zh, en)
