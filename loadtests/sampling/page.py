"""What was sampled, as a page and a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from loadtests.page import about
from loadtests.sampling.areas import AREAS, Area
from loadtests.sampling.measure import LIMIT, Profile

_MOST_FUNCTIONS = 16
_TEXT = """# Where a call's CPU goes 一次调用的处理器时间去向

{about}. `make profile`. A hub with everything on (token, rights, three masks, durable ledger) has one CPU; `wrk` and PostgreSQL have the other. The hub looks about a thousand times a second at where its event loop's
thread is, and adds up there what CPU time the thread took since the last look; other threads are told by their clocks. What follows the answers, until the hub has come to rest, counts; figures of use are made every 30 seconds of all calls since, and fall on
the task that is measured then. CPU in µs for each request; `{limit}` is the [hand-written limit](../performance.md#what-the-hub-is-compared-with-对照对象) without token, rights, masks and ledger, sampled by nobody.
平台独占一个 CPU，约每毫秒查看一次事件循环线程所在的函数，并把其间的处理器时间计入该处；其他线程按各自的时钟计。单位：微秒/次。

![CPU for each request](profile.svg)

{areas}

The event loop's functions that took most, with those they call as far as these belong to nobody else (libraries, generated code). 事件循环线程中耗时最多的函数：

{functions}
"""
_COLOURS = ("#5b6470", "#1b6ca8", "#5aa0d6", "#0f6e6e", "#5fb3a1", "#c2572b", "#e3a06f", "#8e3b6f", "#b97aa6", "#d9c3d3")
_WIDTH, _LEFT, _RIGHT, _ROW, _LINE = 900, 90, 110, 26, 18


def write_page(profiles: Sequence[Profile], folder: Path) -> Path:
    """Writes ``profile.md`` and ``profile.svg``; the path of the page."""
    page = folder / "profile.md"
    page.write_text(_TEXT.format(about=about(), limit=LIMIT, areas=table(profiles), functions=functions(profiles)), encoding="utf-8")
    (folder / "profile.svg").write_text(drawing(profiles), encoding="utf-8")
    return page


def table(profiles: Sequence[Profile]) -> str:
    """A line for each area, a column for each task."""
    rows = [f"| {area.zh} {area.en} | {' | '.join(_shown(one, area) for one in profiles)} |" for area in AREAS]
    ends = [
        f"| **平台合计 the hub** | {' | '.join(f'**{one.hub:,.0f}**' for one in profiles)} |",
        f"| {LIMIT} | {' | '.join(f'{one.limit:,.0f}' for one in profiles)} |",
        f"| 倍数 times | {' | '.join(f'{one.hub / one.limit:.1f}' for one in profiles)} |",
        f"| 请求数与采样数 requests, looks | {' | '.join(f'{one.requests:,}, {one.looks:,}' for one in profiles)} |",
    ]
    head = [f"| µs | {' | '.join(one.task for one in profiles)} |", f"| --- |{' ---: |' * len(profiles)}"]
    return "\n".join([*head, *rows, *ends])


def functions(profiles: Sequence[Profile]) -> str:
    """Those that took most in all tasks together, each by its share of the hub's CPU."""
    shares = [{name: 100 * spent / one.hub for some in one.functions.values() for name, spent in some.items()} for one in profiles]
    names = sorted({name for some in shares for name in some}, key=lambda name: -sum(some.get(name, 0.0) for some in shares))[:_MOST_FUNCTIONS]
    head = [f"| % | {' | '.join(one.task for one in profiles)} |", f"| --- |{' ---: |' * len(profiles)}"]
    return "\n".join([*head, *(f"| `{name}` | {' | '.join(f'{some.get(name, 0.0):.1f}' for some in shares)} |" for name in names)])


def _shown(profile: Profile, area: Area) -> str:
    spent = profile.areas.get(area.code, 0.0)
    return f"{spent:,.0f} ({100 * spent / profile.hub:.0f} %)"


def drawing(profiles: Sequence[Profile]) -> str:
    """A bar for each task, as long as every other, of its areas' shares; a stroke where the limit would end."""
    bars = 16 + _ROW * len(profiles)
    height = bars + 30 + _LINE * len(AREAS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for place, one in enumerate(profiles):
        parts += _bar(one, 12 + place * _ROW)
    parts.append(f'<text x="{_LEFT}" y="{bars + 12}" fill="#333">│ {escape(LIMIT)} 手写极限</text>')
    for place, area in enumerate(AREAS):
        y = bars + 34 + place * _LINE
        parts.append(f'<rect x="{_LEFT}" y="{y - 10}" width="11" height="11" fill="{_COLOURS[place]}"/>')
        parts.append(f'<text x="{_LEFT + 17}" y="{y}">{escape(f"{area.zh} {area.en}")}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _bar(profile: Profile, top: int) -> list[str]:
    x, scale = float(_LEFT), (_WIDTH - _LEFT - _RIGHT) / profile.hub
    made = [f'<text x="{_LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(profile.task)}</text>']
    for colour, area in zip(_COLOURS, AREAS, strict=True):
        width = scale * profile.areas.get(area.code, 0.0)
        made.append(f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="17" fill="{colour}"><title>{escape(area.en)}</title></rect>')
        x += width
    limit = _LEFT + scale * min(profile.limit, profile.hub)
    made.append(f'<path d="M{limit:.1f} {top - 3}v23" stroke="#000" stroke-width="2"/>')
    made.append(f'<text x="{_WIDTH - 8}" y="{top + 13}" text-anchor="end">{profile.hub:,.0f} µs</text>')
    return made
