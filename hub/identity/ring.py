"""A running hub follows the directory of its signing keys."""

from __future__ import annotations

import asyncio

import structlog
from anyio import to_thread

from auth.keys import KeyFault, KeyRing

_LOOK_SECONDS = 0.3
log = structlog.get_logger(__name__)


async def following(ring: KeyRing) -> None:
    """Takes over keys that were added or taken away, until cancelled. A fault is told once; the keys of before stay in force."""
    told = ""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            if await to_thread.run_sync(ring.refresh):
                log.info("signing_keys_read", keys=list(ring.verifying), signs=ring.active.kid)
            told = ""
        except KeyFault as fault:
            if told != fault.message:
                log.warning("signing_keys_not_read", reason=fault.message, remedy=fault.hint)
            told = fault.message
