"""Opens sources and looks: do they answer, and do their objects have the columns that the catalog names?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import ConfigFault, SourceFault
from connectors.registry import open_source
from connectors.spi import Source, SourceConfig
from schema.model import Resource, Snapshot


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: ``ok``, and where not, what is wrong and how to mend it."""

    name: str
    ok: bool
    message: str = ""
    remedy: str = ""

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        return {"check": self.name, "ok": self.ok, "message": self.message, "remedy": self.remedy}


async def check_sources(sources: Mapping[str, SourceConfig]) -> list[Check]:
    """One check per source."""
    return [check for config in sources.values() for check in await _look(config, ())]


async def check_catalog(snapshot: Snapshot) -> list[Check]:
    """One check per source, and one per resource whose object lacks something."""
    found = []
    for code, config in snapshot.sources.items():
        found += await _look(config, [resource for resource in snapshot.resources.values() if resource.source == code])
    return found


async def _look(config: SourceConfig, resources: Sequence[Resource]) -> list[Check]:
    name = f"source {config.code}"
    try:
        source = open_source(config)
    except ConfigFault as fault:
        return [Check(name, False, fault.message, fault.hint)]
    try:
        state = await source.check()
        checks = [Check(name, state.ok, state.message or config.kind, state.hint)]
        if state.ok:
            checks += [await _compare(source, resource) for resource in resources]
        return checks
    except SourceFault as fault:
        return [Check(name, False, str(fault), "请检查网络、账号与该系统本身 check the network, the account and the system itself")]
    finally:
        await source.close()


async def _compare(source: Source, resource: Resource) -> Check:
    name = f"resource {resource.code}"
    try:
        columns = {column.name for column in await source.describe(resource.binding)}
    except SourceFault as fault:
        return Check(name, False, str(fault), f"请核对清单中的 compare in the manifest: object / endpoint ({resource.binding.object})")
    missing = sorted(set(_needed(resource)) - columns)
    if missing:
        return Check(
            name,
            False,
            f"缺少列 columns are missing: {', '.join(missing)}",
            "请修正清单并重新导入，或恢复该列 mend the manifest and import it again, or restore them",
        )
    return Check(name, True, f"{len(columns)} columns")


def _needed(resource: Resource) -> Iterable[str]:
    yield resource.stable_key
    if resource.watermark:
        yield resource.watermark
    for item in resource.items.values():
        yield item.column
