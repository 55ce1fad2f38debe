"""What is wrong with a delivery, by row and column. A finding never holds a value: values may be personal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_FINDINGS = 1000

TEXTS: dict[str, tuple[str, str]] = {
    "EMPTY": ("文件为空 the file is empty", "请重新交付 deliver it again"),
    "TOO_FEW_ROWS": ("行数少于下限 fewer rows than `min_rows`", "若确为空清单，请设 min_rows = 0 where an empty list is right, set min_rows = 0"),
    "TOO_MANY_ROWS": ("行数超过上限 more rows than `max_rows`", "请拆分，或提高数据源的 max_rows split it, or raise the source's max_rows"),
    "TOO_LARGE": ("超过大小或内存上限 larger than `max_bytes`, `max_unpacked_bytes` or `memory_mb` allow", "请拆分，或提高上限 split it, or raise the limit"),
    "NO_HEADER": ("没有表头行 there is no header row", "请核对 header compare `header`"),
    "SHEET_MISSING": ("没有该工作表 there is no such sheet", "请核对 sheet compare `sheet`"),
    "COLUMN_MISSING": ("缺少该列 the column is missing", "请补充该列，或修改目录 add it, or change the catalog"),
    "COLUMN_EXTRA": ("目录中没有该列 the catalog has no such column", 'extra_columns = "ignore"，或加入目录 or add it to the catalog'),
    "COLUMN_TWICE": ("列名重复 the column's name stands twice", "请改名 rename one"),
    "RAGGED": ("列数与表头不同 the row has another number of cells than the header", "请检查分隔符与引号 check delimiters and quotes"),
    "QUOTE": ("引号未成对 a quote is not closed or stands inside of a value", "值中的引号须写两次 a quote inside of a value is written twice"),
    "ENCODING": (
        "不是该编码的字节 bytes that are not of the encoding",
        "请以 UTF-8 或 GB18030 保存（JSON Lines 只用 UTF-8） save it as UTF-8 or GB18030, JSON Lines as UTF-8",
    ),
    "MARK": ("字节顺序标记属于另一种编码 a byte order mark of another encoding", "请去除标记，或更正 encoding remove the mark, or correct `encoding`"),
    "NUL": ("含有空字符 a NUL character", "请去除 remove it"),
    "SURROGATE": ("含有不成对的代理项 a lone surrogate", "请修正导出程序 mend the program that writes it"),
    "NOT_JSON": ("不是 JSON 对象 no JSON object", "每行一个 JSON 对象 one object per line"),
    "BROKEN": ("文件损坏或不完整 the file is damaged or cut off", "请重新交付 deliver it again"),
    "FORMULA": ("公式单元格 a cell with a formula", "请粘贴为数值 paste values"),
    "ERROR_CELL": ("错误单元格 an error cell", "请更正 correct it"),
    "NULL": ("不得为空 must not be empty", "请补充，或在目录中设 nullable = true fill it, or nullable = true in the catalog"),
    "TYPE": ("类型不符 not of the catalog's type", "请更正 correct it"),
    "RANGE": ("超出范围 out of range", "请更正，或在目录中改用 bigint 或 decimal correct it, or use bigint or decimal in the catalog"),
    "DIGITS": ("超过 15 位的数字单元格 a numeric cell of more than 15 digits", "Excel 会舍入，请设为文本 Excel rounds it: format the column as text"),
    "DATE": ("日期写法不被接受 not a form of date that is accepted", "2026-11-22, 2026/11/22, 20261122, 2026年11月22日"),
    "DATE_NOT_REAL": ("不存在的日期 a date that does not exist", "请更正 correct it"),
    "DUPLICATE": ("稳定键重复 the stable key stands twice", "请去重 remove one of the rows"),
    "RESIDENT_ID": ("公民身份号码校验不通过 no valid resident ID number", "GB 11643: 18 位 characters"),
    "USCC": ("统一社会信用代码校验不通过 no valid unified social credit code", "GB 32100: 18 位 characters"),
    "MOBILE": ("不是手机号码 no mobile number", "11 位数字 digits"),
    "DIVISION": ("不是行政区划代码 no division code", "6、9 或 12 位数字 6, 9 or 12 digits"),
    "WORKER": ("读取程序异常结束 the reading process ended unexpectedly", "请查看日志与 memory_mb see the log and `memory_mb`"),
}
"""Code → what is wrong, how to mend it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``line`` counts from 1 as an editor or a spreadsheet does; ``byte`` counts from 0."""

    code: str
    line: int | None = None
    column: str | None = None
    byte: int | None = None

    def as_json(self) -> dict[str, object]:
        """With its words."""
        message, hint = TEXTS[self.code]
        return {"code": self.code, "line": self.line, "column": self.column, "byte": self.byte, "message": message, "hint": hint}


class Broken(Exception):
    """The delivery cannot be read any further."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


class Wrong(Exception):
    """A cell's value is not what the catalog says. ``str()`` is the finding's code."""


@dataclass
class Findings:
    """The first thousand findings, and the number of all by code."""

    kept: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, code: str, line: int | None = None, column: str | None = None, byte: int | None = None) -> None:
        """One more."""
        self.counts[code] += 1
        if len(self.kept) < MOST_FINDINGS:
            self.kept.append(Finding(code, line, column, byte))

    def __bool__(self) -> bool:
        return bool(self.counts)

    def as_json(self) -> dict[str, object]:
        """In order of lines."""
        ordered = sorted(self.kept, key=lambda each: (each.line or 0, each.column or ""))
        return {"total": self.counts.total(), "counts": dict(self.counts), "findings": [each.as_json() for each in ordered]}
