"""``python -m loadtests.peers.serve MODULE PORT DSN``: runs one of the peers written in Python under uvicorn, one process, as it is run in production."""

from __future__ import annotations

import sys
from importlib import import_module

import uvicorn


def main() -> None:
    """Serves until it is told to end."""
    module, port, dsn = sys.argv[1:]
    app = import_module(f"loadtests.peers.{module}").app(dsn)
    uvicorn.run(app, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning", lifespan="auto")


if __name__ == "__main__":
    main()
