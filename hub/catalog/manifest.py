"""A department's manifest: its TOML shape (``docs/manifest.md``), read strictly; every fault is reported with path, line and remedy."""

from __future__ import annotations

import difflib
import tomllib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from auth.rights import OpenClass, Operation, SharingClass
from connectors.files.options import FilePart
from connectors.graphql.remote import Remote
from connectors.rest.endpoint import CountParameter, Endpoint, Lookup, Paging, Success
from hub.catalog.problems import PYDANTIC_TEXTS, Lines, Problem, Refused, path_of

MAX_BYTES = 4 * 1024 * 1024
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2000)]
_QUOTED = r'"(?:[^"\x00-\x1f]|"")+"'
OBJECT = rf"^(?:[^\s;\"'`]+|(?:[^\s;\"'`.]+\.)?{_QUOTED}|{_QUOTED}\.[^\s;\"'`.]+|{_QUOTED}\.{_QUOTED})$"
"""A bare name or path, or one or two names of which some stand in double quotes, as SQL writes them."""


class Part(BaseModel):
    """Base of all parts: an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DepartmentPart(Part):
    """``[department]``."""

    code: Code
    name: Name
    name_en: Text = ""
    uscc: str
    tier: Literal["city", "county", "township", "utility"] = "city"


class SourcePart(Part):
    """``[[sources]]``."""

    code: Code
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30)]
    url: Annotated[str, Field(min_length=1, max_length=1000)]
    secret: Annotated[str, Field(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$")] | None = None
    pool: Annotated[int, Field(ge=1, le=100)] = 8
    queue: Annotated[int, Field(ge=0, le=10_000)] = 256
    timeout_ms: Annotated[int, Field(ge=50, le=600_000)] = 3000
    local_rows: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    rendering: Literal["hub", "source"] = "hub"
    exchange_masks: Literal["hub", "source"] = "hub"
    exchange_sessions: Annotated[int, Field(ge=1, le=16)] = 2
    window: Annotated[str, Field(pattern=r"^([01]\d|2[0-4]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$")] = "00:00-24:00"
    auth: Literal["none", "bearer", "api_key", "basic", "oauth", "hmac"] = "none"
    health: Annotated[str, Field(pattern=r"^/[^?#]*$", max_length=200)] | None = None
    options: dict[str, JsonValue] = Field(default_factory=dict)


class MaskRulePart(Part):
    """``[[masks]]``: a masking rule of the department's own."""

    code: Code
    name: Name
    name_en: Text = ""
    algorithm: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=60)]
    props: dict[str, JsonValue] = Field(default_factory=dict)
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    fixed: bool = False
    share: Annotated[int, Field(ge=1, le=100)] | None = None


class MaskPart(Part):
    """``mask = {share = "...", open = "..."}``."""

    share: str | None = None
    open: str | None = None


class ItemPart(Part):
    """``[[resources.items]]``."""

    code: Code
    name: Name
    name_en: Text = ""
    description: Text = ""
    type: Literal["string", "integer", "bigint", "float", "decimal", "boolean", "date", "datetime"]
    column: Annotated[str, Field(min_length=1, max_length=200)]
    level: Literal["PUBLIC", "INTERNAL", "CLASSIFIED"] | None = None
    sharing_class: SharingClass | None = None
    marks: tuple[Literal["identifier", "sensitive", "quasi-identifier"], ...] = ()
    validator: Literal["resident_id", "uscc", "mobile", "division", "person_name"] | None = None
    filterable: bool = False
    low_cardinality: bool = False
    nullable: bool = True
    mask: MaskPart = MaskPart()


