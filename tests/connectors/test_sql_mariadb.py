"""MariaDB as a source: values beside the statement, indexes in use, collations that have no say, faults with their remedy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import SourceFault, SourceRefused, SourceUnavailable
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Linked, Match, Not, Order, Selection, Value
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.dialect_mysql import MysqlDialect
from connectors.sql.mysql import filled, written_out
from connectors.sql.source import SqlSource
from connectors.sql.statements import KEYS, Statements
from masking.rules import parse_mask
from tests.connectors.people import KINDS, PEOPLE
from tests.connectors.stands.mariadb import connected, execute, write_people
from tests.servers.mariadb import Mariadb, running_mariadb
from tests.servers.postgres import free_port

pytestmark = pytest.mark.anyio
STABLE = Order("id", Kind.BIGINT, nullable=False)
ID = (Column("id", Kind.BIGINT),)
NASTY = [
    "'", "''", "\\", "\\'", "' OR 1=1 -- ", "a\0b", "\x1a", "\n\r\t", '"', "`", "%_!", "?", "(/*list*/?)", "𠮷·", "\ufffe", "a ", "A", "ß", "ss", "\u00e9", "e\u0301",
]  # fmt: skip


def opened(server: Mariadb, database: str, **settings: Any) -> SqlSource:
    return SqlConnector().open(SourceConfig("city.register", "sql", server.url(database), **settings))


@asynccontextmanager
async def database(server: Mariadb, *statements: str) -> AsyncIterator[tuple[str, SqlSource]]:
    """A database of its own, what these statements make in it, and a source of it."""
    name = f"s{uuid4().hex}"
    await execute(server, f"CREATE DATABASE {name}")
    await execute(server, *statements, database=name)
    source = opened(server, name)
    try:
        yield name, source
    finally:
        await source.close()


async def ids(source: SqlSource, comparison: Comparison, value: Value | Sequence[Value], column: str = "s") -> list[Value]:
    where = Compare(column, Kind.STRING, comparison, "v")
    return [row[0] for row in await source.fetch(Selection(Binding("texts"), ID, where, (STABLE,)), {"v": value})]


@pytest.mark.slow
@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_nopad_bin"])
async def test_hostile_texts_are_values_and_compare_by_code_points(mariadb: Mariadb, collation: str) -> None:
    async with database(mariadb, f"CREATE TABLE texts (id int PRIMARY KEY, s varchar(200) COLLATE {collation}, KEY (s))") as (name, source):
        writer = await connected(mariadb, name)
        writing = await writer.prepare("INSERT INTO texts VALUES (?, ?)")
        for place, text in enumerate(NASTY):
            await writing.execute((place, text))
        await writer.ensure_closed()
        read = await source.fetch(Selection(Binding("texts"), (Column("s", Kind.STRING),), None, (Order("s", Kind.STRING), STABLE)), {})
        assert [row[0] for row in read] == sorted(NASTY)
        for place, text in enumerate(NASTY):
            assert await ids(source, Comparison.EQ, text) == [place]
            assert await ids(source, Comparison.NE, text) == [other for other in range(len(NASTY)) if other != place]
            assert await ids(source, Comparison.IN, [text, "nowhere", text]) == [place]
            assert await ids(source, Comparison.NOT_IN, [text]) == [other for other in range(len(NASTY)) if other != place]
            assert await ids(source, Comparison.STARTS_WITH, text) == [other for other, each in enumerate(NASTY) if each.startswith(text)]
            assert await ids(source, Comparison.GT, text) == [other for other, each in enumerate(NASTY) if each > text]
            match = await source.fetch(Selection(Binding("texts"), (Match("s", Kind.STRING, "v"),), None, (STABLE,)), {"v": (text, "nowhere", text)})
            assert [row[0] for row in match] == [other == place for other in range(len(NASTY))]
        found = await source.fetch_by_keys(Selection(Binding("texts"), ID), {}, Column("s", Kind.STRING), NASTY)
        assert {key: list(rows) for key, rows in found.items()} == {text: [(place,)] for place, text in enumerate(NASTY)}


@pytest.mark.slow
async def test_values_of_every_kind_come_back_as_they_were_sent(mariadb: Mariadb) -> None:
    asked: list[tuple[str, int, float]] = [("'\\\0𠮷", 2**64 - 1, 0.1), ("", -(2**63), 5e-324), ("\\", 2**53 + 1, 1.7976931348623157e308)]
    async with database(mariadb) as (_, source), source._pool.connection() as connection:
        for values in asked:
            assert list(await connection.fetch("SELECT ?, ?, ?", values)) == [values]


@pytest.mark.slow
@pytest.mark.parametrize("charset", ["latin1", "gbk", "utf8mb3", "ascii", "ucs2"])
async def test_columns_of_other_character_sets(mariadb: Mariadb, charset: str) -> None:
    """A character that the column's set does not have is in no row; it is no fault to ask for it."""
    async with database(
        mariadb, f"CREATE TABLE texts (id int, s varchar(20) CHARACTER SET {charset}, KEY (s))", "INSERT INTO texts VALUES (1, 'abc'), (2, 'x')"
    ) as (
        _,
        source,
    ):
        for absent in ("é", "中", "𠮷"):
            assert await ids(source, Comparison.EQ, absent) == []
            assert await ids(source, Comparison.NE, absent) == [1, 2]
            assert await ids(source, Comparison.IN, ["abc", absent]) == [1]
            assert await ids(source, Comparison.NOT_IN, ["abc", absent]) == [2]
            assert await ids(source, Comparison.STARTS_WITH, absent) == []
        assert await ids(source, Comparison.STARTS_WITH, "ab") == [1]


