"""Types of the governance schema: what administrators receive."""

from __future__ import annotations

import strawberry
from anyio import to_thread

from hub.api.context import Context
from hub.api.types import Department
from hub.catalog.disclosure_graphql import review_diff
from hub.catalog.disclosure_types import DisclosureDiff


@strawberry.type(description="问题：位置、说明、补救办法\n\nWhat is wrong, where, and how to mend it")
class Problem:
    """One fault of an act that was not done."""

    path: str | None
    line: int | None
    code: str
    message: str
    hint: str | None


@strawberry.type(description="业务应用系统\n\nApplication")
class Application:
    """An application; ``client_secret`` is told once, when it is made. ``keys`` are the ids of its public keys."""

    name: str
    client_id: str | None
    department: str
    active: bool
    roles: list[str]
    purposes: list[str]
    client_secret: str | None = None
    auth_method: str | None = None
    keys: list[str] = strawberry.field(default_factory=list)
    dpop_bound: bool = False


@strawberry.type(description="数据源\n\nSource")
class Source:
    """A source and, after a check, how it is."""

    code: str
    kind: str | None = None
    ok: bool | None = None
    message: str | None = None


@strawberry.type(description="目录清单的一次导入\n\nImported manifest")
class ManifestImport:
    """One import and where it stands."""

    id: strawberry.ID
    department: str
    state: str
    resources: list[str]
    imported_by: str | None = None
    reviewed_by: str | None = None
    opinion: str | None = None

    @strawberry.field(description="发布后脱敏的变化：规则与信息项\n\nWhat its publication will do to masks, while it waits for that: rules, and items")
    async def mask_changes(self, info: strawberry.Info[Context, None]) -> list[str]:
        catalog, number = info.context.live.core.catalog, int(self.id)
        return [str(change) for change in await to_thread.run_sync(lambda: catalog.mask_changes(number))]


@strawberry.type(description="目录快照\n\nPublished snapshot")
class Publication:
    """A published state of the catalog."""

    number: int


@strawberry.type
class DepartmentPayload:
    """Answer of ``createDepartment``."""

    department: Department | None
    problems: list[Problem]


@strawberry.type
class ApplicationPayload:
    """Answer of the mutations on applications."""

    application: Application | None
    problems: list[Problem]


@strawberry.type
class SourcePayload:
    """Answer of ``registerSource``, ``removeSource`` and ``checkSource``."""

    source: Source | None
    problems: list[Problem]


@strawberry.type
class ManifestPayload:
    """Answer of ``importManifest`` and ``reviewCatalog``."""

    manifest: ManifestImport | None
    problems: list[Problem]

    @strawberry.field(description="相对现行目录的披露差异，供安全与审计管理员\n\nDisclosure diff against the catalog in force, for security and audit")
    async def disclosure(self, info: strawberry.Info[Context, None]) -> DisclosureDiff | None:
        return await review_diff(info.context, self.manifest.id) if self.manifest else None


@strawberry.type
class PublicationPayload:
    """Answer of ``publishCatalog``."""

    publication: Publication | None
    problems: list[Problem]
