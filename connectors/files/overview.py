"""What became of a source's deliveries, for people: from the folder and the shelves, without reading a file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import SourceUnavailable
from connectors.files.connector import files_options
from connectors.files.deliveries import Delivery, deliveries, marked
from connectors.files.keeper import BEING_WRITTEN, NO_MARKER, NOT_READ, TOO_EARLY, newer
from connectors.files.options import FilesOptions
from connectors.files.pattern import Pattern
from connectors.files.shelf import Record, Shelf, shelf_folder
from connectors.files.store import Store, open_store
from connectors.selection import Binding
from connectors.spi import SourceConfig

WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Overview:
    """One delivery. ``state``: in service, replaced, rejected, or waiting; then ``reason`` says for what. ``report`` is the path of a rejection's report."""

    object: str
    delivery: str
    state: str
    moment: str
    reason: str = ""
    rows: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    sha256: str | None = None
    read_at: str | None = None
    report: str | None = None
    findings: Mapping[str, Any] | None = None
    """The report itself: ``total``, ``counts`` by code, and the first thousand ``findings`` with their places."""


def overview(config: SourceConfig) -> list[Overview]:
    """The latest deliveries of every resource of the source, newest first. Blocks.

    Raises:
        ConfigFault: the source's configuration cannot be used.
        SourceUnavailable: its folder cannot be read.
    """
    options = files_options(config)
    store = open_store(config, options.storage, Path(options.closed) if options.closed else None)
    if options.snapshots is None:
        return []
    found: list[Overview] = []
    for each in options.resources:
        binding = Binding(each.object, each.options)
        shelf = Shelf(shelf_folder(Path(options.snapshots), config.url, binding), binding.object)
        try:
            found += _waiting(store, binding, shelf, options)
        except OSError as error:
            raise SourceUnavailable(config.code, "the folder cannot be read") from error
        found += [_judged(binding, shelf, record) for record in shelf.state().records]
    return found


def _waiting(store: Store, binding: Binding, shelf: Shelf, options: FilesOptions) -> Iterator[Overview]:
    for delivery in newer(deliveries(store, Pattern(binding.object)), shelf.state()):
        yield Overview(binding.object, delivery.entry.name, WAITING, delivery.moment.isoformat(), _reason(store, delivery, options))


def _reason(store: Store, delivery: Delivery, options: FilesOptions) -> str:
    if delivery.early():
        return TOO_EARLY
    if options.marker is not None:
        return NOT_READ if marked(store, delivery, options.marker) else f"{NO_MARKER}: {delivery.entry.name}{options.marker}"
    return NOT_READ if time.time() - delivery.entry.modified / 1e9 >= options.settle_seconds else BEING_WRITTEN


def _judged(binding: Binding, shelf: Shelf, record: Record) -> Overview:
    path = shelf.report_path(record)
    return Overview(
        binding.object,
        record.name,
        record.state,
        record.moment,
        rows=record.rows,
        encoding=record.encoding,
        delimiter=record.delimiter,
        sheet=record.sheet,
        sha256=record.sha256,
        read_at=record.at,
        report=str(path) if path else None,
        findings=shelf.report(record) if path else None,
    )
