"""When memory is called flat, and documents of which no two are alike."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from loadtests.random_documents import Documents
from loadtests.soak import Sample, flat

pytestmark = pytest.mark.fast
SCHEMA = build_schema("""
    type Query { health: Health! }
    type Health { patients(first: Int = 10): PatientConnection! }
    type PatientConnection { nodes: [Patient!]! totalCount: Int! }
    type Patient { name: String phone: String district: String doctor: Doctor }
    type Doctor { name: String title: String ward(of: Int!): Ward }
    type Ward { name: String }
""")


def samples(sizes: list[float]) -> list[Sample]:
    """One every ten seconds."""
    return [Sample(10.0 * place, size, 0, 0, {}) for place, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "held"),
    [
        ([100 + 20 * place for place in range(20)] + [500.0] * 40, True),
        ([300 + 0.2 * (place % 2) for place in range(60)], True),
        ([300.0] * 40 + [340.0] + [300.0] * 19, True),
        ([300 + 0.4 * place for place in range(60)], True),
        ([300 + 0.6 * place for place in range(60)], False),
        ([300 + 2.0 * place for place in range(60)], False),
    ],
    ids=["caches that fill", "to and fro", "one spike", "less than a hundredth a minute", "more", "a leak"],
)
def test_a_leak_is_told_from_what_comes_and_goes(sizes: list[float], held: bool) -> None:
    assert flat(samples(sizes)).held is held


def test_documents_are_valid_of_the_wanted_length_and_all_different() -> None:
    documents = Documents(SCHEMA, 1)
    made = [documents.make(1024) for _ in range(50)]
    assert len(set(made)) == 50
    assert all(800 < len(text) < 1300 for text in made)
    assert not any(validate(SCHEMA, parse(text)) for text in made)
    assert Documents(SCHEMA, 1).make(1024) == made[0]
