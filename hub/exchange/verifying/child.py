"""The process that looks at an uploaded file: a parser that is led astray, or a file that unpacks to a thousand times its size, harms nothing but it."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import orjson

from hub.exchange.dying import die_with
from hub.exchange.verifying.reading import Malformed, Taking
from hub.exchange.verifying.texts import read_csv, read_jsonl

MEMORY = 1536 * 1024 * 1024
"""Bytes of addresses that the process may have."""
CPU_SECONDS = 120


def read(format_: str, charset: str, path: Path, out: Path) -> dict[str, object]:
    """Brings ``path`` into the one form in ``out``, which is made for its owner alone: ``{rows, columns}``.

    Raises:
        Malformed: it cannot be taken.
    """
    with os.fdopen(os.open(out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        taking = Taking(file)
        columns = _reading(format_, charset, path, taking)
        if not taking.rows:
            raise Malformed(
                "没有数据行", "there are no rows", "首行为列名，其后每行一个对象", "the first line names the columns, each further one is a subject"
            )
        file.flush()
        os.fsync(file.fileno())
    return {"rows": taking.rows, "columns": columns}


def _reading(format_: str, charset: str, path: Path, taking: Taking) -> list[str]:
    if format_ == "CSV":
        return read_csv(path, charset, taking)
    if format_ == "JSONL":
        return read_jsonl(path, taking)
    # Parsing libraries take a tenth of a second to load: texts go without.
    from hub.exchange.verifying import columnar

    return columnar.read_parquet(path, taking) if format_ == "PARQUET" else columnar.read_arrow(path, taking)


def _limited(bytes_: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


def main(arguments: list[str]) -> None:
    """``FORMAT CHARSET FILE OUT BYTES HUB``: tells what was found as JSON on standard output. It dies with the process ``HUB``."""
    format_, charset, path, out, most, parent = arguments
    if not die_with(int(parent)):
        return
    _limited(int(most))
    try:
        found = read(format_, charset, Path(path), Path(out))
    except Malformed as fault:
        found = {"zh": fault.zh, "en": fault.en, "hint_zh": fault.hint_zh, "hint_en": fault.hint_en}
    except (MemoryError, OSError):
        found = {"zh": "文件展开后过大", "en": "the file is too large when it is unpacked", "hint_zh": "请分成几个文件", "hint_en": "divide the file"}
    sys.stdout.buffer.write(orjson.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
