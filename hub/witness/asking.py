"""A hub's conversation with one witness (C2SP tlog-witness, the log's side)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

from hub.ledger.checkpoint import Checkpoint
from hub.ledger.notes import signature_lines, split_note
from hub.witness.policy import WitnessAddress
from hub.witness.protocol import read_size, write_submission

_COSIGNED, _CONFLICT, _INCONSISTENT = 200, 409, 422
_ANSWER_BYTES = 64 * 1024
_ATTEMPTS = 3
_HEADERS = {"content-type": "text/plain; charset=utf-8", "user-agent": "huitong", "accept-encoding": "identity"}
_TOLD = re.compile(r"[^\x20-\x7e]")

Proof = tuple[bytes, ...]


class Unheard(Exception):
    """No cosignature: the witness was not reached, or its answer is none. ``str()`` says why in one line."""


class Refusing(Exception):
    """The witness has cosigned something that this ledger does not extend: a fork, or a ledger that was set back. ``str()`` says which."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks one witness to cosign checkpoints.

    ``newest`` reads the newest checkpoint; ``prove`` the proof between two published sizes.
    """

    witness: WitnessAddress
    http: httpx2.AsyncClient
    newest: Callable[[], Awaitable[Checkpoint]]
    prove: Callable[[int, int], Awaitable[Proof]]

    async def ask(self, head: Checkpoint, old: int) -> tuple[int, str]:
        """The size cosigned and the signature line, verified. ``old`` is what the witness is thought to have.

        Raises:
            Unheard: there is no cosignature now.
            Refusing: there will be none.
        """
        for _ in range(_ATTEMPTS):
            if old > head.size:
                # Another node may have published meanwhile.
                head = await self.newest()
            if old > head.size:
                raise Refusing(f"it has cosigned {old} entries, the ledger has published {head.size}: the ledger was set back")
            path: Proof = await self.prove(old, head.size) if old else ()
            status, body = await self._post(write_submission(old, path, head.note))
            if status == _COSIGNED:
                return head.size, self._verified(head, body)
            old = self._next(status, body, old, head.size)
        raise Unheard("it names another size each time it is asked")

    def _next(self, status: int, body: str, old: int, size: int) -> int:
        """The size to prove from, after a refusal."""
        if status == _INCONSISTENT:
            raise Refusing(f"the ledger's {size} entries do not extend the {old} that it has cosigned")
        if status != _CONFLICT:
            raise Unheard(f"HTTP {status}: {_TOLD.sub('?', body[:100].strip())}")
        held = read_size(body)
        if held == old == size or (held is None and old == size):
            raise Refusing(f"it has cosigned another tree of {size} entries")
        if held is None or held == old:
            raise Unheard("HTTP 409 without another size")
        return held

    def _verified(self, head: Checkpoint, body: str) -> str:
        """The witness's own line in its answer; lines of other keys are passed over."""
        text, _ = split_note(head.note)
        try:
            lines = signature_lines(body)
        except ValueError as fault:
            raise Unheard(f"its answer is no cosignature: {fault}") from None
        found = next((line for line in lines if self.witness.key.verify(line, text) is not None), None)
        if found is None:
            raise Unheard("its cosignature does not hold under the key of the settings")
        return str(found)

    async def _post(self, body: bytes) -> tuple[int, str]:
        try:
            async with self.http.stream("POST", self.witness.url, content=body, headers=_HEADERS) as answer:
                content = b""
                async for piece in answer.aiter_raw():
                    content += piece
                    if len(content) > _ANSWER_BYTES:
                        raise Unheard("its answer is too long")
                return answer.status_code, content.decode("utf-8", "replace")
        except (httpx2.HTTPError, OSError) as fault:
            raise Unheard(f"not reached: {type(fault).__name__}") from None
