"""``huitong ledger verifier``: the stand-alone verifier as one file, for departments without a hub."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.faults import CliFault
from hub.cli.options import AsJson
from hub.cli.output import show_record

_MAIN = """import sys

try:
    from verifier.cli import entry
except ModuleNotFoundError as fault:
    sys.stderr.write(f"缺少 Python 包 the Python package {fault.name} is missing: pip install cryptography\\n")
    sys.exit(3)
entry()
""".encode()
_INTERPRETER = b"#!/usr/bin/env python3\n"
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Of every member: the same verifier is the same bytes, so that its SHA-256 can be published."""


def verifier_command(
    output: Annotated[Path, typer.Option("--output", "-o", dir_okay=False, help="写入的文件 The file to write.")] = Path("huitong-verify.pyz"),
    as_json: AsJson = False,
) -> None:
    """写出独立核验工具 Write huitong-verify as one file. It needs Python 3.11 and the package cryptography, and nothing of the hub."""
    content = packed()
    try:
        output.write_bytes(content)
        output.chmod(0o755)
    except OSError as fault:
        raise CliFault(f"无法写入 cannot write {output}: {fault.strerror}") from fault
    digest = sha256(content).hexdigest()
    shown = {"file": str(output), "bytes": len(content), "sha256": digest}
    show_record(shown, as_json, f"{output}: {len(content)} 字节 bytes, SHA-256 {digest}")


def packed() -> bytes:
    """The verifier's package in a zip application (PEP 441). It is read as data; nothing of it is imported."""
    spec = find_spec("verifier")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise CliFault("未安装核验工具 the package verifier is not installed with the hub", "请重新安装 install the hub again")
    made = io.BytesIO(_INTERPRETER)
    made.seek(0, io.SEEK_END)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN)
        for path in sorted(Path(folders[0]).glob("*.py")):
            _add(archive, f"verifier/{path.name}", path.read_bytes())
    return made.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, _WHEN)
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(member, content)
