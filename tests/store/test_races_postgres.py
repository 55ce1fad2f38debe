"""Two processes at once on PostgreSQL: each pair of connections stands for two nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import delete, func, select

from hub.acts import bump, revisions
from hub.catalog.problems import Refused
from hub.core import Core, initialise, open_core
from hub.exchange.store import MOST_WAITING, ExchangeStore, TooMany
from hub.exchange.tables import exchange
from hub.identity.replay import UsedOnce
from hub.pseudonyms.service import PseudonymKeyService
from hub.pseudonyms.tables import pseudonym_key
from hub.settings import Settings
from hub.sharing.registry import TokenRevocations
from hub.store.base import now
from tests.catalog.homes import CONSOLE, IMPORTER, SECURITY, publish, refused
from tests.catalog.small import SMALL, changed
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = pytest.mark.slow
T = TypeVar("T")
_AT_ONCE = 4


@pytest.fixture(scope="module")
def cores(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Core]]:
    """As many openings of one home as act at once."""
    settings = Settings(home=tmp_path_factory.mktemp("races") / "home", database=make_database(postgres, "races"))
    initialise(settings)
    made = [open_core(settings) for _ in range(_AT_ONCE)]
    publish(made[0], SMALL)
    yield made
    for core in made:
        core.close()


def at_once(work: Callable[[int], T]) -> list[T]:
    """The results of all, begun together."""
    ready = Barrier(_AT_ONCE)

    def one(number: int) -> T:
        ready.wait(10)
        return work(number)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(one, range(_AT_ONCE)))


def test_a_counter_that_is_not_there_yet_counts_all(cores: list[Core]) -> None:
    def count(number: int) -> None:
        with cores[number].engine.begin() as connection:
            bump(connection, "new")

    at_once(count)
    with cores[0].engine.connect() as connection:
        assert revisions(connection)["new"] == _AT_ONCE


def test_a_token_is_revoked_once(cores: list[Core]) -> None:
    at_once(lambda number: TokenRevocations(cores[number].engine).add("jti-1", 2**33))
    assert TokenRevocations(cores[0].engine).unexpired(0) == [("jti-1", 2**33)]
    with cores[0].engine.connect() as connection:
        assert revisions(connection)["revocations"] == 1


def test_an_assertion_is_used_once(cores: list[Core]) -> None:
    assert sorted(at_once(lambda number: UsedOnce(cores[number].engine).use("jti-2", 2**33))) == [False, False, False, True]


def test_manifests_published_at_once_are_all_in_force(cores: list[Core]) -> None:
    texts = [
        changed('code = "civil_affairs"', f'code = "office_{number}"').replace("civil_affairs.person", f"office_{number}.person") for number in range(_AT_ONCE)
    ]
    made = [cores[0].catalog.import_manifest(IMPORTER, text).id for text in texts]
    for one in made:
        cores[0].catalog.review(SECURITY, one, True, "合格")
    numbers = at_once(lambda number: cores[number].catalog.publish(SECURITY, made[number]))
    assert sorted(numbers) == list(range(2, 2 + _AT_ONCE))
    found = cores[0].catalog.current()
    assert found.number == 1 + _AT_ONCE
    assert {f"office_{number}.person" for number in range(_AT_ONCE)} < set(found.resources)


def test_a_number_that_no_import_can_have_is_not_found(cores: list[Core]) -> None:
    assert [problem.code for problem in refused(cores[0].catalog.review, SECURITY, 10**13, True, "合格")] == ["NOT_FOUND"]


def test_what_postgresql_cannot_keep_is_bad_input_and_changes_nothing(cores: list[Core]) -> None:
    made = cores[0].catalog.import_manifest(IMPORTER, SMALL)
    assert [problem.code for problem in refused(cores[0].catalog.review, SECURITY, made.id, True, "NUL \0")] == ["BAD_INPUT"]
    assert next(each["state"] for each in cores[0].catalog.manifests() if each["id"] == made.id) == "IMPORTED"


def test_exchanges_started_at_once_are_one_and_no_more_than_may_wait(cores: list[Core]) -> None:
    app = cores[0].sharing.create_application(CONSOLE, "loader", "civil_affairs", [{"code": "a", "scenario": "b", "basis": "c"}], [])

    def values(key: str, number: int) -> dict[str, object]:
        texts = dict.fromkeys(("input_sha256", "document", "variables", "format", "scopes", "plan", "policy"), "")
        return {**texts, "id": f"{key}-{number}", "application": app.client_id, "idempotency_key": key, "state": "QUEUED", "rows_done": 0} | {
            "bytes": 0,
            "snapshot": 1,
            "created_at": now(),
        }

    stores = [ExchangeStore(core.engine, f"node-{number}") for number, core in enumerate(cores)]
    same = at_once(lambda number: stores[number].add(values("same", number)))
    assert len({job.id for job, _ in same}) == 1
    assert [is_new for _, is_new in same].count(True) == 1

    def fill(number: int) -> int:
        refused = 0
        for turn in range(4):
            try:
                stores[number].add(values(f"key-{number}-{turn}", 0))
            except TooMany:
                refused += 1
        return refused

    assert sum(at_once(fill)) == 4 * _AT_ONCE - (MOST_WAITING - 1)
    with cores[0].engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(exchange)).scalar_one() == MOST_WAITING


def test_a_home_of_the_command_line_opens_beside_servers(cores: list[Core], tmp_path: Path) -> None:
    assert cores[0].settings.shared
    assert not Settings(home=tmp_path).shared


def test_versions_of_the_pseudonyms_key_are_made_by_one_node_each(cores: list[Core], tmp_path: Path) -> None:
    """Nodes with directories of their own, none of which has a key yet."""
    nodes = [PseudonymKeyService(core.engine, core.acts, tmp_path / str(number), "SM3") for number, core in enumerate(cores)]
    with cores[0].engine.begin() as connection:
        connection.execute(delete(pseudonym_key))
    at_once(lambda number: nodes[number].open())
    assert sorted(node.states()[0].here for node in nodes) == [False, False, False, True]

    def rotate(number: int) -> int | None:
        try:
            return nodes[number].rotate(CONSOLE, 0).version.number
        except Refused:
            return None

    made = [number for number in at_once(rotate) if number is not None]
    found = nodes[0].states()
    assert [each.version.number for each in found] == [*sorted(made, reverse=True), 1]
    assert len({each.version.key_id for each in found}) == len(found)
    assert all(sum(node.states()[place].here for node in nodes) == 1 for place in range(len(found)))