@pytest.mark.slow
async def test_texts_of_other_collations_are_linked_exactly(mariadb: Mariadb) -> None:
    statements = [
        "CREATE TABLE texts (id int, s varchar(20) COLLATE utf8mb4_general_ci)",
        "CREATE TABLE same (k varchar(20) COLLATE utf8mb4_general_ci, w int)",
        "CREATE TABLE other (k varchar(20) COLLATE utf8mb4_unicode_ci, w int)",
        "INSERT INTO texts VALUES (1, 'a'), (2, 'A'), (3, NULL), (4, 'b '), (5, 'b')",
        "INSERT INTO same VALUES ('a', 1), ('b', 1), ('c', 1), (NULL, 1), ('A', 2)",
        "INSERT INTO other SELECT * FROM same",
    ]
    async with database(mariadb, *statements) as (_, source):
        for table in ("same", "other"):
            linked = Linked("s", Kind.STRING, Binding(table), "k", Compare("w", Kind.INTEGER, Comparison.EQ, "v"))
            chosen = [await source.fetch(Selection(Binding("texts"), ID, where, (STABLE,)), {"v": 1}) for where in (linked, Not(linked))]
            assert chosen == [[(1,), (5,)], [(2,), (3,), (4,)]]


BIG = """CREATE TABLE big (id bigint PRIMARY KEY, c char(18), v varchar(30) COLLATE utf8mb4_unicode_ci, n int, d date, m decimal(14, 2), t timestamp(6) NULL,
    KEY (c), KEY (v), KEY (n), KEY (d), KEY (m), KEY (t))"""
FILL = """INSERT INTO big SELECT seq, lpad(seq, 18, '0'), concat('名', seq), seq, '1900-01-01' + INTERVAL seq DAY, seq / 100,
    '2000-01-01' + INTERVAL seq SECOND FROM seq_1_to_60000"""
SEVEN: list[tuple[str, Kind, Value]] = [
    ("id", Kind.BIGINT, 7),
    ("c", Kind.STRING, "000000000000000007"),
    ("v", Kind.STRING, "名7"),
    ("n", Kind.INTEGER, 7),
    ("d", Kind.DATE, "1900-01-08"),
    ("m", Kind.DECIMAL, "0.07"),
    ("t", Kind.DATETIME, "2000-01-01T00:00:07Z"),
]


