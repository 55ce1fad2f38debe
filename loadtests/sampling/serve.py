"""``python -m loadtests.sampling.serve serve …``: the hub, which samples itself from SIGUSR1 to SIGUSR2, into the file ``LOADTESTS_SAMPLES``."""

from __future__ import annotations

import os
import signal
from dataclasses import asdict
from pathlib import Path

import orjson

from hub.cli import main
from loadtests.sampling.sampler import Sampler

SAMPLES = "LOADTESTS_SAMPLES"

if __name__ == "__main__":
    sampler = Sampler()
    place = Path(os.environ[SAMPLES])

    def _ended(*_: object) -> None:
        part = place.with_suffix(".part")
        part.write_bytes(orjson.dumps(asdict(sampler.stop())))
        part.replace(place)

    signal.signal(signal.SIGUSR1, lambda *_: sampler.start())
    signal.signal(signal.SIGUSR2, _ended)
    main()
