"""``python -m loadtests.exchange.plain URL ROWS PATH``: the plain way, a program of thirty lines that anybody would write; its figures as JSON."""

from __future__ import annotations

import csv
import json
import resource
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from loadtests.exchange.residents import COLUMNS, TYPES


def _name(value: str | None) -> str | None:
    return value and value[0] + "*" * (len(value) - 1)


def _id_number(value: str | None) -> str | None:
    return value and value[0] + "*" * (len(value) - 2) + value[-1]


def _phone(value: str | None) -> str | None:
    return value and value[:3] + "*" * (len(value) - 7) + value[-4:]


def _address(value: str | None) -> str | None:
    for end in ("区", "县", "市"):
        if value and (place := value.find(end)) >= 0:
            return value[: place + 1] + "***"
    return value and "***"


_MASKS = {"name": _name, "id_number": _id_number, "phone": _phone, "address": _address}


def main(url: str, rows: int, path: Path) -> None:
    """Writes so many rows as CSV."""
    began = time.perf_counter()
    masks = [(place, _MASKS[code]) for place, code in enumerate(TYPES) if code in _MASKS]
    statement = text(f"SELECT {', '.join(COLUMNS)} FROM resident LIMIT {rows}")  # noqa: S608 - no value of anybody's
    with create_engine(url).connect() as connection, path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TYPES)
        for row in connection.execution_options(stream_results=True).execute(statement):
            values = list(row)
            for place, mask in masks:
                values[place] = mask(values[place])
            writer.writerow(values)
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime, "mebibytes": used.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
