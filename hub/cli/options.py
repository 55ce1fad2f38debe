"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出 Print JSON.")]
ActorName = Annotated[
    str | None,
    typer.Option(
        "--actor", metavar="NAME", help="以谁的名义，默认为登录名 In whose name; default: the login name. An act that needs two people compares these names."
    ),
]
HubUrl = Annotated[str | None, typer.Option("--url", metavar="URL", help="运行中的汇通的地址 Address of the running hub. Default: from the settings.")]
EXAMPLES = "示例 Examples:\n\n"
