"""What commands print: JSON for programs, tables for people, tab-separated lines where standard output is no terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from rich.console import Console
from rich.table import Table

Record = Mapping[str, object]
_STEERING = {code: "\ufffd" for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)) if code != 13}
"""Characters that steer a terminal, or turn text around: names come from other departments, and from whoever typed them."""


def show_json(value: object) -> None:
    """Prints JSON, days and moments as ISO 8601."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_encoded) + "\n")


def show_rows(rows: Sequence[Record], as_json: bool, empty: str) -> None:
    """Prints records that share their keys; ``empty`` is said to people where there are none."""
    if as_json:
        show_json(list(rows))
    elif not rows:
        say(empty)
    elif sys.stdout.isatty():
        Console(markup=False, emoji=False).print(_table(rows))
    else:
        lines = [list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]
        sys.stdout.writelines("\t".join(line) + "\n" for line in lines)


def show_record(record: Record, as_json: bool, text: str) -> None:
    """Prints what was done: the record as JSON, or the text."""
    if as_json:
        show_json(record)
    else:
        say(text)


def harmless(text: str) -> str:
    """The text with a mark where a character would steer the terminal."""
    return text.translate(_STEERING)


def say(text: str) -> None:
    """A line for people, on standard output."""
    sys.stdout.write(harmless(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for people that is no part of the output, on standard error."""
    sys.stderr.write(harmless(text) + "\n")
    sys.stderr.flush()


def _table(rows: Sequence[Record]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    return table


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(_text(part) for part in value)
    return harmless(str(value)).replace("\t", " ").replace("\n", " ")


def _encoded(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"not printable as JSON: {type(value).__name__}")
