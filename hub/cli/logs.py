"""The log of a server that the command line runs: JSON lines on standard error."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

from hub.observation import places, set_up_logging

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class JsonLines(logging.Formatter):
    """Records of libraries in the shape of the hub's own. Of an exception its kind and places are told, never its text, which may quote values."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        # asyncio tells of tasks and what became of them behind its first line, with the texts of exceptions.
        said = record.getMessage().partition("\n")[0] if record.name == "asyncio" else record.getMessage()
        event = {"event": said, "level": record.levelname.lower(), "logger": record.name}
        event["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if record.exc_info and record.exc_info[1] is not None:
            fault = record.exc_info[1]
            return orjson.dumps(event | {"fault": type(fault).__name__, "places": places(fault)}).decode()
        return orjson.dumps(event).decode()


def set_up_logs(level: str) -> None:
    """Everything goes to standard error as JSON lines."""
    number = LEVELS[level]
    set_up_logging(sys.stderr, number)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    # uvicorn's own progress reports say nothing that the command has not said; httpx2 would log addresses, which may hold identity numbers.
    for name in ("uvicorn", "uvicorn.error", "httpx", "httpx2", "httpcore2", "asyncio", "alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
