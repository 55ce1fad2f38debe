"""Worst documents: what those of at most 64 KiB cost that a search found to cost most, from their text to their answer or refusal."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from loadtests.report import Figure, Report, middle
from schema.faults import Code, Fault
from tests.schema.city import city
from tests.schema.worst import ASKING, CORPUS, MOST_CALLS, Genes, work, written

_ROUNDS = 9
_SHOWN = 4
_REFUSALS = (Code.BAD_INPUT, Code.BAD_REQUEST, Code.INVALID_DOCUMENT, Code.QUERY_BUDGET)
ORDINARY = Genes(scalars=5, keys=5)
"""A list with five items."""


def run() -> Report:
    """Measures in this process, over a catalog in memory: checking a document needs no source."""
    found = [Genes(**shown) for shown in json.loads(CORPUS.read_text("utf-8"))]
    counted = sorted(((asyncio.run(work(*written(genes)))[0], genes) for genes in found), key=lambda each: -each[0])
    figures = [_figure("an ordinary list", ORDINARY)]
    figures += [_figure(f"the {place}. worst, {calls:,} calls of functions", genes) for place, (calls, genes) in enumerate(counted[:_SHOWN], 1)]
    figures.append(Figure("calls of functions, of the worst", counted[0][0], "", MOST_CALLS))
    about = (
        f"CPU from the text to the answer or refusal, nothing cached, {_ROUNDS} rounds of each; the documents are those of tests/schema/worst.json, "
        f"which `python -m tests.schema.worst` found by climbing over fragments, aliases, directives, inputs and lists."
    )
    return Report("Worst documents of 64 KiB", about, figures)


def _figure(name: str, genes: Genes) -> Figure:
    text, variables = written(genes)
    value, spread = middle([asyncio.run(_milliseconds(text, variables)) for _ in range(_ROUNDS)])
    return Figure(name, value, "ms", None, spread)


async def _milliseconds(text: str, variables: Mapping[str, Any]) -> float:
    hub, _ = city()
    hub.view(ASKING).schema(frozenset({"civilAffairs"}))
    began = time.process_time()
    try:
        await hub.ask(ASKING, text, variables)
    except Fault as refused:
        if refused.code not in _REFUSALS:
            raise
    return (time.process_time() - began) * 1000
