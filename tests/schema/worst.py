"""A search for the document of at most 64 KiB that costs the hub most: hill climbing over nested fragments, aliases, directives, inputs and lists.

Work is counted in calls of functions, Python's and C's, from the text to the answer; the same on any machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import Any

from auth.decide import Rights
from schema.faults import Fault
from tests.schema.city import city, grant, rights

MOST_BYTES = 64 * 1024
MOST_CALLS = 750_000
"""The stated budget: calls of functions for one document, answered or refused. docs/attack-cases.md tells it."""
CORPUS = Path(__file__).parent / "worst.json"


@dataclass(frozen=True)
class Genes:
    """What a document is written from; each number says how much of one thing there is."""

    operations: int = 1
    fragments: int = 0
    spreads: int = 0
    """Spreads in each fragment, of those behind it."""
    circle: int = 0
    """1: the last fragments spread the first ones."""
    used: int = 1
    """0: no operation spreads the fragments."""
    scalars: int = 1
    """Scalar fields of each selection of rows."""
    keys: int = 1
    """Response keys that those fields share among them."""
    links: int = 0
    """Levels of links below a row."""
    lists: int = 1
    """Lists of a department."""
    roots: int = 1
    """Aliases of the department."""
    inline: int = 0
    """Inline fragments around each selection."""
    directives: int = 0
    """Directives at each field."""
    variables: int = 0
    where: int = 0
    """Parts of a filter written into the document."""
    deep: int = 0
    """Levels of that filter."""
    values: int = 0
    """Values of an ``in`` in the filter."""
    introspection: int = 0
    """Levels of introspection."""
    verifications: int = 0
    unknown: int = 0
    """Fields that do not exist."""
    given: int = 0
    """Parts of a filter in the variables."""


LIMITS = {
    "operations": 12, "fragments": 60, "spreads": 30, "circle": 1, "used": 1, "scalars": 700, "keys": 700, "links": 12, "lists": 60, "roots": 40,
    "inline": 150, "directives": 30, "variables": 900, "where": 1200, "deep": 250, "values": 4000, "introspection": 15, "verifications": 150,
    "unknown": 400, "given": 1500,
}  # fmt: skip
_ONES = '"1" '
_SCALARS = ("name", "birthDate", "district", "gender", "phone")


def written(genes: Genes) -> tuple[str, dict[str, Any]]:
    """The document, and its variables."""
    variables: dict[str, Any] = {}
    declared = [f"$v{i}: String" for i in range(genes.variables)]
    if genes.given:
        declared.append("$w: CivilAffairsPersonWhere")
        variables["w"] = {"or": [{"district": {"in": ["520102"]}}] * genes.given}
    head = f"({', '.join(declared)})" if declared else ""
    fragments = [_fragment(genes, number) for number in range(genes.fragments)]
    operations = [f"query Q{number}{head} {_root(genes)}" for number in range(max(1, genes.operations))]
    return "\n".join([*operations, *fragments]), variables


def _root(genes: Genes) -> str:
    departments = " ".join(f"d{i}: civilAffairs {{ {_department(genes)} }}" for i in range(genes.roots))
    deep = "{ ofType " * genes.introspection + "{ name }" + " }" * genes.introspection
    asked = f"__schema {{ types {{ fields {{ type {deep} }} }} }}" if genes.introspection else ""
    return f"{{ __typename {departments} {asked} }}"


def _department(genes: Genes) -> str:
    argument = _where(genes)
    lists = " ".join(f"l{i}: persons{argument} {{ nodes {_rows(genes)} totalCount }}" for i in range(genes.lists))
    subject = '{subject: {idNumber: "11010519491231002X"}, claims: {name: "x"}}'
    verified = f"verifyPersons(requests: [{' '.join([subject] * genes.verifications)}]) {{ outcome }}" if genes.verifications else ""
    return f"__typename {lists} {verified} {' '.join(f'u{i}' for i in range(genes.unknown))}"


def _where(genes: Genes) -> str:
    if genes.given:
        return "(where: $w)"
    if not (genes.where or genes.deep or genes.values):
        return ""
    inner = '{district: {eq: "1"}}'
    if genes.values:
        inner = f"{{district: {{in: [{_ONES * genes.values}]}}}}"
    for _ in range(genes.deep):
        inner = f"{{not: {inner}}}"
    return f"(where: {{or: [{' '.join([inner] * max(1, genes.where))}]}})"


def _rows(genes: Genes) -> str:
    marks = " @include(if: true)" * genes.directives
    chosen = " ".join(f"k{i % genes.keys}: {_SCALARS[i % genes.keys % 5]}{marks}" for i in range(genes.scalars)) if genes.keys else ""
    if genes.fragments and genes.used:
        chosen += " " + " ".join(f"...F{i}" for i in range(min(genes.fragments, max(1, genes.spreads))))
    inner = f"{{ __typename {chosen} }}"
    for _ in range(genes.links):
        inner = f"{{ __typename household {{ __typename }} ... on CivilAffairsPerson {inner} }}"
    return "{ ... on CivilAffairsPerson " * genes.inline + inner + " }" * genes.inline


def _fragment(genes: Genes, number: int) -> str:
    behind = [number + 1 + i for i in range(genes.spreads)]
    spread = " ".join(f"...F{i % genes.fragments}" for i in behind if i < genes.fragments or genes.circle)
    marks = " @skip(if: false)" * genes.directives
    chosen = " ".join(f"k{i % max(1, genes.keys)}: {_SCALARS[i % max(1, genes.keys) % 5]}{marks}" for i in range(genes.scalars))
    return f"fragment F{number} on CivilAffairsPerson {{ __typename {chosen} {spread} }}"


class Calls:
    """Counts calls of functions in this thread while it is entered."""

    def __init__(self, most: int = 10**9) -> None:
        self.count = 0
        self._most = most

    def _seen(self, _frame: Any, event: str, _argument: Any) -> None:
        if event in ("call", "c_call"):
            self.count += 1

    def __enter__(self) -> Calls:
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


ASKING: Rights = rights(grant())


def fits(text: str, variables: Mapping[str, Any]) -> bool:
    """Whether a request of it is within the limit of a body."""
    return len(json.dumps({"query": text, "variables": variables}).encode()) <= MOST_BYTES


async def work(text: str, variables: Mapping[str, Any]) -> tuple[int, str]:
    """Calls of functions from the text to its answer, and ``OK`` or the code of its refusal. Nothing is cached before."""
    hub, _ = city()
    hub.view(ASKING).schema(frozenset({"civilAffairs"}))
    with Calls() as counted:
        try:
            answer = await hub.ask(ASKING, text, variables)
            code = answer.errors[0].fault.code.value if answer.errors else "OK"
        except Fault as fault:
            code = fault.code.value
    return counted.count, code


def mutated(genes: Genes, dice: Random) -> Genes:
    """One to three numbers changed: doubled, halved, one more, or anew."""
    changed: dict[str, int] = {}
    for name in dice.sample([field.name for field in fields(Genes)], dice.choice((1, 1, 2, 3))):
        now, most = int(getattr(genes, name)), LIMITS[name]
        changed[name] = min(most, max(0, dice.choice((now * 2, now // 2, now + 1, now - 1, dice.randint(0, most), 0))))
    return replace(genes, **changed)


async def search(dice: Random, tries: int, seconds: float = 1e9, start: Genes | None = None) -> tuple[int, str, Genes]:
    """Climbs from a start; the worst that was found: calls, what became of it, and what it was written from."""
    best_genes = start or Genes()
    best, code = await work(*written(best_genes))
    ends = time.monotonic() + seconds
    for _ in range(tries):
        if time.monotonic() > ends:
            break
        genes = mutated(best_genes, dice)
        text, variables = written(genes)
        if not fits(text, variables):
            continue
        found, became = await work(text, variables)
        if found >= best:
            best, code, best_genes = found, became, genes
    return best, code, best_genes


STARTS = (
    Genes(),
    Genes(fragments=50, spreads=5, scalars=10, keys=10),
    Genes(fragments=50, spreads=25, circle=1, scalars=20, keys=5),
    Genes(fragments=49, used=0, spreads=10, scalars=60, keys=30),
    Genes(scalars=500, keys=100, lists=1),
    Genes(where=500),
    Genes(deep=150, where=5),
    Genes(given=1200),
    Genes(values=4000),
    Genes(variables=800),
    Genes(directives=10, scalars=15),
    Genes(introspection=12),
    Genes(verifications=100, lists=0),
    Genes(inline=120, lists=10),
    Genes(operations=10, roots=3, lists=10),
    Genes(unknown=300),
)


async def main(seconds: float, seed: int) -> None:
    """Searches from every start and prints the worst ones as a table; they are kept in the corpus, which the tests run."""
    found = []
    for start in STARTS:
        best, code, genes = await search(Random(seed), 10**6, seconds / len(STARTS), start)
        shown = {name: value for name, value in vars(genes).items() if value != getattr(Genes(), name)}
        print(f"{best:>12,}  {code:<18} {shown}", flush=True)
        found.append((best, shown))
    found.sort(key=lambda each: -each[0])
    CORPUS.write_text(json.dumps([shown for _, shown in found], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seconds", type=float, default=120)
    reader.add_argument("--seed", type=int, default=1)
    chosen = reader.parse_args()
    asyncio.run(main(chosen.seconds, chosen.seed))
