"""The README's tour, run as it stands in both languages."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.docs.conftest import Demonstration
from tests.docs.pages import ROOT, blocks, page, section

TOURS = {"README.md": "## A tour in five minutes", "README.zh-CN.md": "## 五分钟导览"}
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demonstration")]


def _steps(readme: str) -> list[str]:
    return blocks(section(page(readme), TOURS[readme]), "sh")


def _run(steps: list[str], demonstration: Demonstration, folder: Path) -> list[str]:
    """What each block wrote to standard output, all in one shell as a reader types them; a command that fails fails the test."""
    lines = ["set -e -o pipefail"]
    for i, step in enumerate(steps):
        (folder / f"{i}.sh").write_text(step, encoding="utf-8")
        lines.append(f". {folder}/{i}.sh >{folder}/{i}.out")
    environment = {**demonstration.environment, "TMPDIR": str(folder)}
    done = subprocess.run(["bash", "-c", "\n".join(lines)], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [(folder / f"{i}.out").read_text(encoding="utf-8") for i in range(len(steps))]


def _shape(value: Any) -> Any:
    """A JSON value without what differs from run to run."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items() if key not in ("phone", "path")}
    return [_shape(inner) for inner in value[:1]] if isinstance(value, list) else type(value)


def test_tour_runs_as_it_stands(demonstration: Demonstration, tmp_path: Path) -> None:
    """Each command exits 0, and what the text promises is shown; the other README has the same commands and answers, as the next test says."""
    readme = "README.md"
    prepared, token, query, across, verified, counts, masked, exchanged, manifest, proof, others = _run(_steps(readme), demonstration, tmp_path)

    samples = json.loads((demonstration.home / "demo" / "samples.json").read_bytes())
    assert prepared.split()[1] == samples["persons"][0]["id_number"]
    assert token == ""

    answer = json.loads(query)
    person = answer["data"]["civilAffairs"]["person"]
    assert re.fullmatch(r"\d{3}\*{4}\d{4}", person["phone"])
    assert re.fullmatch(r"\d\*{16}[\dX]", person["idNumber"])
    assert person["household"]["address"].endswith("区****")
    shown = json.loads(blocks(page(readme), "json")[0])
    assert _shape(shown) == _shape(answer)
    assert shown["extensions"]["masking"] == answer["extensions"]["masking"]

    joined = json.loads(across)
    assert "errors" not in joined
    assert joined["data"]["civilAffairs"]["person"]["household"]["address"] == person["household"]["address"]
    assert joined["data"]["humanResources"]["socialInsurance"]["employer"]["name"]
    assert joined["data"]["ecology"]["airQualities"]["nodes"][0]["day"] == "2026-09-01"
    states = {source["source"]: source["state"] for source in joined["extensions"]["sources"]}
    assert set(states) >= {"civil_affairs.register", "human_resources.service", "water_supply.deliveries", "ecology.deliveries"}
    assert set(states.values()) <= {"OK", "STALE"}

    assert json.loads(verified)["data"]["civilAffairs"]["verifyPerson"]["outcome"] == "MATCH"

    figures = json.loads(counts)["data"]["civilAffairs"]["personsAggregate"]
    assert not figures["withheld"]
    assert sum(group["count"] for group in figures["groups"]) == figures["count"]
    assert "! FEW_CANDIDATES" in masked

    (file,) = tmp_path.glob("*/persons/data.parquet")
    table = pyarrow.parquet.read_table(file)
    assert table.column_names == ["name", "birthDate", "phone", "household"]
    assert table.num_rows > 100
    assert f" {table.num_rows} 行 rows" in exchanged
    assert str(table.slice(1, 1).to_pylist()[0]) in exchanged
    assert f"sound: 1 files, {table.num_rows} rows" in manifest

    assert "receipt holds" in proof
    assert f"proof verified: entry {answer['extensions']['receipt']['entry']} is in the published tree" in proof
    assert "the ledger is sound" in proof

    assert "INVALID_DOCUMENT" in others
    assert "exit code 1" in others
    assert '"uscc"' in others


def test_both_languages_show_the_same_commands() -> None:
    """Neither README falls behind the other."""
    assert _steps("README.md") == _steps("README.zh-CN.md")
    for language in ("json", "graphql"):
        assert blocks(page("README.md"), language) == blocks(page("README.zh-CN.md"), language)


def test_the_verifier_refutes_an_answer_that_was_altered(demonstration: Demonstration, tmp_path: Path) -> None:
    """A changed leaf, signature or place does not pass for proven."""
    steps = _steps("README.md")
    forge = """forged() { python -c 'import json, sys
answer = json.load(open(sys.argv[1]))
answer["extensions"]["receipt"][sys.argv[2]] = sys.argv[3]
json.dump(answer, open(sys.argv[1] + ".forged", "w"))' "$tour/answer.json" "$1" "$2"
! huitong-verify receipt "$tour/answer.json.forged" --key "$tour/log.key" --proof "$tour/proof.json"; }
forged leaf AAAA
forged signature AAAA
forged entry 7
"""
    key = steps[8].splitlines()[0]
    published = f"sleep 2\n{key}\n" + steps[9].replace("huitong ledger verify\n", "")
    said = _run([*steps[:3], published, forge], demonstration, tmp_path)[-1]
    assert said.count(" findings") == 3
    assert "receipt holds" not in said
