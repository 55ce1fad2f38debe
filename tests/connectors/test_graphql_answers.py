"""Bodies of a GraphQL service that JSON's fast parser refuses or that are too much: what they cost."""

from __future__ import annotations

import httpx2
import pytest

from connectors.errors import SourceRefused
from connectors.graphql.client import Client
from connectors.graphql.options import GraphqlOptions
from connectors.rest.auth import NoAuth
from connectors.rest.transport import Transport
from connectors.selection import Undeliverable
from connectors.spi import SourceConfig

pytestmark = [pytest.mark.anyio, pytest.mark.fast]


class Given(Transport):
    """Answers every request with one body."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def send(self, request: httpx2.Request, seconds: float) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Type": "application/json"}, content=self._body, request=request)


def client(body: bytes) -> Client:
    return Client(SourceConfig("city.hub", "graphql", "http://127.0.0.1:9/graphql"), GraphqlOptions(), NoAuth(), Given(body))


@pytest.mark.parametrize("number", [b"9" * 5000, b"1e99999999999999999999"])
@pytest.mark.parametrize("exact", [False, True])
async def test_an_endless_number_costs_its_own_place(exact: bool, number: bytes) -> None:
    answer, _ = await client(b'{"data": {"a": 1, "b": ' + number + b"}}").ask("{ a b }", {}, {}, exact=exact)
    assert answer.data["a"] == 1
    assert isinstance(answer.data["b"], Undeliverable)


async def test_an_answer_of_too_many_values_is_not_parsed() -> None:
    with pytest.raises(SourceRefused, match="more than 524288 values"):
        await client(b'{"data": [' + b"[]," * 600_000 + b"[]]}").ask("{ a }", {}, {})