@pytest.mark.slow
async def test_indexes_serve(mariadb: Mariadb) -> None:
    async with database(mariadb, BIG, FILL, "ANALYZE TABLE big") as (_, source):
        for column, kind, value in SEVEN:
            where = Compare(column, kind, Comparison.EQ, "v")
            single = Statements(MysqlDialect()).rows(Selection(Binding("big"), ID, where))
            several = Statements(MysqlDialect()).rows(Selection(Binding("big"), ID), Column(column, kind))
            range_ = Statements(MysqlDialect()).rows(Selection(Binding("big"), ID, Compare(column, kind, Comparison.STARTS_WITH, "v")))
            asked = [(single, {"v": value}), (several, {KEYS: [value] * 200})] + ([(range_, {"v": value})] if kind is Kind.STRING else [])
            async with source._pool.connection() as connection:
                for statement, parameters in asked:
                    ((*_, key, _length, _ref, rows, _extra),) = await connection.fetch("EXPLAIN " + statement.text, statement.arguments(parameters))
                    assert (key, int(rows) < 2000) == ("PRIMARY" if column == "id" else column, True)
            assert await source.fetch(Selection(Binding("big"), ID, where), {"v": value}) == [(7,)]


@pytest.mark.slow
async def test_ten_thousand_keys_are_one_statement(mariadb: Mariadb) -> None:
    async with database(mariadb, BIG, FILL, "ANALYZE TABLE big") as (name, source):
        start = mariadb.log.stat().st_size
        keys = [f"{number:018}" for number in range(1, 10_001)]
        found = await source.fetch_by_keys(Selection(Binding("big"), ID), {}, Column("c", Kind.STRING), keys)
        assert found == {key: [(int(key),)] for key in keys}
        assert mariadb.logged(start).count("Execute\tSELECT convert(`big`.`id`") == 1, name


@pytest.mark.fast
def test_lists_are_written_out() -> None:
    text, values = written_out("a = ? AND b IN (/*list*/?) AND c NOT IN (/*list*/?) LIMIT ?", [1, ["x", "y", "z"], [], 5])
    assert text == "a = ? AND b IN (?, ?, ?, ?) AND c NOT IN (SELECT NULL FROM DUAL WHERE FALSE) LIMIT ?"
    assert values == [1, "x", "y", "z", "z", 5]
    assert [filled(length) for length in (0, 1, 2, 3, 1000, 1024, 1025, 10_000)] == [0, 1, 2, 4, 1024, 1024, 2048, 10_240]


@pytest.mark.slow
async def test_masks_run_in_the_server_and_raw_values_stay_there(mariadb: Mariadb) -> None:
    async with database(mariadb) as (name, source):
        writer = await connected(mariadb, name)
        await write_people(writer, PEOPLE)
        await writer.ensure_closed()
        start = mariadb.log.stat().st_size
        labels = {"id_number": "ID_NUMBER_1_1", "name": "NAME"}
        rows = await source.fetch(Selection(Binding("person"), tuple(Column(each, KINDS[each], parse_mask(label)) for each, label in labels.items())), {})
        statement = next(line for line in mariadb.logged(start).splitlines() if "Prepare" in line and "`person`" in line)
        assert "substr(" in statement
        raw = {value for row in PEOPLE for value in row[1:3] if value}
        assert {value for row in rows for value in row if value}
        assert not {value for row in rows for value in row} & raw


@pytest.mark.slow
async def test_a_value_that_is_none_is_refused_without_quoting_it(mariadb: Mariadb) -> None:
    async with database(mariadb) as (name, source):
        writer = await connected(mariadb, name)
        await write_people(writer, PEOPLE)
        await writer.ensure_closed()
        wrong = [
            ("born", "secret-value"),
            ("seen", "secret-value"),
            ("amount", "secret-value"),
            ("amount", "1e400"),
            ("points", 2**64),
            ("name", "\ud800secret"),
        ]
        for column, value in wrong:
            with pytest.raises(SourceRefused) as caught:
                await source.fetch(Selection(Binding("person"), (), Compare(column, KINDS[column], Comparison.EQ, "v")), {"v": value})
            assert "secret" not in str(caught.value)
        assert await source.count(Selection(Binding("person"), ()), {}) == len(PEOPLE)


