"""The hub's own log: JSON lines that say what happened, and never with which data. Exception texts are left out: they may quote values."""

from __future__ import annotations

import logging
import sys
import traceback
from io import StringIO
from typing import TextIO

import structlog


class _StandardError(StringIO):
    """Whatever standard error is when something is written."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def set_up_logging(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Sends structured events to ``stream`` (standard error by default)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream or _StandardError()),
        cache_logger_on_first_use=False,
    )


def places(fault: BaseException, most: int = 12) -> list[str]:
    """Where a fault came from, innermost last, as ``file:line function``; without its text."""
    frames = traceback.extract_tb(fault.__traceback__)[-most:]
    return [f"{frame.filename.rpartition('/site-packages/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
