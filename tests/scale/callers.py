"""``python -m tests.scale.callers URL``: reads a token's line, calls steadily until its input ends, then writes a line per call: when it began, how long, how it went.

Once it is at it, it writes ``ready``. Times are CLOCK_MONOTONIC, in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx2

from tests.scale.catalog import department_code
from tests.scale.served import HEADERS

PAUSE_SECONDS = 0.01
CALLERS = 2


def documents() -> list[str]:
    """Lists, look-ups, links and verifications of the two departments that have rows."""
    found = ["{ __typename }"]
    for number in (0, 1):
        root = department_code(number).replace("_a", "A")
        for i in (0, 1):
            found.append(f"{{ {root} {{ registerB{i}List(first: 5) {{ nodes {{ itemC0 itemC1 itemC4 }} }} }} }}")
            found.append(f'{{ {root} {{ registerB{i}(itemC0: "k0") {{ itemC2 itemC3 }} }} }}')
            found.append(f'{{ {root} {{ verifyRegisterB{i}(subject: {{itemC0: "k0"}}, claims: {{itemC1: "k1"}}) {{ outcome }} }} }}')
    return found


async def _call(client: httpx2.AsyncClient, texts: list[str], ended: asyncio.Event, calls: list[tuple[float, float, bool]]) -> None:
    number = 0
    while not ended.is_set():
        began = time.monotonic()
        answer = await client.post("/graphql", content=json.dumps({"query": texts[number % len(texts)]}))
        seconds = time.monotonic() - began
        calls.append((began, seconds, answer.status_code == 200 and "errors" not in answer.json()))
        number += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def _main(url: str) -> None:
    token = sys.stdin.readline().strip()
    calls: list[tuple[float, float, bool]] = []
    ended = asyncio.Event()
    async with httpx2.AsyncClient(base_url=url, timeout=60, headers={**HEADERS, "Authorization": f"Bearer {token}"}) as client:
        work = [asyncio.create_task(_call(client, documents()[i:] + documents()[:i], ended, calls)) for i in range(CALLERS)]
        await asyncio.sleep(1)
        calls.clear()  # what is new to the hub is another figure
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        ended.set()
        await asyncio.gather(*work)
    sys.stdout.write("".join(f"{json.dumps(call)}\n" for call in calls))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
