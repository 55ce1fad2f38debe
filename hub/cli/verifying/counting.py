"""How many rows had which outcome: told once the outcomes are whole, so that nobody has to open the file for that."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from hub.cli.pulling.listing import Listing
from hub.exchange.verifying.outcomes import REFUSED
from schema.verification import Outcome

_NAMES = {
    Outcome.MATCH.value: "相符",
    Outcome.MISMATCH.value: "不符",
    Outcome.NOT_FOUND.value: "无此对象",
    Outcome.INDETERMINATE.value: "无法判断",
    REFUSED: "未核验",
}
_COLUMNS = ["outcome", "code"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcome → rows, and the codes of those that were not verified → rows."""

    outcomes: dict[str, int]
    refused: dict[str, int]

    @property
    def line(self) -> str:
        """For people: every outcome, and why rows were not verified."""
        why = ", ".join(f"{code} {count}" for code, count in self.refused.items())
        told = "; ".join(f"{_NAMES.get(outcome, '')} {outcome} {count}".strip() for outcome, count in self.outcomes.items())
        return f"结论 outcomes: {told}{f' ({why})' if why else ''}"


def counted(folder: Path, listing: Listing) -> Counts:
    """What the files of a manifest hold, all of which are in the folder."""
    pairs = Counter(pair for file in listing.files for pair in _rows(folder / file.name, listing))
    outcomes, refused = dict.fromkeys(_NAMES, 0), Counter[str]()
    for (outcome, code), count in sorted(pairs.items(), key=str):
        outcomes[outcome] = outcomes.get(outcome, 0) + count
        if code:
            refused[code] += count
    return Counts(outcomes, dict(refused))


def _rows(path: Path, listing: Listing) -> Iterator[tuple[str, str | None]]:
    """Outcome and code of each row."""
    if path.suffix == ".csv":
        encoding = "gb18030" if orjson.loads(listing.raw)["encoding"] == "GB18030" else "utf-8-sig"
        with path.open(encoding=encoding, newline="") as lines:
            yield from ((row["outcome"], row["code"]) for row in csv.DictReader(lines))
    elif path.suffix == ".jsonl":
        with path.open("rb") as rows:
            yield from ((row["outcome"], row["code"]) for row in map(orjson.loads, rows))
    else:
        yield from _columns(path)


def _columns(path: Path) -> Iterator[tuple[str, str | None]]:
    # Files of the other formats are read without Arrow, which takes a command a while to load.
    from pyarrow import ipc, parquet

    if path.suffix == ".parquet":
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=_COLUMNS):
                yield from zip(*(batch[name].to_pylist() for name in _COLUMNS), strict=True)
        return
    with ipc.open_file(str(path)) as file:
        for number in range(file.num_record_batches):
            batch = file.get_batch(number)
            yield from zip(*(batch[name].to_pylist() for name in _COLUMNS), strict=True)
