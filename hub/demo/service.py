"""The REST service of the human resources bureau: a department's own system, with no knowledge of the hub.

``GET /social-insurance`` and ``GET /vacancies`` answer ``{"items": [...]}``, ordered by record number. Parameters: ``limit`` (1 to 1000),
``offset``, ``after`` (a record number), equality on the columns in :data:`hub.demo.records.COLLECTIONS`, and ``<key>_in`` for several
keys between commas. ``count=true`` adds ``total``. ``GET /<collection>/<number>`` answers one record. Decimals are exact text, dates ISO 8601.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.demo.records import COLLECTIONS, BadParameter, Records


def application(database: Path) -> Starlette:
    """The service over the bureau's SQLite file."""
    routes = [Route("/health", lambda request: JSONResponse({"status": "ok"}))]
    for collection in COLLECTIONS:
        routes += _routes(collection.path, Records(database, collection))
    return Starlette(routes=routes)


def _routes(path: str, records: Records) -> list[Route]:
    def listed(request: Request) -> JSONResponse:
        try:
            return JSONResponse(records.page(request.query_params))
        except BadParameter as bad:
            return JSONResponse({"error": str(bad)}, 400)

    def single(request: Request) -> JSONResponse:
        record = records.one(request.path_params["number"])
        return JSONResponse(record) if record else JSONResponse({"error": "no such record"}, 404)

    return [Route(path, listed), Route(path + "/{number}", single)]


def main(arguments: Sequence[str]) -> int:
    """Serve on loopback until the parent ends. Exit code 0 done, 1 no database or port in use."""
    parser = argparse.ArgumentParser(prog="python -m hub.demo.service", description="The demonstration's REST service.")
    parser.add_argument("--db", type=Path, required=True, help="the bureau's SQLite file")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args(arguments)
    if not options.db.exists():
        sys.stderr.write(f"no database {options.db}: seed the demonstration first\n")
        return 1
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except OSError:
        sys.stderr.write(f"port {options.port} is in use: choose another with --port, or 0 for a free one\n")
        return 1
    _serve(application(options.db), listener)
    return 0


def _serve(service: Starlette, listener: socket.socket) -> None:
    # No access log: its lines would hold identity numbers, which stand in the addresses.
    server = uvicorn.Server(uvicorn.Config(service, log_level="warning", access_log=False, lifespan="off"))
    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    # The parent holds the other end of standard input; it is closed when the parent ends, however it ends.
    sys.stdin.buffer.read()
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
