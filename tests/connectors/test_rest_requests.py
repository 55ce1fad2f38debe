"""How a REST service is asked: values in paths, lists of keys, the way with the fewest requests, and no more requests than declared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send

from connectors.errors import SourceRefused
from connectors.registry import open_source
from connectors.rest.template import addressable, check_path, columns_of, fill
from connectors.selection import Column, Compare, Comparison, Every, Kind, Order, Selection
from connectors.spi import Source, SourceConfig
from tests.connectors.people import KINDS, PEOPLE, columns
from tests.connectors.service_server import served
from tests.connectors.service_styles import Styles
from tests.connectors.stands.rest_styles import SEARCH, XML, bound

pytestmark = pytest.mark.anyio
PLAIN: dict[str, object] = {"path": "/linked", "paging": {"style": "link"}}
DISTRICTS: dict[str, object] = {"path": "/districts/{district}/people", "paging": {"style": "none"}}
PERSON = {"path": "/people/{id_number}", "items": "data"}
KNOWN = [str(row[1]) for row in PEOPLE if row[1] is not None]


class Asked:
    """A service, and a source that asks it."""

    def __init__(self, service: Styles, config: SourceConfig) -> None:
        self.service = service
        self.config = config
        self.source: Source = open_source(config)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.service.asked]


@pytest.fixture
async def asked(request: pytest.FixtureRequest) -> AsyncIterator[Asked]:
    service = Styles()
    with served(request, service.application()) as address:
        asked = Asked(service, SourceConfig("city.register", "rest", address))
        yield asked
        await asked.source.close()


def compare(column: str, comparison: Comparison = Comparison.EQ, parameter: str = "v") -> Compare:
    return Compare(column, KINDS[column], comparison, parameter)


@pytest.mark.slow
async def test_a_path_is_filled_from_an_equality(asked: Asked) -> None:
    rows = await asked.source.fetch(Selection(bound(DISTRICTS), columns("record_no"), compare("district")), {"v": "éé"})
    assert rows == [(9,)]
    assert asked.paths == ["/districts/éé/people"]


@pytest.mark.slow
async def test_a_path_is_filled_once_per_value(asked: Asked) -> None:
    selection = Selection(bound(DISTRICTS), columns("record_no"), compare("district", Comparison.IN))
    assert await asked.source.fetch(selection, {"v": ["zz", "520103", "zz"]}) == [(8,), (3,), (4,)]
    assert sorted(asked.paths) == ["/districts/520103/people", "/districts/zz/people"]


@pytest.mark.slow
async def test_a_path_without_its_value_is_refused_by_name(asked: Asked) -> None:
    with pytest.raises(SourceRefused, match="holds a value of district; filter by equality on it"):
        await asked.source.fetch(Selection(bound(DISTRICTS), columns("record_no"), compare("district", Comparison.NE)), {"v": "zz"})
    with pytest.raises(SourceRefused, match=r"endpoint\.examples"):
        await asked.source.describe(bound(DISTRICTS))
    described = await asked.source.describe(bound(DISTRICTS, examples={"district": "zz"}))
    assert [column.name for column in described] == list(KINDS)
    assert asked.paths == ["/districts/zz/people"]


@pytest.mark.slow
@pytest.mark.parametrize("value", ["..", ".", "", "a/b", "..\\x", "a\nb"])
async def test_a_value_that_is_no_segment_is_not_put_into_a_path(asked: Asked, value: str) -> None:
    with pytest.raises(SourceRefused, match="a value of district cannot stand in the service's path") as caught:
        await asked.source.fetch(Selection(bound(DISTRICTS), columns("record_no"), compare("district")), {"v": value})
    assert asked.paths == []
    assert value in ("", ".", "..") or value not in str(caught.value)
    with_collection = bound(PLAIN, lookups=[{"path": DISTRICTS["path"], "single": False}])
    assert await asked.source.fetch(Selection(with_collection, columns("record_no"), compare("district")), {"v": value}) == []
    assert set(asked.paths) == {"/linked"}


@pytest.mark.slow
async def test_one_row_comes_by_its_path_and_an_unknown_one_is_none(asked: Asked) -> None:
    binding = bound(PLAIN, lookups=[PERSON])
    selection = Selection(binding, columns("name"), compare("id_number"))
    assert await asked.source.fetch(selection, {"v": KNOWN[1]}) == [("欧阳修",)]
    assert await asked.source.fetch(selection, {"v": "nobody"}) == []
    assert await asked.source.count(selection, {"v": KNOWN[1]}) == 1
    assert set(asked.paths) == {f"/people/{KNOWN[1]}", "/people/nobody"}


@pytest.mark.slow
async def test_one_row_by_its_path_stands_where_it_is_in_the_order(asked: Asked) -> None:
    """Behind a later position there is nothing, and that is no fault of the service's order."""
    binding = bound(PLAIN, lookups=[PERSON], sorted_by="record_no", after="behind")
    selection = Selection(binding, columns("name"), compare("id_number"), (Order("record_no", Kind.BIGINT, nullable=False),), ("a",), "n")
    assert await asked.source.fetch(selection, {"v": KNOWN[1], "a": 1, "n": 5}) == [("欧阳修",)]
    assert await asked.source.fetch(selection, {"v": KNOWN[1], "a": 5, "n": 5}) == []


