"""Tables of PostgreSQL: filled by COPY in binary form from Arrow batches (ADBC), switched in one transaction with grants, indexes and marker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, LiteralString, cast

import psycopg
import pyarrow as pa
from adbc_driver_manager import Error as AdbcError
from psycopg import conninfo, sql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from hub.exchange.delivery.faults import DeliveryFault, foreign, unreachable
from hub.exchange.delivery.table import REHEARSED, Filling, TableTarget, created, marker_of, secret_of, sql_type
from hub.exchange.delivery.target import Go
from schema.faults import Code

_LOCK_MS = 20_000
"""How long the switch waits for readers of the old table: new ones wait behind it."""
_NO_TEXT = "22021"
"""SQLSTATE of bytes that are no text of the database's encoding. Those of Arrow are UTF-8: only U+0000 is left."""
_NAMES: Any = PGDialect_psycopg(paramstyle="named")  # type: ignore[no-untyped-call]
"""A style of parameters that leaves percent signs in names alone."""


@contextmanager
def postgres_target(filling: Filling) -> Iterator[TableTarget]:
    """A session that holds the table's lock among deliveries."""
    try:
        session = psycopg.connect(_where(filling), autocommit=True)
    except psycopg.Error:
        # libpq tells the reason in the server's words alone.
        raise unreachable(
            "目标数据库不可达或拒绝登录", "the database cannot be reached, or does not admit the hub; check address, database, user and secret"
        ) from None
    try:
        with session as connection:
            key = int(filling.key, 16) - (1 << 63)
            (held,) = _one(connection, "SELECT pg_try_advisory_lock(%s)", key)
            if not held:
                raise unreachable("另一投递正在写入该库表", "another delivery is filling the table")
            try:
                yield PostgresTarget(connection, filling)
            finally:
                # A session's end is noticed a little later.
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock(%s)", (key,))
    except (psycopg.Error, AdbcError) as fault:
        raise _told(fault) from None


def _where(filling: Filling) -> str:
    url = filling.destination.address
    more = {"sslmode": str(url.query["sslmode"])} if "sslmode" in url.query else {}
    return conninfo.make_conninfo(
        host=url.host,
        port=url.port or 5432,
        user=url.username,
        dbname=url.database,
        password=secret_of(filling.destination),
        # Nobody else's password is looked for.
        passfile="/nonexistent",
        application_name="huitong",
        connect_timeout=10,
        keepalives_idle=30,
        tcp_user_timeout=60_000,
        client_encoding="UTF8",
        options=f"-c lock_timeout={_LOCK_MS} -c TimeZone=UTC -c DateStyle=ISO",
        **more,
    )


