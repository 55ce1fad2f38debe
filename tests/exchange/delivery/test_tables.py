"""Delivery into a table: readers see the old rows or the new ones, whole; nobody else's table is touched; what is left behind is taken away."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub.exchange.delivery import mariadb_session, table_sqlite
from hub.exchange.delivery.checks import check_place
from hub.exchange.delivery.faults import DeliveryFault, Interrupted
from tests.exchange.delivery.databases import Database, mariadb_database, postgres_database, sqlite_database
from tests.exchange.delivery.parcels import HOSTILE, bring, destination, parcel, stopping_at
from tests.servers.mariadb import Mariadb, running_mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.slow
NAME = "人口 100% \"a\" `b` 'c'; --"


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_database(tmp_path)
    making: Any = {"postgres": postgres_database, "mariadb": mariadb_database}[request.param]
    made: Database = making(request.getfixturevalue(request.param), tmp_path)
    return made


def refused(where: Any, what: Any, root: Path) -> DeliveryFault:
    with pytest.raises(DeliveryFault) as fault:
        bring(where, what, root)
    return fault.value


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_every_row_and_value_arrives_once(tmp_path: Path, database: Database, suffix: str) -> None:
    where, what = database.table(NAME), parcel(tmp_path, count=1500, suffix=suffix)
    assert bring(where, what, tmp_path)
    assert not bring(where, what, tmp_path)
    assert database.tables() == {NAME}
    found = database.ask(f"SELECT id, name, ok, ratio, born, at, owner_name, owner_no FROM {database.named(NAME)} ORDER BY id")
    assert [row[0] for row in found] == list(range(3000))
    assert [row[1] for row in found] == [f"{HOSTILE}{n}" for n in range(3000)]
    assert [(bool(row[2]), row[3], row[6], row[7]) for row in found[:2]] == [(True, 0.0, None, None), (False, 0.125, "o1", 1)]
    assert [str(row[4]) for row in found[:3]] == ["None", "1990-01-02", "1990-01-03"]
    assert str(found[1][5]).replace("T", " ").startswith("2026-11-01 08:30:01.250000")


def test_an_exchange_without_rows_empties_the_table(tmp_path: Path, database: Database) -> None:
    where = database.table("people")
    bring(where, parcel(tmp_path), tmp_path)
    assert bring(where, parcel(tmp_path, "exchange_b", count=0, files=1, day=2), tmp_path)
    assert [tuple(row) for row in database.ask("SELECT count(*) FROM people")] == [(0,)]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_texts_with_nul_are_told_by_their_columns(tmp_path: Path, postgres: Postgres, suffix: str) -> None:
    """PostgreSQL has no U+0000 in texts: whoever reads the reason learns where it is, and what to do."""
    database = postgres_database(postgres, tmp_path)
    what = parcel(tmp_path, suffix=suffix, owner="a\0b")
    fault = refused(database.table("people"), what, tmp_path)
    assert (fault.code.value, fault.lasting) == ("SOURCE_VALUE", True)
    assert all("owner_name" in told and "U+0000" in told for told in (fault.zh, fault.en))
    assert "name, " not in fault.en


def test_newer_replaces_older_and_not_the_other_way(tmp_path: Path, database: Database) -> None:
    where = database.table("people")
    old, new = parcel(tmp_path, "exchange_a", day=1), parcel(tmp_path, "exchange_b", first=1000, day=2)
    assert bring(where, old, tmp_path)
    assert bring(where, new, tmp_path)
    assert [tuple(row) for row in database.ask("SELECT min(id), max(id), count(*) FROM people")] == [(1000, 1099, 100)]
    fault = refused(where, old, tmp_path)
    assert (fault.code.value, fault.lasting) == ("CONFLICT", True)
    assert "exchange_b" in fault.en
    assert database.tables() == {"people"}


@pytest.mark.parametrize("what", ["TABLE people (id INTEGER)", "VIEW people AS SELECT 1 AS id"])
def test_what_others_made_is_not_touched(tmp_path: Path, database: Database, what: str) -> None:
    database.ask(f"CREATE {what}", "SELECT 1")
    fault = refused(database.table("people"), parcel(tmp_path), tmp_path)
    assert (fault.code.value, fault.lasting) == ("CONFLICT", True)
    assert len(database.ask("SELECT * FROM people")) == ("VIEW" in what)


def test_nor_what_others_made_in_the_place_of_the_hubs_table(tmp_path: Path, database: Database) -> None:
    """Not even where it has the same columns and rows."""
    where, old = database.table("people"), parcel(tmp_path)
    assert bring(where, old, tmp_path)
    database.ask("CREATE TABLE own AS SELECT * FROM people", "SELECT 1")
    database.ask("DROP TABLE people", "SELECT 1")
    database.ask("ALTER TABLE own RENAME TO people", "SELECT 1")
    for what in (old, parcel(tmp_path, "exchange_b", first=1000, day=2)):
        fault = refused(where, what, tmp_path)
        assert (fault.code.value, fault.lasting) == ("CONFLICT", True)
        assert "was not made by the hub" in fault.en
    assert [tuple(row) for row in database.ask("SELECT min(id), count(*) FROM people")] == [(0, 100)]


@pytest.mark.parametrize("calls", [0, 1, 3, 4])
def test_what_is_interrupted_shows_nothing_and_is_completed(tmp_path: Path, database: Database, calls: int) -> None:
    where = database.table("people")
    bring(where, parcel(tmp_path, "exchange_a", count=10), tmp_path)
    new = parcel(tmp_path, "exchange_b", first=500, count=2500, day=2)
    with pytest.raises(Interrupted):
        bring(where, new, tmp_path, stopping_at(calls, Interrupted))
    assert [tuple(row) for row in database.ask("SELECT min(id), count(*) FROM people")] == [(0, 20)]
    assert database.tables() == {"people"}
    assert bring(where, replace(new, attempt=2), tmp_path)
    assert [tuple(row) for row in database.ask("SELECT min(id), count(*), count(DISTINCT id) FROM people")] == [(500, 5000, 5000)]
    assert database.tables() == {"people"}


def test_readers_see_the_old_rows_or_the_new_ones(tmp_path: Path, database: Database) -> None:
    """Every reading finds rows of one exchange alone, all of them, while one replaces the other."""
    where = database.table("people")
    parcels = [parcel(tmp_path, f"exchange_{n}", first=1000 * n, count=100 + n, files=1, day=1 + n) for n in range(12)]
    bring(where, parcels[0], tmp_path)
    seen: set[tuple[int, int]] = set()
    done = threading.Event()

    def read() -> None:
        with database.session() as run:
            while not done.is_set():
                ((first, rows),) = run("SELECT min(id), count(*) FROM people")
                seen.add((first, rows))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for each in parcels[1:]:
            assert bring(where, each, tmp_path)
    finally:
        done.set()
        reader.join()
    assert seen <= {(1000 * n, 100 + n) for n in range(12)}
    assert len(seen) > 1


def test_the_consumers_indexes_stay(tmp_path: Path, database: Database) -> None:
    where = database.table("people")
    bring(where, parcel(tmp_path), tmp_path)
    database.ask("CREATE INDEX by_number ON people (id)", "SELECT 1")
    for n in (1, 2):
        bring(where, parcel(tmp_path, f"exchange_{n}", day=1 + n), tmp_path)
    asked = {
        "postgres": "SELECT indexdef FROM pg_indexes WHERE tablename = 'people'",
        "mariadb": "SHOW INDEX FROM people",
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'people'",
    }
    assert len(database.ask(asked[database.kind])) == 1


def test_other_columns_are_taken_as_they_come(tmp_path: Path, database: Database) -> None:
    import hashlib

    from pyarrow import parquet

    where = database.table("people")
    bring(where, parcel(tmp_path), tmp_path)
    what = parcel(tmp_path, "exchange_b", files=1, day=2)
    path = what.folder / what.files[0].name
    parquet.write_table(parquet.read_table(path).select(["name", "id"]), path)
    raw = path.read_bytes()
    what = replace(what, files=(replace(what.files[0], bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest()),))
    assert bring(where, what, tmp_path)
    assert len(database.ask("SELECT * FROM people")[0]) == 2


def test_rows_are_counted_before_they_are_shown(tmp_path: Path, database: Database) -> None:
    what = parcel(tmp_path, files=1)
    short = replace(what, files=(replace(what.files[0], rows=49),))
    assert refused(database.table("people"), short, tmp_path).code.value == "INTERNAL"
    assert "people" not in database.tables()


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_a_file_that_is_not_what_the_manifest_says_fills_no_table(tmp_path: Path, database: Database, suffix: str) -> None:
    what = parcel(tmp_path, suffix=suffix)
    other = parcel(tmp_path, "exchange_b", owner="p", suffix=suffix)
    (other.folder / other.files[1].name).replace(what.folder / what.files[1].name)
    fault = refused(database.table("people"), what, tmp_path)
    assert (fault.code.value, fault.lasting) == ("INTERNAL", True)
    assert what.files[1].name in fault.en
    assert "people" not in database.tables()


def test_a_format_without_types_is_refused(tmp_path: Path, database: Database) -> None:
    assert refused(database.table("people"), replace(parcel(tmp_path), format="CSV"), tmp_path).code.value == "BAD_INPUT"


def test_two_deliveries_into_one_table_wait_for_each_other(tmp_path: Path, database: Database) -> None:
    where = database.table("people")

    def other(_rows: int, _sent: int) -> None:
        fault = refused(where, parcel(tmp_path, "exchange_b"), tmp_path)
        assert ("another delivery" in fault.en, fault.lasting) == (True, False)
        raise Interrupted

    with pytest.raises(Interrupted):
        bring(where, parcel(tmp_path), tmp_path, other)


def test_a_database_file_that_became_a_link_is_refused(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path)
    where = database.table("people")
    (tmp_path / "root").mkdir()
    fault = refused(where, parcel(tmp_path), tmp_path / "root")
    assert "allowed roots" in fault.en
    (tmp_path / "root" / "tables.db").symlink_to(tmp_path / "tables.db")
    linked = destination(tmp_path, kind="table", url=f"sqlite:///{tmp_path}/root/tables.db", options={"table": "people"})
    assert "allowed roots" in refused(linked, parcel(tmp_path), tmp_path / "root").en
    assert database.ask("SELECT name FROM sqlite_master") == []


def test_grants_stay_and_rows_that_are_guarded_are_left_alone(tmp_path: Path, postgres: Any) -> None:
    database = postgres_database(postgres, tmp_path)
    where = database.table("people", schema="received")
    user = f"clerk_{database.url.rpartition('_')[2]}"
    database.ask(f"CREATE ROLE {user}", "CREATE SCHEMA received", "SELECT 1")
    bring(where, parcel(tmp_path), tmp_path)
    database.ask(f"GRANT SELECT, UPDATE ON received.people TO {user}", "GRANT SELECT ON received.people TO PUBLIC", "SELECT 1")
    bring(where, parcel(tmp_path, "exchange_b", day=2), tmp_path)
    granted = database.ask(
        "SELECT grantee, privilege_type FROM information_schema.role_table_grants WHERE table_name = 'people' AND grantee <> 'postgres' ORDER BY 1, 2"
    )
    assert [tuple(row) for row in granted] == [("PUBLIC", "SELECT"), (user, "SELECT"), (user, "UPDATE")]
    database.ask("ALTER TABLE received.people ENABLE ROW LEVEL SECURITY", "SELECT 1")
    assert refused(where, parcel(tmp_path, "exchange_c", day=3), tmp_path).code.value == "CONFLICT"


def test_a_view_on_the_table_is_told_of(tmp_path: Path, postgres: Any) -> None:
    database = postgres_database(postgres, tmp_path)
    bring(database.table("people"), parcel(tmp_path), tmp_path)
    database.ask("CREATE VIEW adults AS SELECT id FROM people", "SELECT 1")
    fault = refused(database.table("people"), parcel(tmp_path, "exchange_b", day=2), tmp_path)
    assert "views or other objects depend" in fault.en
    assert len(database.ask("SELECT * FROM adults")) == 100


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_check_of_the_consumers_that_rows_fail_is_told_once_and_for_all(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    making: Any = {"postgres": postgres_database, "mariadb": mariadb_database}[kind]
    database: Database = making(request.getfixturevalue(kind), tmp_path)
    bring(database.table("people"), parcel(tmp_path), tmp_path)
    database.ask("ALTER TABLE people ADD CONSTRAINT few CHECK (id < 500)", "SELECT 1")
    fault = refused(database.table("people"), parcel(tmp_path, "exchange_b", first=500, day=2), tmp_path)
    assert (fault.code.value, fault.lasting) == ("SOURCE_VALUE", True)
    assert database.tables() == {"people"}


def test_a_reader_of_a_file_without_a_log_leaves_no_staging_table_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_sqlite, "_BUSY_SECONDS", 0.2)
    database = sqlite_database(tmp_path)
    database.ask("PRAGMA journal_mode = DELETE", "SELECT 1")
    where, new = database.table("people"), parcel(tmp_path, "exchange_b", first=500, count=2500, day=2)
    bring(where, parcel(tmp_path), tmp_path)
    discard = table_sqlite.SqliteTarget.discard
    with database.session() as reader:
        seen = iter(range(10))

        def reading(_rows: int, _sent: int) -> None:
            if next(seen) == 1:
                reader("BEGIN")
                assert reader("SELECT count(*) FROM people") == [(100,)]

        def then_discard(target: table_sqlite.SqliteTarget) -> None:
            reader("COMMIT")
            discard(target)

        monkeypatch.setattr(table_sqlite.SqliteTarget, "discard", then_discard)
        with pytest.raises(DeliveryFault, match="somebody else holds the database file"):
            bring(where, new, tmp_path, reading)
    assert database.tables() == {"people"}
    assert bring(where, new, tmp_path)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_foreign_keys_on_the_table_are_told_of_before_anything_changes(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    making: Any = {"postgres": postgres_database, "mariadb": mariadb_database}[kind]
    database: Database = making(request.getfixturevalue(kind), tmp_path)
    where, new = database.table("people"), parcel(tmp_path, "exchange_b", first=1000, day=2)
    bring(where, parcel(tmp_path), tmp_path)
    database.ask(
        "ALTER TABLE people ADD PRIMARY KEY (id)",
        "CREATE TABLE visit (person bigint, CONSTRAINT of_person FOREIGN KEY (person) REFERENCES people (id))",
        "INSERT INTO visit VALUES (1)",
        "SELECT 1",
    )
    for _ in range(2):
        fault = refused(where, new, tmp_path)
        assert (fault.code.value, fault.lasting) == ("CONFLICT", False)
        assert "old table" in fault.en
        assert [tuple(row) for row in database.ask("SELECT min(id), count(*) FROM people")] == [(0, 100)]
    database.ask("ALTER TABLE visit DROP CONSTRAINT of_person", "SELECT 1")
    assert bring(where, new, tmp_path)
    assert database.tables() == {"people", "visit"}


def test_a_foreign_key_that_the_hub_may_not_see_leaves_the_old_table_as_well(tmp_path: Path, mariadb: Mariadb) -> None:
    """Of another database of the server's, on which the destination's user has no privilege."""
    database = mariadb_database(mariadb, tmp_path)
    own, other, user = (f"{part}_{uuid4().hex[:12]}" for part in ("own", "other", "user"))
    database.ask(
        f"CREATE DATABASE {own}",
        f"CREATE DATABASE {other}",
        f"CREATE USER {user}@'%'",
        f"GRANT CREATE, DROP, ALTER, INSERT, SELECT ON {own}.* TO {user}@'%'",
        "SELECT 1",
    )
    where = destination(tmp_path, kind="table", url=f"mariadb://{user}@{mariadb.host}:{mariadb.port}/{own}", options={"table": "people"})
    bring(where, parcel(tmp_path), tmp_path)
    visit = f"CREATE TABLE {other}.visit (person bigint, CONSTRAINT of_person FOREIGN KEY (person) REFERENCES {own}.people (id))"
    database.ask(f"ALTER TABLE {own}.people ADD PRIMARY KEY (id)", visit, f"INSERT INTO {other}.visit VALUES (1)", "SELECT 1")
    new = parcel(tmp_path, "exchange_b", first=1000, day=2)
    for _ in range(2):
        assert refused(where, new, tmp_path).code.value == "CONFLICT"
        assert [tuple(row) for row in database.ask(f"SELECT min(id), count(*) FROM {own}.people")] == [(0, 100)]
        assert [tuple(row) for row in database.ask(f"SHOW TABLES FROM {own}")] == [("people",)]
    database.ask(f"ALTER TABLE {other}.visit DROP CONSTRAINT of_person", "SELECT 1")
    assert bring(where, new, tmp_path)


def test_a_schema_that_is_not_there_is_told_of_by_the_check(tmp_path: Path, postgres: Postgres) -> None:
    database = postgres_database(postgres, tmp_path)
    check_place(database.table("people"), (str(tmp_path),))
    with pytest.raises(DeliveryFault, match=r"schema does not exist; .* options\.schema"):
        check_place(database.table("people", schema="nowhere"), (str(tmp_path),))


@pytest.mark.parametrize("held", ["SELECT, INSERT", "SELECT, INSERT, CREATE, ALTER"])
def test_rights_that_a_delivery_lacks_are_told_of_by_the_check_in_mariadb(tmp_path: Path, mariadb: Mariadb, held: str) -> None:
    database = mariadb_database(mariadb, tmp_path)
    own, user = database.where["database"], f"weak_{len(held)}"
    database.ask(f"CREATE USER {user}@'%'", f"GRANT {held} ON {own}.* TO {user}@'%'", "SELECT 1")
    where = destination(tmp_path, kind="table", url=mariadb.url(own, user=user), options={"table": "people"})
    with pytest.raises(DeliveryFault, match="grant CREATE, DROP, ALTER, INSERT and SELECT"):
        check_place(where, (str(tmp_path),))
    database.ask(f"GRANT CREATE, DROP, ALTER ON {own}.* TO {user}@'%'", "SELECT 1")
    check_place(where, (str(tmp_path),))
    assert database.tables() == set()


def test_rights_that_a_delivery_lacks_are_told_of_by_the_check_in_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    database = postgres_database(postgres, tmp_path)
    database.ask("DROP ROLE IF EXISTS weak", "CREATE ROLE weak LOGIN", "CREATE SCHEMA taken", "GRANT USAGE ON SCHEMA taken TO weak", "SELECT 1")
    where = destination(tmp_path, kind="table", url=database.url.replace("//postgres@", "//weak@"), options={"table": "people", "schema": "taken"})
    with pytest.raises(DeliveryFault, match="grant CREATE on its schema"):
        check_place(where, (str(tmp_path),))
    database.ask("GRANT CREATE ON SCHEMA taken TO weak", "SELECT 1")
    check_place(where, (str(tmp_path),))
    assert [tuple(row) for row in database.ask("SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'taken'")] == [(0,)]


def test_what_others_made_is_told_of_by_the_check_and_the_hubs_own_table_is_not(tmp_path: Path, database: Database) -> None:
    where = database.table("people")
    check_place(where, (str(tmp_path),))
    assert database.tables() == set()
    assert bring(where, parcel(tmp_path, files=1), tmp_path)
    check_place(where, (str(tmp_path),))
    assert database.tables() == {"people"}
    database.ask("CREATE TABLE others (id INTEGER)", "SELECT 1")
    with pytest.raises(DeliveryFault) as fault:
        check_place(database.table("others"), (str(tmp_path),))
    assert fault.value.code.value == "CONFLICT"
    assert database.tables() == {"people", "others"}


def test_what_a_server_takes_at_once_bounds_a_statement(tmp_path: Path) -> None:
    with running_mariadb("--max-allowed-packet=1M") as server:
        database = mariadb_database(server, tmp_path)
        assert bring(database.table("wide"), parcel(tmp_path, count=300, files=1, owner="汉" * 3000), tmp_path)
        assert [tuple(row) for row in database.ask("SELECT count(*), max(length(owner_name)) FROM wide")] == [(300, 9003)]
        fault = refused(database.table("wider"), parcel(tmp_path, "exchange_b", count=2, files=1, owner="x" * 2_000_000), tmp_path)
    assert (fault.lasting, "max_allowed_packet" in fault.zh, "max_allowed_packet" in fault.en) == (False, True, True)


def test_a_server_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mariadb_session, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mariadb://hub@127.0.0.1:{silent.getsockname()[1]}/x"
        fault = refused(destination(tmp_path, kind="table", url=url, options={"table": "people"}), parcel(tmp_path), tmp_path)
    assert (fault.code.value, fault.lasting) == ("SOURCE_UNAVAILABLE", False)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_wrong_places_are_told_without_secret_and_address(tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_SECRET", "hunter2")
    server: Any = request.getfixturevalue(kind)
    scheme = "postgresql" if kind == "postgres" else "mariadb"
    reasons = []
    for user, place, secret in (
        ("nobody", f"127.0.0.1:{server.port}/nowhere", "env:TABLE_SECRET"),
        (server.user, "127.0.0.1:9/x", "env:TABLE_SECRET"),
        (server.user, "127.0.0.1:9/x", "env:NOT_SET"),
    ):
        where = destination(tmp_path, kind="table", url=f"{scheme}://{user}@{place}", secret=secret, options={"table": "people"})
        fault = refused(where, parcel(tmp_path), tmp_path)
        assert not fault.lasting
        reasons.append(fault.reason)
    assert ["does not admit the hub" in reasons[0], "database cannot be" in reasons[1], "secret cannot be read" in reasons[2]] == [True] * 3
    assert not any(word in reason for reason in reasons for word in ("hunter2", "127.0.0.1", "NOT_SET", "TABLE_SECRET", "nobody"))