@pytest.mark.slow
async def test_a_service_that_ignores_what_several_requests_ask_for_gives_no_row_twice(asked: Asked) -> None:
    """Everybody comes with every request."""
    ignored = bound(SEARCH, filters={"district": "ignored"}, keys={"id_number": {"parameter": "unknown", "style": "array", "most": 1}})
    selection = Selection(ignored, columns("record_no"), compare("district", Comparison.IN))
    assert await asked.source.fetch(selection, {"v": ["520102", "zz", "nowhere"]}) == [(1,), (2,), (6,), (8,)]
    found = await asked.source.fetch_by_keys(Selection(ignored, columns("record_no")), {}, Column("id_number", Kind.STRING), KNOWN[:3])
    assert found == {KNOWN[0]: [(1,)], KNOWN[1]: [(2,)], KNOWN[2]: [(3,)]}
    assert len(asked.paths) == 3 * 3 + 3 * 3


@pytest.mark.slow
async def test_lists_of_keys_go_before_other_columns(asked: Asked) -> None:
    """A row condition with several values costs no further requests: eight keys in three pages."""
    selection = Selection(bound(XML), columns("record_no"), compare("district", Comparison.IN))
    found = await asked.source.fetch_by_keys(selection, {"v": ["520102", "zz"]}, Column("id_number", Kind.STRING), KNOWN)
    assert list(found.values()) == [[(1,)], [(2,)], [(6,)], [(8,)]]
    assert [[name for name, _ in asked].count("id") for _, asked in asked.service.asked] == [len(KNOWN)] * 3


@pytest.mark.slow
async def test_an_address_that_would_be_too_long_is_refused(asked: Asked) -> None:
    keys = bound(XML, keys={"id_number": {"parameter": "id", "style": "repeated", "most": 10_000}})
    with pytest.raises(SourceRefused, match="address would be too long; lower `most`"):
        await asked.source.fetch_by_keys(Selection(keys, columns("name")), {}, Column("id_number", Kind.STRING), [f"{n:018}" for n in range(10_000)])
    assert asked.paths == []


@pytest.mark.slow
async def test_numbers_of_any_size_can_be_asked_for(asked: Asked) -> None:
    binding = bound(SEARCH, filters={"points": "where.points"})
    assert await asked.source.fetch(Selection(binding, columns("record_no"), compare("points")), {"v": 2**80}) == []
    assert asked.service.asked[0][1]["where"] == {"points": 2**80}


@pytest.mark.slow
async def test_what_a_path_does_not_say_is_checked_in_the_hub(asked: Asked) -> None:
    where = Every((compare("id_number"), compare("age", Comparison.GT, "a")))
    selection = Selection(bound(PLAIN, lookups=[PERSON]), columns("name"), where)
    assert await asked.source.fetch(selection, {"v": KNOWN[0], "a": 34}) == []
    assert await asked.source.fetch(selection, {"v": KNOWN[0], "a": 33}) == [("王小明",)]


