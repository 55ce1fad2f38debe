"""A process that serves has few heaps, whatever the number of its threads."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

THREADS = """
import ctypes, sys, threading
from hub.heap import keep_few_arenas
if "few" in sys.argv:
    keep_few_arenas()
begin, held = threading.Barrier(12), []
def work():
    begin.wait()
    for size in range(600, 20_000, 7):
        held.append(bytearray(size))
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


def arenas(*arguments: str, **environment: str) -> int:
    """How many heaps there are in the end, as malloc_stats(3) tells."""
    known = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", THREADS, *arguments], capture_output=True, text=True, timeout=120, env=known, check=True)
    return done.stderr.count("Arena ")


def test_threads_share_two_heaps_unless_the_operator_says_otherwise() -> None:
    assert arenas() > 2
    assert arenas("few") <= 2
    assert arenas("few", MALLOC_ARENA_MAX="4") > 2
