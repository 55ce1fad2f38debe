"""A running hub follows the directory of its pseudonyms' master keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from anyio import to_thread

from hub.pseudonyms.files import KeyFiles
from hub.pseudonyms.versions import Version

_LOOK_SECONDS = 0.5
log = structlog.get_logger(__name__)


async def following_pseudonyms(files: KeyFiles, current: Callable[[], Version | None]) -> None:
    """Takes over keys that were added or taken away, until cancelled. Each fault, and a current key that is not here, is told once."""
    told: set[str] = set()
    while True:
        try:
            if await to_thread.run_sync(files.refresh):
                log.info("pseudonym_keys_read", versions=sorted(files.keys))
            faults = {fault.message: fault.hint for fault in files.faults}
        except OSError as fault:
            faults = {f"{fault.filename}: {fault.strerror}": "restore the directory; the keys read before stay in force"}
        faults |= _missing(files, current())
        for message in faults.keys() - told:
            log.warning("pseudonym_keys_not_usable", reason=message, remedy=faults[message])
        told = set(faults)
        await asyncio.sleep(_LOOK_SECONDS)


def _missing(files: KeyFiles, version: Version | None) -> dict[str, str]:
    if version is None:
        return {"there is no current version of the pseudonyms' master key": "huitong keys pseudonyms rotate --after 0"}
    held = files.keys.get(version.number)
    if held is not None and held.id == version.key_id:
        return {}
    return {f"the pseudonyms' master key of version {version.number} is not here: they are withheld": "copy keys/pseudonyms/ from another node"}