class PostgresTarget:
    """One table."""

    def __init__(self, connection: psycopg.Connection[Any], filling: Filling) -> None:
        self._connection = connection
        self._filling = filling
        found = _one(connection, "SELECT nspname::text FROM pg_namespace WHERE nspname = coalesce(%s, current_schema())", filling.destination.options.db_schema)
        if not found:
            raise DeliveryFault(Code.SOURCE_UNAVAILABLE, "目标模式不存在", "the schema does not exist; create it, or name another in options.schema")
        self._schema: str = found[0]
        self.place = filling.place

    def there(self) -> bool:
        """By the comment that came with the table in its transaction."""
        found = self._look(self._filling.name)
        self._drop(self._filling.staging)
        return found is not None and self._filling.arrived(marker_of(found))

    def deliver(self, go: Go) -> None:
        """Staging table, COPY, count, switch."""
        columns = self._filling.schema()
        self._drop(self._filling.staging)
        self._create(columns)
        self._fill(columns, go)
        (rows,) = self._one(sql.SQL("SELECT count(*) FROM {}").format(self._named(self._filling.staging)))
        self._filling.counted(rows)
        self._run(sql.SQL("ANALYZE {}").format(self._named(self._filling.staging)))
        go(self._filling.parcel.rows, self._filling.parcel.bytes)
        with self._connection.transaction():
            self._switch()

    def discard(self) -> None:
        """What was filled, and will not be switched."""
        self._drop(self._filling.staging)

    def rehearse(self) -> None:
        """In a transaction that is rolled back."""
        found = self._look(self._filling.name)
        if found is not None and marker_of(found) is None:
            raise foreign(self._filling.name)
        with self._connection.transaction(force_rollback=True):
            self._drop(self._filling.staging)
            self._create(REHEARSED)

    def _look(self, name: str) -> str | None:
        """The comment of the table of that name, empty where it has none; ``None`` where there is no such table.

        Raises:
            DeliveryFault: it is a view, or its rows are guarded one by one.
        """
        found = _one(
            self._connection,
            "SELECT c.relkind, c.relrowsecurity, obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relname = %s",
            self._schema,
            name,
        )
        if not found:
            return None
        if found[0] not in ("r", b"r") or found[1]:
            raise foreign(name)
        return found[2] or ""

    def _drop(self, name: str) -> None:
        """Takes away what an attempt left."""
        found = self._look(name)
        if found is not None:
            if marker_of(found) is None:
                raise foreign(name)
            self._run(sql.SQL("DROP TABLE {}").format(self._named(name)))

    def _create(self, columns: pa.Schema) -> None:
        """Like the table that is there, with its indexes, where the columns are the same; else anew."""
        staging, comment = self._named(self._filling.staging), self._filling.marker("staging").text()
        with self._connection.transaction():
            if self._same(columns):
                like = "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)"
                self._run(sql.SQL(like).format(staging, self._named(self._filling.name)))
            else:
                text: Any = created(self._filling.staging, self._schema, columns, _NAMES, lambda kind: kind, "")
                self._run(sql.SQL(text))
            self._run(sql.SQL("COMMENT ON TABLE {} IS {}").format(staging, sql.Literal(comment)))

    def _same(self, columns: pa.Schema) -> bool:
        found = self._connection.execute(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (self._schema, self._filling.name),
        ).fetchall()
        wanted = [(field.name, sql_type(field.type).compile(dialect=_NAMES).lower()) for field in columns]
        return [tuple(row) for row in found] == wanted

    def _fill(self, columns: pa.Schema, go: Go) -> None:
        stopped: list[BaseException] = []

        def asking() -> Iterator[pa.RecordBatch]:
            try:
                yield from self._filling.batches(go)
            except BaseException as fault:
                stopped.append(fault)
                raise

        # It carries no types.
        dbapi: Any = import_module("adbc_driver_postgresql.dbapi")
        reader = pa.RecordBatchReader.from_batches(columns, asking())
        try:
            with dbapi.connect(_where(self._filling)) as loading, loading.cursor() as cursor:
                cursor.adbc_ingest(self._filling.staging, reader, mode="append", db_schema_name=self._schema)
                loading.commit()
        except Exception as fault:
            # The driver puts an error of its own in the place of what ended the batches.
            if stopped:
                raise stopped[0] from None
            if getattr(fault, "sqlstate", None) == _NO_TEXT:
                raise self._filling.nul() from None
            raise

    def _switch(self) -> None:
        """Within a transaction: readers see the old table until it commits, and the new one from then on."""
        name, staging, old = self._filling.name, self._named(self._filling.staging), self._named(self._filling.old)
        found = self._look(name)
        if found is not None:
            self._run(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(self._named(name)))
            self._filling.arrived(marker_of(self._look(name)))
            self._copy_grants()
            self._run(sql.SQL("ALTER TABLE {} RENAME TO {}").format(self._named(name), sql.Identifier(self._filling.old)))
        self._run(sql.SQL("ALTER TABLE {} RENAME TO {}").format(staging, sql.Identifier(name)))
        self._run(sql.SQL("COMMENT ON TABLE {} IS {}").format(self._named(name), sql.Literal(self._filling.marker().text())))
        if found is not None:
            self._run(sql.SQL("DROP TABLE {}").format(old))

    def _copy_grants(self) -> None:
        """What others may do with the old table, they may with the new one."""
        granted = self._connection.execute(
            "SELECT nullif(x.grantee, 0), pg_get_userbyid(x.grantee), x.privilege_type, x.is_grantable FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x WHERE n.nspname = %s AND c.relname = %s AND x.grantee <> c.relowner",
            (self._schema, self._filling.name),
        ).fetchall()
        for number, grantee, privilege, grantable in granted:
            self._run(
                sql.SQL("GRANT {} ON {} TO {}{}").format(
                    sql.SQL(privilege),
                    self._named(self._filling.staging),
                    sql.SQL("PUBLIC") if number is None else sql.Identifier(grantee),
                    sql.SQL(" WITH GRANT OPTION" if grantable else ""),
                )
            )

    def _named(self, name: str) -> sql.Identifier:
        return sql.Identifier(self._schema, name)

    def _run(self, statement: sql.Composable) -> None:
        self._connection.execute(cast("sql.Composed", statement))

    def _one(self, statement: sql.Composed) -> tuple[Any, ...]:
        return self._connection.execute(statement).fetchone() or ()


def _one(connection: psycopg.Connection[Any], statement: LiteralString, *values: object) -> tuple[Any, ...]:
    return connection.execute(statement, values).fetchone() or ()


def _told(fault: psycopg.Error | AdbcError) -> DeliveryFault:
    """By SQLSTATE (PostgreSQL documentation, Appendix A); the server's own texts may quote values."""
    state = fault.sqlstate or ""
    match state[:2], state:
        case "28", _:
            return DeliveryFault(Code.SOURCE_UNAVAILABLE, "目标数据库拒绝登录", "the database does not admit the hub; check user and secret")
        case "3D", _:
            return DeliveryFault(Code.SOURCE_UNAVAILABLE, "目标数据库不存在", "the database does not exist")
        case _, "3F000":
            return DeliveryFault(Code.SOURCE_UNAVAILABLE, "目标模式不存在", "the schema does not exist")
        case _, "42501":
            return DeliveryFault(
                Code.SOURCE_UNAVAILABLE, "平台账号无权建表或改表", "the hub's user may not create or change the table; grant CREATE on its schema"
            )
        case _, "2BP01":
            return DeliveryFault(
                Code.CONFLICT, "有视图等对象依赖旧表", "views or other objects depend on the old table; let them read it by a function, or take them away"
            )
        case _, "55P03":
            return unreachable("读取旧表的会话未在时限内结束", "sessions that read the old table did not end in time")
        case (("22" | "23"), _):
            return DeliveryFault(Code.SOURCE_VALUE, f"有值不能写入库表（{state}）", f"a value does not fit into the table (SQLSTATE {state})", lasting=True)
        case "53", _:
            return unreachable("目标数据库空间或连接不足", "the database is short of room or connections")
    return unreachable(f"目标数据库不可用{f'（{state}）' if state else ''}", f"the database cannot be used now{f' (SQLSTATE {state})' if state else ''}")
