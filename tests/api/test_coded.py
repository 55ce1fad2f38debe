"""The schemas that are written as code change nothing of graphql-core, by which those of the catalog are told."""

from __future__ import annotations

import pytest
from graphql import build_client_schema, build_schema, introspection_from_schema, print_type

from hub.api.data_schema import make_data_schema
from hub.api.governance_schema import make_governance_schema

pytestmark = pytest.mark.fast


def test_an_input_that_takes_one_of_its_keys_says_so_to_clients() -> None:
    """Else generated clients let several identifiers through, or none, which the hub refuses."""
    make_data_schema()
    make_governance_schema()
    catalog = build_schema("type Query { a(subject: Subject): String } input Subject @oneOf { accountNo: String householdNo: String }")
    met = build_client_schema(introspection_from_schema(catalog))
    assert {name: print_type(met.type_map[name]) for name in ("Query", "Subject")} == {
        name: print_type(catalog.type_map[name]) for name in ("Query", "Subject")
    }
