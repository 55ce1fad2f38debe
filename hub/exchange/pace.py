"""How fast an exchange goes: what its chunks took so far, whatever it paused for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from sqlalchemy import Engine, select

from hub.exchange.store import Job
from hub.exchange.tables import exchange_chunk
from hub.store.base import now


@dataclass(frozen=True, slots=True)
class Pace:
    """Chunks that are known so far, those that are done, and seconds until the end, where that can be told."""

    chunks: int
    done: int
    seconds_left: int | None


def pace_of(engine: Engine, job: Job) -> Pace:
    """The pace of a job at this moment. For a worker thread."""
    column = exchange_chunk.c
    asked = select(column.state, column.rows, column.began_at, column.done_at).where(column.exchange == job.id)
    with engine.connect() as connection:
        chunks = connection.execute(asked).all()
    done = [chunk for chunk in chunks if chunk.state == "DONE"]
    running = [chunk for chunk in chunks if chunk.state == "RUNNING"]
    rows = job.rows_done if running else sum(chunk.rows for chunk in done)
    spent = sum((chunk.done_at - chunk.began_at).total_seconds() for chunk in done)
    spent += sum((now() - chunk.began_at).total_seconds() for chunk in running)
    left = None
    if job.state == "RUNNING" and job.rows_total is not None and rows and spent > 0:
        left = ceil(max(0, job.rows_total - job.rows_done) * spent / rows / max(1, len(running)))
    return Pace(len(chunks), len(done), left)
