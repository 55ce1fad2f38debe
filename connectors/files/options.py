"""What a manifest says of a folder of deliveries and of the files in it, and what the hub adds for the connector."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.selection import Binding, Kind

FORMATS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""Format by suffix, where the manifest names none."""
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
Format = Literal["csv", "xlsx", "jsonl", "parquet"]
DateForm = Literal["iso", "slash", "compact", "chinese", "excel"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FilePart(_Part):
    """``[resources.file]``: how a resource's files are written."""

    format: Format | None = None
    encoding: Literal["auto", "utf-8", "gb18030", "utf-16"] = "auto"
    delimiter: Literal["auto", "comma", "semicolon", "tab", "pipe"] = "auto"
    header: Annotated[int, Field(ge=1, le=1000)] = 1
    sheet: Annotated[str, Field(min_length=1, max_length=31)] | None = None
    null: Annotated[str, Field(max_length=20)] | None = None
    dates: tuple[DateForm, ...] = ()
    offset: Annotated[str, Field(pattern=r"^[+-]([01]\d|2[0-3]):[0-5]\d$")] = "+08:00"
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    min_rows: Annotated[int, Field(ge=0)] = 1

    def null_in(self, format_: Format) -> str | None:
        """The text that stands for no value. JSON and Parquet have nulls of their own, beside which an empty text is a text."""
        return self.null if self.null is not None or format_ in ("jsonl", "parquet") else ""


PLAIN = FilePart(min_rows=0, extra_columns="ignore")
"""How a file is read of which the catalog says nothing."""


class ColumnSpec(_Part):
    """What the catalog says of one column. ``key``: rows are looked up by it; ``unique``: no two rows have the same value."""

    name: str
    kind: Kind
    nullable: bool = True
    unique: bool = False
    key: bool = False
    validator: str | None = None


class ObjectSpec(_Part):
    """A binding's options: the file part and the columns of the catalog; without columns, those of the file as it is guessed.

    ``left_out`` are columns that a file may have and that are not read."""

    file: FilePart = FilePart()
    columns: tuple[ColumnSpec, ...] = ()
    left_out: tuple[str, ...] = ()


class ResourceSpec(_Part):
    """A resource that the hub serves from the source: its binding."""

    object: str
    options: str = ""


class FolderOptions(_Part):
    """``[sources.options]`` of kind ``files``: when a delivery is taken and how large it may be."""

    look_seconds: Annotated[float, Field(ge=0.05, le=3600)] = 5
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = 2
    marker: Annotated[str, Field(pattern=r"^\.[A-Za-z0-9._-]{1,20}$")] | None = None
    max_rows: Annotated[int, Field(ge=1, le=100_000_000)] = 5_000_000
    max_bytes: Annotated[int, Field(ge=1024)] = 2 * 1024**3
    max_unpacked_bytes: Annotated[int, Field(ge=1024)] = 1024**3
    memory_mb: Annotated[int, Field(ge=1024)] = 3072
    storage: dict[str, str | int | float | bool] = Field(default_factory=dict)


class FilesOptions(FolderOptions):
    """With what the hub adds: where snapshots are kept, which folder is its own and closed to sources, and the resources it serves."""

    snapshots: str | None = None
    closed: str | None = None
    resources: tuple[ResourceSpec, ...] = ()


@lru_cache(maxsize=4096)
def object_spec(binding: Binding) -> ObjectSpec:
    """The binding's options.

    Raises:
        ValueError: they are none of a files source.
    """
    if not binding.options:
        return ObjectSpec()
    try:
        return ObjectSpec.model_validate_json(binding.options)
    except ValidationError as error:
        raise ValueError(f"{binding.object}: not the options of a file: {error.error_count()} faults") from None
