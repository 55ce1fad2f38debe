"""``python -m loadtests.peers.serve MODULE PORT DSN``: runs one of the peers written in Python under uvicorn, one process, as it is run in production."""

from __future__ import annotations

import sys
from importlib import import_module

import uvicorn


def main() -> None:
    """Serves until it is told to end."""
    module, port, dsn = sys.argv[1:]
    app = import_module(f"loadtests.peers.{module}").app(dsn)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
