"""Disclosure diffs in sentences, Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator

from hub.catalog.disclosure import Change, ItemChange, Kind, ResourceChange, Sight, Viewer

_ITEM: dict[Change, tuple[str, str]] = {
    Change.NEWLY_CLEAR: ("新增以明文看到信息项 {item}（原为 {before}）", "newly sees item {item} in clear (before: {before})"),
    Change.NEWLY_MASKED: ("新增以脱敏方式看到信息项 {item}：{after}", "newly sees item {item} masked: {after}"),
    Change.NEWLY_VERIFIED: ("新增可核验信息项 {item}", "may newly have claims about item {item} verified"),
    Change.NEWLY_KEY: ("新增可凭信息项 {item} 查找与关联", "may newly look up and link by item {item}"),
    Change.NEWLY_FILTERABLE: ("新增可按信息项 {item} 筛选与排序", "may newly filter and order by item {item}"),
    Change.WEAKER_MASK: ("信息项 {item} 的脱敏减弱：{before} → {after}", "sees item {item} through a weaker mask: {before} → {after}"),
    Change.STRONGER_MASK: ("信息项 {item} 的脱敏增强：{before} → {after}", "sees item {item} through a stronger mask: {before} → {after}"),
    Change.CHANGED_MASK: (
        "信息项 {item} 的脱敏规则有变，请比较：{before} → {after}",
        "sees item {item} through another mask, compare them: {before} → {after}",
    ),
    Change.CLEAR_TO_MASKED: ("信息项 {item} 由明文改为脱敏：{after}", "sees item {item} masked instead of in clear: {after}"),
    Change.NO_LONGER_KEY: ("不再可凭信息项 {item} 查找与关联", "may no longer look up and link by item {item}"),
    Change.NO_LONGER_FILTERABLE: ("不再可按信息项 {item} 筛选与排序", "may no longer filter and order by item {item}"),
    Change.NO_LONGER_VERIFIED: ("不再可核验信息项 {item}", "may no longer have claims about item {item} verified"),
    Change.OTHER_ORIGIN: ("信息项 {item} 改由数据源的其他位置读取", "sees item {item} read from another place of the source"),
    Change.GONE: ("不再看到信息项 {item}（原为 {before}）", "no longer sees item {item} (before: {before})"),
}


def viewer_in_words(viewer: Viewer) -> tuple[str, str]:
    """Whose sight it is."""
    match viewer.kind:
        case Kind.PUBLIC.value:
            return "社会公众", "the public"
        case Kind.EVERY_DEPARTMENT.value:
            return "各部门", "every department"
    return f"应用 {viewer.name}（{viewer.department}）", f"application {viewer.name} ({viewer.department})"


def sentences(change: ResourceChange) -> Iterator[tuple[str, str]]:
    """What changed for one caller in one resource, in Chinese and in English."""
    zh, en = viewer_in_words(change.viewer)
    for operation in change.added:
        yield f"{zh}：资源 {change.resource} 新增操作 {operation.value}", f"{en}: resource {change.resource} gives the operation {operation.value} newly"
    for operation in change.removed:
        yield f"{zh}：资源 {change.resource} 不再有操作 {operation.value}", f"{en}: resource {change.resource} no longer gives the operation {operation.value}"
    for item in change.items:
        for each in item.changes:
            text = _filled(change.resource, item, each)
            yield f"{zh}{text[0]}", f"{en} {text[1]}"
    if change.rows is not None:
        before, after = (rows if rows is not None else "全部 all" for rows in change.rows)
        yield f"{zh}：资源 {change.resource} 的行条件 {before} → {after}", f"{en}: row condition of resource {change.resource}: {before} → {after}"
    for name, before, after in change.conditions:
        yield f"{zh}：资源 {change.resource} 的条件 {name} {before} → {after}", f"{en}: condition {name} of resource {change.resource}: {before} → {after}"


def _filled(resource: str, change: ItemChange, which: Change) -> tuple[str, str]:
    zh, en = _ITEM[which]
    words = {"item": f"{resource}.{change.item}", "before": _label(change.before), "after": _label(change.after)}
    return zh.format(**words), en.format(**words)


def _label(sight: Sight) -> str:
    return sight.label
