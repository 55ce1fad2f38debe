"""Documents for the hub alone: one of some 2 KiB that nobody has seen before, and one whose answer has several MiB."""

from __future__ import annotations

import random

import orjson

from loadtests.city import City
from loadtests.peers.workloads import ITEMS

LOOK_UPS = 5
LISTS = 2
ROWS = 10_000
"""Of each list: the most that a grant may give in a page. A call may read twice as many, and 400,000 values."""


def new_document(draw: random.Random, city: City) -> tuple[str, bytes]:
    """Five look-ups with aliases that are drawn, so that no part of the text comes twice; about 2 KiB."""
    asked, declared, variables = [], [], {}
    for place in range(LOOK_UPS):
        fields = " ".join(f"{_alias(draw)}: {item}" for item in draw.sample(ITEMS, len(ITEMS)) for _ in range(2))
        asked.append(f"{_alias(draw)}: person(idNumber: $id{place}) {{ {fields} }}")
        declared.append(f"$id{place}: String!")
        variables[f"id{place}"] = city.id_number(draw.randint(1, city.persons))
    text = f"query {_alias(draw)}({', '.join(declared)}) {{ register {{ {' '.join(asked)} }} }}"
    return "/graphql", orjson.dumps({"query": text, "variables": variables})


def large_document(city: City) -> bytes:
    """Two lists of ten thousand persons with each item twice: some 10 MiB."""
    step = max(0, min(ROWS, city.persons - ROWS))
    items = " ".join((*ITEMS, *(f"a{item}: {item}" for item in ITEMS)))
    lists = " ".join(f"l{n}: persons(where: {{recordNo: {{gt: {n * step}}}}}, first: {ROWS}) {{ nodes {{ {items} }} }}" for n in range(LISTS))
    return orjson.dumps({"query": f"{{ register {{ {lists} }} }}"})


def _alias(draw: random.Random) -> str:
    return f"a{draw.getrandbits(56):014x}"