RIGHTS = [
    "CREATE TABLE open (id int)",
    "CREATE TABLE shut (id int, s text)",
    "CREATE VIEW by_definer AS SELECT id FROM shut",
    "CREATE SQL SECURITY INVOKER VIEW by_invoker AS SELECT id FROM shut",
    "CREATE VIEW broken AS SELECT s AS id FROM shut",
    "ALTER TABLE shut DROP COLUMN s",
    "CREATE DEFINER = nobody@'%' VIEW orphan AS SELECT id FROM shut",
    "CREATE FUNCTION f() RETURNS int RETURN 1",
]


@pytest.mark.slow
async def test_what_the_account_may_not_read_is_told_with_the_grant(mariadb: Mariadb) -> None:
    async with database(mariadb, *RIGHTS) as (name, _):
        user = f"u{uuid4().hex[:20]}"
        views = [f"GRANT SELECT ON {name}.{view} TO {user}@'%'" for view in ("open", "by_definer", "by_invoker", "broken", "orphan")]
        await execute(mariadb, f"CREATE USER {user}@'%'", *views)
        source = SqlConnector().open(SourceConfig("city.register", "sql", mariadb.url(name, user=user)))
        refused = {
            "shut": "grant SELECT on it to the hub's user",
            "by_invoker": "SQL SECURITY INVOKER",
            "broken": "reads what is gone",
            "orphan": "DEFINER that has SELECT",
            "missing": "if it exists; grant SELECT",
        }
        try:
            for table in ("open", "by_definer"):
                assert await source.count(Selection(Binding(table), ()), {}) == 0
            for table, message in refused.items():
                with pytest.raises(SourceRefused, match=message):
                    await source.fetch(Selection(Binding(table), ID), {})
        finally:
            await source.close()


@pytest.mark.slow
async def test_faults_of_the_connection(mariadb: Mariadb) -> None:
    await execute(mariadb, "CREATE USER IF NOT EXISTS locked@'%' IDENTIFIED BY 'pass·word'", "CREATE USER IF NOT EXISTS few@'%' WITH MAX_USER_CONNECTIONS 1")
    where = f"{mariadb.host}:{mariadb.port}"
    faults = {
        f"mysql://nobody@{where}/mysql": "does not admit the hub; check user and secret",
        f"mysql+asyncmy://locked@{where}/mysql": "does not admit the hub; check user and secret",
        f"mariadb://few@{where}/mysql": "grant SELECT on it",
        mariadb.url("nowhere"): "the database does not exist; check its name",
        f"mariadb://hub@127.0.0.1:{free_port()}/mysql": "not reachable",
        f"mariadb://hub@host.invalid:{mariadb.port}/mysql": "not reachable",
        mariadb.url("mysql") + "?ssl=require": "no TLS connection",
    }
    for url, message in faults.items():
        source = SqlConnector().open(SourceConfig("city.register", "sql", url))
        with pytest.raises(SourceUnavailable, match=message):
            await source.count(Selection(Binding("user"), ()), {})
        check = await source.check()
        assert not check.ok
        await source.close()


@pytest.mark.slow
async def test_a_secret_beyond_latin_1_and_too_many_connections(mariadb: Mariadb, monkeypatch: pytest.MonkeyPatch) -> None:
    user = f"u{uuid4().hex[:20]}"
    await execute(mariadb, f"CREATE USER {user}@'%' IDENTIFIED BY '密码·𠮷' WITH MAX_USER_CONNECTIONS 1", f"GRANT SELECT ON mysql.* TO {user}@'%'")
    monkeypatch.setenv("HUITONG_TEST_SECRET", "密码·𠮷")
    config = SourceConfig("city.register", "sql", mariadb.url("mysql", user=user), "env:HUITONG_TEST_SECRET")
    first, second = SqlConnector().open(config), SqlConnector().open(config)
    assert (await first.check()).ok
    with pytest.raises(SourceUnavailable, match="no connection left for the hub"):
        await second.count(Selection(Binding("user"), ()), {})
    await first.close()
    await second.close()