@pytest.mark.slow
async def test_keys_go_by_path_up_to_the_most_requests_of_a_call(asked: Asked) -> None:
    key = Column("id_number", Kind.STRING)
    allowed = Selection(bound(PLAIN, lookups=[PERSON], max_requests=len(KNOWN)), columns("record_no"))
    found = await asked.source.fetch_by_keys(allowed, {}, key, KNOWN)
    assert found == {row[1]: [(row[0],)] for row in PEOPLE if row[1] is not None}
    assert len(asked.paths) == len(KNOWN)
    with pytest.raises(SourceRefused, match=r"more than 7 requests \(`max_requests`\) would be needed for one call; ask for fewer values of id_number"):
        await asked.source.fetch_by_keys(Selection(bound(PLAIN, lookups=[PERSON], max_requests=7), columns("record_no")), {}, key, KNOWN)
    assert len(asked.paths) == len(KNOWN)


@pytest.mark.slow
async def test_lists_of_keys_are_preferred_where_they_take_fewer_requests(asked: Asked) -> None:
    binding = bound(XML, lookups=[PERSON])
    found = await asked.source.fetch_by_keys(Selection(binding, columns("record_no")), {}, Column("id_number", Kind.STRING), KNOWN)
    assert len(found) == len(KNOWN)
    assert set(asked.paths) == {"/people.xml"}
    assert [value for name, value in asked.service.asked[0][1] if name == "id"] == KNOWN


@pytest.mark.slow
async def test_a_post_sends_typed_values_at_paths_of_its_body(asked: Asked) -> None:
    where = Every((compare("active"), compare("id_number", Comparison.IN, "ids")))
    selection = Selection(bound(SEARCH), columns("record_no"), where)
    assert await asked.source.fetch(selection, {"v": True, "ids": KNOWN}) == [(1,), (7,), (8,)]
    assert asked.service.asked == [("/search", {"fields": ["*"], "size": 4, "where": {"active": True, "ids": KNOWN}})]


@pytest.mark.slow
async def test_fixed_parameters_and_headers_are_sent(asked: Asked) -> None:
    binding = bound(PLAIN, query={"版本": "2 & 3"}, headers={"X-Region": "5201"})
    await asked.source.fetch(Selection(binding, columns("record_no"), None, (), (), "n"), {"n": 1})
    assert asked.service.asked == [("/linked", {"版本": "2 & 3"})]


@pytest.mark.slow
async def test_a_text_that_is_no_unicode_equals_nothing(asked: Asked) -> None:
    assert await asked.source.fetch(Selection(bound(DISTRICTS), columns("record_no"), compare("district")), {"v": "\ud800"}) == []
    assert asked.paths == []


@pytest.mark.slow
async def test_no_more_requests_at_once_than_half_the_pool(request: pytest.FixtureRequest, asked: Asked) -> None:
    running: list[int] = [0]
    inner = asked.service.application()

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        running.append(running[-1] + 1)
        try:
            await inner(scope, receive, send)
        finally:
            running.append(running[-1] - 1)

    with served(request, counting) as address:
        source = open_source(replace(asked.config, url=address, pool=4))
        binding = bound(PLAIN, lookups=[PERSON])
        assert len(await source.fetch_by_keys(Selection(binding, columns("name")), {}, Column("id_number", Kind.STRING), KNOWN)) == len(KNOWN)
        await source.close()
    assert max(running) <= 2


@pytest.mark.fast
def test_templates() -> None:
    assert columns_of("/a/{district}/b/{person.id}/{district}") == ("district", "person.id")
    assert fill("/区/{d}", {"d": "a b?#%&é"}) == "/%E5%8C%BA/a%20b%3F%23%25%26%C3%A9"
    assert fill("/x/{d}", {"d": True}) == "/x/true"
    assert [value for value in ("..", ".", "", "a/b", "a\\b", "\x00", "\x7f", "...", "a..b", "%2e%2e", "é") if addressable(value)] == [
        "...",
        "a..b",
        "é",
    ]
    assert fill("/{d}", {"d": "100%25"}) == "/100%2525"
    assert not addressable("%252e%252e")


@pytest.mark.fast
@pytest.mark.parametrize(
    "path", ["a", "//a", "/a/../b", "/a/./b", "/a?b", "/a#b", "/a%2e", "/a\\b", "/a/x{b}", "/a/{b}c", "/a/{}", "/a/{b", "/a/{b/c}", "/a\n"]
)
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(ValueError, match=r"must be|must begin"):
        check_path(path)
