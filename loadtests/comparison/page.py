"""``python -m loadtests.comparison.page RESULTS.json``: the results as one page that loads nothing."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from loadtests.comparison.charts import Line, Scale, bars, number, stretches, strips
from loadtests.comparison.records import Record, cpu, spread
from loadtests.comparison.results import Results, read
from loadtests.comparison.tasks import APART as APART_TASKS
from loadtests.comparison.tasks import BY_SOURCE, HUB
from loadtests.comparison.tasks import COMPARED as COMPARED_TASKS
from loadtests.comparison.verdicts import APART, COMPARED, Verdict

_STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")
_TITLES = {task.code: (task.zh, task.en) for task in (*APART_TASKS, *COMPARED_TASKS)}


def render(results: Results) -> str:
    """The whole page."""
    facts = results.facts
    held = sum(verdict.held for verdict in results.verdicts)
    parts = [
        _section("must", "应达到的指标", "What must be shown", _verdicts(results.verdicts)),
        _section("cpu", "每次请求的 CPU", "CPU per request", _cpu(results), _CPU_ZH, _CPU_EN),
        _section("latency", "延迟 p50 至 p99", "Latency, p50 to p99", _latency(results), _LATENCY_ZH, _LATENCY_EN),
        _section("rounds", "各轮之比", "Ratios, round by round", _rounds(results), _ROUNDS_ZH, _ROUNDS_EN),
        _section("apart", "各项功能的代价", "What each feature costs", _apart(results), _APART_ZH, _APART_EN),
        _section("all", "全部数值（中位数）", "All figures (medians)", _every(results)),
        _section("origin", "来源", "Origin", _origin(results)),
    ]
    return (
        "<!doctype html>\n<html lang=zh-CN>\n<head><meta charset=utf-8><meta name=viewport content='width=device-width'>\n"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>汇通性能对比 Huitong compared</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        "<header><h1>汇通性能对比<small lang=en>Huitong compared</small></h1>\n"
        f"<p>{escape(facts['began'])} · {escape(facts['mode'])} · {facts['persons']:,} persons · seed {facts['seed']} · {escape(facts['commit'])}</p>\n"
        f"<p class=score><b>{held}</b> / {len(results.verdicts)} 达到 <span lang=en>held</span></p></header>\n<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


_CPU_ZH = "每个服务进程每次请求的 CPU 微秒数，对数刻度；黑线为各轮最小至最大，浅色细条为源数据库的 CPU。汇通已开启令牌、权限、三项脱敏与持久日志。"
_CPU_EN = (
    "µs of CPU of the server for each request, logarithmic; the black line spans the rounds, the pale bar below is the source database's CPU. "
    "The hub checks tokens and rights, masks 3 of 8 items and enters every call in its durable ledger; nobody else does."
)
_LATENCY_ZH, _LATENCY_EN = "饱和负载下，圆点 p50，竖线 p99，毫秒。", "Under saturation: dot p50, stroke p99, in milliseconds."
_ROUNDS_ZH, _ROUNDS_EN = (
    "汇通的 CPU ÷ 对方的 CPU，每圈一轮，竖线为中位数；虚线处相等。",
    "CPU of the hub ÷ CPU of the other, a ring for each round, a stroke at the median; equal at the dashed line.",
)
_APART_ZH, _APART_EN = "同一平台去掉一项功能后的 CPU；同一轮内交替测量。", "CPU of the same hub with one feature taken away, by turns in the same rounds."


def _section(code: str, zh: str, en: str, body: str, note_zh: str = "", note_en: str = "") -> str:
    note = f"<p class=note>{escape(note_zh)} <span lang=en>{escape(note_en)}</span></p>\n" if note_zh else ""
    return f"<section id={code}>\n<h2>{escape(zh)}<small lang=en>{escape(en)}</small></h2>\n{note}{body}</section>\n"


def _figure(title: tuple[str, str], drawing: str, code: str = "") -> str:
    zh, en = title
    mark = f"<b>{escape(code)}</b> " if code else ""
    also = f" <small lang=en>{escape(en)}</small>" if en != zh else ""
    return f"<figure><figcaption>{mark}{escape(zh)}{also}</figcaption>{drawing}</figure>\n"


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    rows = [
        (
            verdict.group,
            verdict.name,
            f"{number(verdict.value)} {verdict.unit}",
            f"{'≥' if verdict.bound.least else '≤'} {verdict.bound.wanted:g}",
            "" if verdict.bound.stretch is None else f"{verdict.bound.stretch:g}",
            _state(verdict),
        )
        for verdict in verdicts
    ]
    return table((("项目 group", ""), ("指标 figure", ""), ("测得 measured", "n"), ("要求 wanted", "n"), ("期望 stretch", "n"), ("结果 state", "")), rows)


def _state(verdict: Verdict) -> str:
    if not verdict.held:
        return "✗ 未达到 not held"
    return "★ 超出 stretched" if verdict.stretched else "✓ 达到 held"


def table(heads: Iterable[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """A table; heads are (text, ``n`` for numbers)."""
    kinds = list(heads)
    top = "".join(f"<th class='{kind}'>{escape(text)}</th>" for text, kind in kinds)
    lines = []
    for row in rows:
        state = " class=bad" if row[-1].startswith("✗") else " class=star" if row[-1].startswith("★") else ""
        lines.append(f"<tr{state}>" + "".join(f"<td class='{kind}'>{escape(cell)}</td>" for cell, (_, kind) in zip(row, kinds, strict=True)) + "</tr>")
    return f"<div class=scroll><table><thead><tr>{top}</tr></thead>\n<tbody>{''.join(lines)}</tbody></table></div>\n"


def _cpu(results: Results) -> str:
    return _bars(results, COMPARED)


def _bars(results: Results, block: str) -> str:
    records = results.records
    made = []
    scale = Scale.around([record.cpu for record in records.every if record.block == block])
    for task in records.tasks(block):
        lines = []
        for server in records.servers(block, task):
            values = [record.cpu for record in records.of(block, task, server)]
            source = statistics.median(record.source for record in records.of(block, task, server))
            median = statistics.median(values)
            lines.append(Line(server, median, *spread(values), number(median), source))
        made.append(_figure(_TITLES[task], bars(sorted(lines, key=lambda line: line.value), scale, "µs"), task))
    return "".join(made)


def _latency(results: Results) -> str:
    records = results.records
    every = [record for record in records.every if record.block == COMPARED]
    scale = Scale.around([value for record in every for value in (record.p50, record.p99)])
    made = []
    for task in records.tasks(COMPARED):
        lines = []
        for server in records.servers(COMPARED, task):
            low, high = (statistics.median(of(record) for record in records.of(COMPARED, task, server)) for of in (_p50, _p99))
            lines.append(Line(server, low, low, high, f"{number(low)} – {number(high)}"))
        made.append(_figure(_TITLES[task], stretches(sorted(lines, key=lambda line: line.low), scale, "ms"), task))
    return "".join(made)


def _p50(record: Record) -> float:
    return record.p50


def _p99(record: Record) -> float:
    return record.p99


def _rounds(results: Results) -> str:
    records = results.records
    made = []
    for other in ("limit-held", "limit-pool", "postgraphile", "strawberry"):
        lines = []
        for task in records.tasks(COMPARED):
            for server in (HUB, BY_SOURCE):
                ratios = tuple(records.ratios(COMPARED, task, server, other, cpu))
                if ratios:
                    value = statistics.median(ratios)
                    name = task if server == HUB else f"{task}, {server.removeprefix('hub, ')}"
                    lines.append(Line(name, value, *spread(ratios), f"{number(value)} ×", marks=ratios))
        if lines:
            scale = Scale.around([mark for line in lines for mark in line.marks] + [1.0])
            made.append(_figure((f"汇通 ÷ {other}", f"hub ÷ {other}"), strips(lines, scale, "×")))
    return "".join(made)


def _apart(results: Results) -> str:
    records = results.records
    rows = []
    for task in records.tasks(APART):
        for server in records.servers(APART, task):
            if server == HUB:
                continue
            costs, rates = (records.ratios(APART, task, HUB, server, value) for value in (cpu, lambda record: record.per_second))
            cells = (number(statistics.median(costs)), " – ".join(map(number, spread(costs))), number(statistics.median(rates)))
            rows.append((task, server, *cells))
    heads = (("任务 task", ""), ("对照 against", ""), ("CPU 比 ratio of CPU", "n"), ("各轮 rounds", "n"), ("每秒请求比 ratio of answers per second", "n"))
    return _bars(results, APART) + table(heads, rows)


def _every(results: Results) -> str:
    heads = (("任务 task", ""), ("服务 server", ""), ("CPU µs", "n"), ("控制库 control µs", "n"), ("源库 source µs", "n"), ("每秒 per s", "n"))
    more = (("p50 ms", "n"), ("p99 ms", "n"), ("字节 bytes", "n"), ("内存 RSS MiB", "n"), ("峰值 peak MiB", "n"))
    rows = []
    for block in (COMPARED, APART):
        for task in results.records.tasks(block):
            for server in results.records.servers(block, task):
                found = results.records.of(block, task, server)
                names = ("cpu", "control", "source", "per_second", "p50", "p99", "bytes", "resident", "peak")
                medians = [number(statistics.median(getattr(record, name) for record in found)) for name in names]
                rows.append((task if block == COMPARED else f"{task} ({APART})", server, *medians))
    return f"<details><summary>展开 show ({len(rows)})</summary>{table((*heads, *more), rows)}</details>\n"


def _origin(results: Results) -> str:
    facts = results.facts
    known = {
        **{name: facts[name] for name in ("began", "mode", "commit", "seed", "persons", "rounds", "control database")},
        **facts["machine"],
        **facts["versions"],
    }
    known |= results.figures
    rows = [(name, str(value)) for name, value in known.items()]
    rows += [("checked to be the same", line) for line in results.checked] + [("failed", line) for line in results.failed]
    return table((("", ""), ("", "")), rows)


def write(results: Results, path: Path) -> Path:
    """Writes the page beside the results."""
    place = path.with_suffix(".html")
    place.write_text(render(results), encoding="utf-8")
    return place


if __name__ == "__main__":
    for given in map(Path, sys.argv[1:]):
        sys.stdout.write(f"{write(read(given), given)}\n")
