"""Any document of at most 64 KiB is answered or refused within the stated budget of counted work (MSK-04, security C1-C7)."""

from __future__ import annotations

import json
from random import Random

import pytest

from tests.schema.worst import CORPUS, MOST_CALLS, STARTS, Genes, fits, mutated, work, written

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.mark.parametrize("shown", json.loads(CORPUS.read_text("utf-8")), ids=str)
async def test_the_worst_that_was_found_is_within_the_budget(shown: dict[str, int]) -> None:
    text, variables = written(Genes(**shown))
    assert fits(text, variables)
    calls, code = await work(text, variables)
    assert calls <= MOST_CALLS, code


@pytest.mark.parametrize("seed", range(len(STARTS)))
async def test_what_is_near_the_worst_is_within_the_budget(seed: int) -> None:
    """A short walk from each start of the search; ``python -m tests.schema.worst`` climbs for longer."""
    dice, genes = Random(seed), STARTS[seed]
    for _ in range(2):
        genes = mutated(genes, dice)
        text, variables = written(genes)
        if fits(text, variables):
            assert (await work(text, variables))[0] <= MOST_CALLS


async def test_the_count_sees_what_a_document_costs() -> None:
    small = await work(*written(Genes()))
    large = await work(*written(Genes(scalars=400, keys=40)))
    assert small[1] == large[1] == "OK"
    assert large[0] > 5 * small[0]