class LinkPart(Part):
    """``[[resources.links]]``."""

    field: Code
    item: Code
    to: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class ResourcePart(Part):
    """``[[resources]]``."""

    code: Code
    plural: Code
    name: Name
    name_en: Text = ""
    description: Text
    classification: Annotated[str, Field(pattern=r"^[1-3]\d{5,}$")]
    level: Literal["PUBLIC", "INTERNAL", "CLASSIFIED"]
    sharing_class: SharingClass
    legal_basis: tuple[Name, ...] = ()
    open_class: OpenClass
    update_cycle: Literal["realtime", "hourly", "daily", "weekly", "monthly", "quarterly", "half-yearly", "yearly", "irregular"]
    operations: tuple[Operation, ...]
    service_methods: tuple[Literal["INTERFACE", "TABLE", "FILE"], ...]
    source: Code
    object: Annotated[str, Field(pattern=OBJECT, max_length=200)] | None = None
    endpoint: Endpoint | None = None
    remote: Remote | None = None
    file: FilePart | None = None
    options: dict[str, JsonValue] = Field(default_factory=dict)
    identifiers: tuple[Code, ...] = ()
    stable_key: Annotated[str, Field(min_length=1, max_length=200)]
    stable_key_type: Literal["string", "integer", "bigint"] = "bigint"
    watermark: str | None = None
    left_out: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    cohort: Annotated[int, Field(ge=1, le=1000)] | None = None
    items: tuple[ItemPart, ...] = Field(min_length=1)
    links: tuple[LinkPart, ...] = ()


class Manifest(Part):
    """One department's manifest."""

    department: DepartmentPart
    sources: tuple[SourcePart, ...] = ()
    masks: tuple[MaskRulePart, ...] = ()
    resources: tuple[ResourcePart, ...] = ()


def read_manifest(text: str) -> Manifest:
    """The manifest in a TOML text.

    Raises:
        Refused: with one problem per fault.
    """
    if len(text.encode()) > MAX_BYTES:
        raise Refused(Problem("MANIFEST_TOO_LARGE", f"清单超过 {MAX_BYTES} 字节 the manifest is larger than {MAX_BYTES} bytes", "请按部门拆分 split it"))
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(_syntax(error)) from None
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        lines = Lines(text)
        raise Refused(*(_problem(found, lines) for found in error.errors(include_url=False))) from None


def _syntax(error: tomllib.TOMLDecodeError) -> Problem:
    message = str(error)
    _, _, place = message.partition("at line ")
    line = place.partition(",")[0]
    return Problem("MANIFEST_SYNTAX", f"TOML 语法错误 TOML syntax error: {message}", "请修正该行 mend that line", None, int(line) if line.isdigit() else None)


def _problem(found: Any, lines: Lines) -> Problem:
    location = [part for part in found["loc"] if part != "__root__"]
    path = path_of(location)
    message, hint = PYDANTIC_TEXTS.get(found["type"], (f"取值不正确 value is not usable: {found['msg']}", "请更正 correct it"))
    context = found.get("ctx") or {}
    if "expected" in context:
        hint = f"可用 allowed: {context['expected']}"
    elif "pattern" in context:
        hint = f"格式 pattern: {context['pattern']}"
    elif found["type"] == "extra_forbidden":
        hint = _similar(location) or hint
    return Problem("MANIFEST_SHAPE", f"{path}: {message}", hint, path, lines.line(path))


_PARTS: dict[str, type[BaseModel]] = {
    "department": DepartmentPart,
    "sources": SourcePart,
    "masks": MaskRulePart,
    "resources": ResourcePart,
    "items": ItemPart,
    "links": LinkPart,
    "mask": MaskPart,
    "endpoint": Endpoint,
    "remote": Remote,
    "file": FilePart,
    "paging": Paging,
    "lookups": Lookup,
    "count": CountParameter,
    "success": Success,
}


def _similar(location: list[str | int]) -> str:
    names = [part for part in location if isinstance(part, str)]
    part = _PARTS.get(names[-2]) if len(names) > 1 else Manifest
    close = difflib.get_close_matches(names[-1], part.model_fields if part else [], 1)
    return f"是否为 {close[0]}? did you mean {close[0]}?" if close else ""
