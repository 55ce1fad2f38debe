"""What a folder holds, for the draft of a catalog: files and series of dated files, with their columns as they seem to be."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from connectors.files import process
from connectors.files.deliveries import Delivery
from connectors.files.keeper import format_of, job_of
from connectors.files.options import PLAIN, ColumnSpec, FilePart, FilesOptions, ObjectSpec
from connectors.files.pattern import Pattern, Stamp, generalised, pattern_problem, unfinished
from connectors.files.store import Store, TooLarge, Unstable
from connectors.selection import Binding, Kind
from connectors.spi import ColumnDescription, ObjectDescription

_KEYS = (Kind.STRING.value, Kind.INTEGER.value, Kind.BIGINT.value)
_DEPTH, _MOST_FILES, _MOST_OBJECTS = 4, 20_000, 200
_NO_NAME = frozenset(" \t;\"'`")
"""What an ``object`` of a manifest cannot hold."""
_NAME = "文件名含空格、引号、花括号或通配符，不能写入清单 its name cannot stand in a manifest: no blanks, quotes, braces or wildcards"
_FORMAT = "平台不读取此格式，只读取 CSV、XLSX、JSON Lines、Parquet no format that is read: CSV, XLSX, JSON Lines, Parquet"
_UNREAD = frozenset((".json", ".geojson", ".xml", ".xls", ".xlsb", ".ods", ".dbf", ".feather", ".arrow", ".avro", ".orc", ".gz", ".zip", ".zst", ".bz2", ".7z"))
"""Suffixes of tables that no reader takes: a draft says so of them, and nothing of files that are no data."""


def newest_by_object(store: Store) -> dict[str, Delivery]:
    """The newest delivery of every file or series, by object, in order of names. Raises :class:`OSError`."""
    found: dict[str, Delivery] = {}
    for name, delivery in _files(store, "", 0):
        held = found.get(name)
        if held is None or held.rank < delivery.rank:
            found[name] = delivery
    return dict(sorted(found.items())[:_MOST_OBJECTS])


def _files(store: Store, folder: str, depth: int) -> Iterator[tuple[str, Delivery]]:
    for place, entry in enumerate(store.entries(folder)):
        name = entry.name.rpartition("/")[2]
        if place >= _MOST_FILES or unfinished(name):
            continue
        if entry.folder:
            if depth < _DEPTH:
                yield from _files(store, entry.name, depth + 1)
        elif format_of(name) is not None or PurePosixPath(name.lower()).suffix in _UNREAD:
            series = f"{folder}/{generalised(name)}" if folder else generalised(name)
            stamp = Pattern(series).match(len(PurePosixPath(series).parts) - 1, name) if pattern_problem(series) is None else None
            yield series, Delivery(entry, stamp or Stamp())


async def guessed(store: Store, found: Mapping[str, Delivery], file: FilePart, options: FilesOptions, what: str) -> list[Mapping[str, Any] | None]:
    """The worker's guess of each delivery; ``None`` where it could not be copied or read."""
    with tempfile.TemporaryDirectory(prefix="huitong-files-") as folder:
        jobs, places = [], []
        for place, (object_, delivery) in enumerate(found.items()):
            if format_of(delivery.entry.name) is None:
                continue
            copy = Path(folder) / f"{place}{PurePosixPath(delivery.entry.name).suffix}"
            try:
                await store.threads.run(store.copy, delivery.entry, copy, options.max_bytes)
            except (Unstable, TooLarge):
                continue
            jobs.append(job_of(copy, object_, ObjectSpec(file=file), options))
            places.append(place)
        answer = await process.run("guess", jobs, options, what) if jobs else None
    guesses: list[Mapping[str, Any] | None] = [None] * len(found)
    for place, guess in zip(places, (answer or {}).get("guesses", ()), strict=False):
        guesses[place] = guess
    return guesses


def described(object_: str, guess: Mapping[str, Any] | None) -> ObjectDescription:
    """An object of the folder, as guessed."""
    problem = pattern_problem(object_)
    if problem is not None or _NO_NAME & set(object_):
        return ObjectDescription(Binding(object_), (), unreadable=_NAME)
    if format_of(object_) is None:
        return ObjectDescription(Binding(object_), (), unreadable=_FORMAT)
    if guess is None or "columns" not in guess:
        why = "" if guess is None else f": {guess['broken']['message']}"
        return ObjectDescription(Binding(object_), (), unreadable=f"the file cannot be read{why}")
    columns: Sequence[Mapping[str, Any]] = guess["columns"]
    specs = tuple(ColumnSpec(name=each["name"], kind=each["kind"]) for each in columns if each["kind"])
    left_out = tuple(each["name"] for each in columns if not each["kind"])
    binding = Binding(object_, ObjectSpec(file=PLAIN, columns=specs, left_out=left_out).model_dump_json(exclude_defaults=True))
    unique = [each["name"] for each in columns if each["unique"] and each["kind"] in _KEYS]
    return ObjectDescription(binding, tuple(map(column, columns)), primary_key=tuple(unique[:1]), unique_keys=tuple((name,) for name in unique[1:]))


def column(guess: Mapping[str, Any]) -> ColumnDescription:
    """A column as guessed."""
    return ColumnDescription(guess["name"], guess["type"], bool(guess["nullable"]), Kind(guess["kind"]) if guess["kind"] else None)


def declared(column: ColumnSpec) -> ColumnDescription:
    """A column as the catalog has it, which every delivery in service keeps."""
    return ColumnDescription(column.name, column.kind.value, column.nullable and not column.unique, column.kind)