@pytest.mark.slow
async def test_a_restarted_server_is_found_again_and_a_dead_one_is_told() -> None:
    source = None
    with running_mariadb() as server:
        source = opened(server, "mysql")
        selection = Selection(Binding("user"), ())
        known = await source.count(selection, {})
        for (thread,) in await execute(server, "SELECT id FROM information_schema.processlist WHERE db = 'mysql'"):
            await execute(server, f"KILL {thread}")
        assert await source.count(selection, {}) == known
    with pytest.raises(SourceFault) as caught:
        await source.count(selection, {})
    assert isinstance(caught.value, SourceUnavailable)
    await source.close()


@pytest.mark.slow
async def test_columns_that_do_not_exist_are_refused(mariadb: Mariadb) -> None:
    async with database(mariadb, "CREATE TABLE texts (id int, `q``uote ?` int)", "INSERT INTO texts VALUES (1, 2)") as (_, source):
        for name in ("nothing", "order", "q`uote"):
            with pytest.raises(SourceRefused, match="does not exist"):
                await source.fetch(Selection(Binding("texts"), (Column(name, Kind.STRING),)), {})
        odd = Selection(Binding("texts"), (Column("q`uote ?", Kind.INTEGER),), Compare("id", Kind.BIGINT, Comparison.IN, "v"))
        assert await source.fetch(odd, {"v": [1, 2, 3]}) == [(2,)]
        with pytest.raises(SourceRefused, match="does not exist"):
            await source.describe(Binding("𠮷"))


@pytest.mark.slow
async def test_objects_are_listed_with_keys_and_kinds(mariadb: Mariadb) -> None:
    statements = [
        "CREATE TABLE person (id bigint unsigned PRIMARY KEY COMMENT '编号', tax char(18) UNIQUE, active tinyint(1), paid decimal(10, 0), doc blob) COMMENT '人'",
        "CREATE TABLE house (no int, owner bigint unsigned, KEY (owner, no), FOREIGN KEY (owner) REFERENCES person (id))",
        "CREATE VIEW grown AS SELECT id, tax FROM person",
    ]
    async with database(mariadb, *statements) as (_, source):
        grown, house, person = await source.objects()
        assert [(each.binding.object, each.view) for each in (grown, house, person)] == [("grown", True), ("house", False), ("person", False)]
        assert (person.comment, person.primary_key, person.unique_keys, person.indexed) == ("人", ("id",), (("tax",),), ("id", "tax"))
        assert [column.kind for column in person.columns] == [Kind.DECIMAL, Kind.STRING, Kind.BOOLEAN, Kind.BIGINT, None]
        assert (person.columns[0].comment, person.columns[0].nullable) == ("编号", False)
        (foreign,) = house.foreign_keys
        assert (foreign.columns, foreign.to_object, foreign.to_columns) == (("owner",), "person", ("id",))
        assert list(await source.describe(Binding("grown"))) == list(grown.columns)


@pytest.fixture
def keys() -> Iterator[tuple[Path, Path]]:
    """A key and its certificate for db.example, where the server's user can read them."""
    with TemporaryDirectory() as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "certificate.pem"
        Path(folder).chmod(0o755)
        write_certificate(key, certificate, "db.example")
        yield key, certificate


@pytest.mark.slow
async def test_tls_is_used_and_checked(keys: tuple[Path, Path]) -> None:
    key, certificate = keys
    with running_mariadb(f"--ssl-cert={certificate}", f"--ssl-key={key}", "--require-secure-transport=on") as server:
        outcomes = {
            "": "whether it wants TLS",
            "?ssl=require": "",
            f"?ssl=verify-ca&ssl_ca={certificate}": "",
            "?ssl=verify-ca": "no TLS connection",
            f"?ssl=verify-full&ssl_ca={certificate}": "no TLS connection",
        }
        for query, message in outcomes.items():
            source = SqlConnector().open(SourceConfig("city.register", "sql", server.url("mysql") + query))
            check = await source.check()
            assert (check.ok, message in check.message) == (not message, True), (query, check)
            if check.ok:
                async with source._pool.connection() as connection:
                    assert (await connection.fetch("SHOW STATUS LIKE 'Ssl_cipher'", []))[0][1]
            await source.close()


def write_certificate(key: Path, certificate: Path, name: str) -> None:
    """A certificate that its own key signed, for a server of this name."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    for path in (key, certificate):
        path.chmod(0o644)
