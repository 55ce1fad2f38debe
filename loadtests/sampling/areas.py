"""What a call's work is for, told by the module that does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Area:
    """One part of what a call costs. ``modules``: beginnings of dotted names."""

    code: str
    zh: str
    en: str
    modules: tuple[str, ...] = ()


HTTP = Area("http", "HTTP 服务器、事件循环与驱动的 C 代码", "HTTP server, event loop, C code of the driver", ("uvicorn", "uvloop", "httptools", "asyncio"))
REQUEST = Area("request", "请求、令牌与准入", "request, token, admission", ("auth", "hub"))
DOCUMENT = Area(
    "document",
    "文档、变量与权限",
    "document, variables, rights",
    (
        "hub.api.data",
        "hub.api.prepared",
        "hub.api.execute",
        "hub.api.context",
        "hub.withdrawal",
        "hub.sharing",
        "schema.documents",
        "schema.coercion",
        "graphql",
    ),
)
RUN = Area("run", "执行方案与写出应答", "running the plan, writing the answer", ("schema", "masking"))
SOURCE = Area("source", "数据源语句与驱动", "sources' statements and driver", ("connectors", "asyncpg"))
ENTRY = Area(
    "entry",
    "日志条目、主体散列与回执",
    "ledger entry, subjects' hashes, receipt",
    ("hub.ledger", "hub.tracing", "hub.api.call_entries", "hub.api.entries", "schema.subjects"),
)
WATCH = Area("watch", "异常、预算与指标", "anomalies, budgets, metrics", ("hub.anomalies", "hub.usage", "hub.verification", "hub.metrics"))
WRITER = Area("writer", "日志写入线程：签名与提交", "ledger's writer: signing, commits")
CHECKPOINTS = Area("checkpoints", "日志树与检查点线程", "ledger's tree and checkpoints")
OTHERS = Area("others", "其他线程：主体索引、异常、用量", "other threads: index of subjects, anomalies, usage")
AREAS = (HTTP, REQUEST, DOCUMENT, RUN, SOURCE, ENTRY, WATCH, WRITER, CHECKPOINTS, OTHERS)
"""In the order of a call; the last three are threads of their own."""
THREADS = {"huitong-ledger": WRITER, "huitong-checkpoints": CHECKPOINTS}
"""By their names; a thread of any other name belongs to :data:`OTHERS`."""

_BEGINNINGS = sorted(((name, area) for area in AREAS for name in area.modules), key=lambda one: -len(one[0]))


def module_of(path: str) -> str:
    """The dotted name of a module by its file: this project's by its place here, a library's by its place among the libraries; else its bare name."""
    place = Path(path)
    if "site-packages" in place.parts:
        parts = place.parts[place.parts.index("site-packages") + 1 :]
    elif place.is_relative_to(_ROOT):
        parts = place.relative_to(_ROOT).parts
    else:
        parts = place.parts[-2:] if place.parts[-2:-1] == ("asyncio",) else place.parts[-1:]
    return ".".join([*parts[:-1], Path(parts[-1]).stem]) if parts else ""


def area_of(module: str) -> Area | None:
    """Whose work a module does; ``None``: that of whoever calls it."""
    return next((area for name, area in _BEGINNINGS if module == name or module.startswith(f"{name}.")), None)


@cache
def _of_file(path: str) -> tuple[str, Area | None]:
    module = module_of(path)
    return module, area_of(module)


def told(frame: FrameType | None) -> tuple[Area, str]:
    """(area, ``module.function``) of what runs: of the innermost call whose module says whose work it does. The event loop's own where none does."""
    for each in _outward(frame):
        module, area = _of_file(each.f_code.co_filename)
        if area is not None:
            return area, f"{module}.{each.f_code.co_qualname}"
    return HTTP, "the event loop"


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
