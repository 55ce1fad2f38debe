"""Options of the commands that start and pull exchanges."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

Text = str | None
_Kind = TypeVar("_Kind", bound=StrEnum)


class Form(StrEnum):
    """Formats of files."""

    CSV = "CSV"
    JSONL = "JSONL"
    PARQUET = "PARQUET"
    ARROW = "ARROW"


class Written(StrEnum):
    """Encodings of CSV."""

    UTF_8 = "UTF_8"
    GB18030 = "GB18030"


class Charset(StrEnum):
    """What texts of a CSV table are written in."""

    UTF_8 = "utf-8"
    GB18030 = "gb18030"


def _form(text: str) -> Form:
    return _one_of(Form, text)


def _encoding(text: str) -> Written:
    return _one_of(Written, text)


def _charset(text: str) -> Charset:
    return _one_of(Charset, text)


def _one_of(kind: type[_Kind], text: str) -> _Kind:
    """The member that is meant, in whatever case."""
    for member in kind:
        if member.upper() == text.upper():
            return member
    raise typer.BadParameter(f"没有 there is no {text!r}；可用 on offer: {', '.join(kind)}")


TokenFile = Annotated[
    Path | None, typer.Option("--token-file", exists=True, dir_okay=False, help="令牌所在文件 File that holds a token; or set the variable HUITONG_TOKEN.")
]
Purpose = Annotated[Text, typer.Option(help="用途代码 Purpose; for a demonstration application its first.")]
Operator = Annotated[Text, typer.Option(help="使用人员 On whose behalf; for a demonstration application its own.")]
Case = Annotated[Text, typer.Option(help="事项编号 The case's number.")]
Document = Annotated[Path | None, typer.Option("--document", "-f", exists=True, dir_okay=False, help="查询文档：先发起再下载 Start this document first.")]
Variables = Annotated[Text, typer.Option("--variables", "-v", metavar="JSON", help="变量 Variables as a JSON object.")]
Operation = Annotated[Text, typer.Option(help="操作名 Which operation of the document.")]
Format = Annotated[Form, typer.Option("--format", parser=_form, metavar="|".join(Form), help="文件格式 Format of the files.")]
Encoding = Annotated[
    Written | None,
    typer.Option("--encoding", parser=_encoding, metavar="|".join(Written), help="CSV 编码，默认 Encoding of CSV. Default: UTF_8, with BOM."),
]
GivenCharset = Annotated[
    Charset | None, typer.Option("--charset", parser=_charset, metavar="|".join(Charset), help="CSV 表格的编码，默认 Encoding of a CSV table. Default: utf-8")
]
Idempotency = Annotated[
    Text, typer.Option("--idempotency-key", metavar="KEY", help="幂等键 The same key starts nothing twice. Default: a new one; a folder remembers its own.")
]
Into = Annotated[Path | None, typer.Option("--into", file_okay=False, metavar="DIR", help="目录 Folder for the files. Default: the exchange's id.")]
Parallel = Annotated[int, typer.Option(min=1, max=16, help="并行文件数 Files at once.")]
Patience = Annotated[float, typer.Option(min=0, help="毫无进展多少秒后放弃 Seconds without anything gained after which it gives up; exit code 3.")]
HubKey = Annotated[
    Path | None, typer.Option("--hub-key", exists=True, dir_okay=False, help="日志公钥文件 File with the ledger's public key, got by a way you trust.")
]
