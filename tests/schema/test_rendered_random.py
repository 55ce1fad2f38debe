"""Documents over PostgreSQL that writes lists itself, against the hub that writes them and against the reference: the same bytes, errors and entries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from auth.decide import Rights
from auth.rights import GrantItem, GrantTerms, OpenClass, Operation, SharingClass, Shown
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from hub.api.prepared import Prepared
from schema import run as running_module
from schema.answer import Answer
from schema.delivery import delivered
from schema.documents import Document, Documents, InvalidDocument
from schema.model import Department, Item, Resource, Snapshot
from schema.reader import Reader
from schema.rendered import TextPage, read_text_page
from schema.run import Run, run_departments
from schema.view import View
from tests.connectors.hostile import FRAGMENTS
from tests.schema.dice import SEED, Dice
from tests.schema.running import CALLER, WIDE, Hub
from tests.schema.test_reference_whole import told
from tests.schema.worlds import MASKS, PURPOSE, VALUES, World, make_rights
from tests.schema.writing import Writer
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
_asyncpg: Any = asyncpg
KINDS = {
    "name": (Kind.STRING, "text"),
    "note": (Kind.STRING, "text"),
    "serial_no": (Kind.STRING, "text"),
    "flag": (Kind.BOOLEAN, "boolean"),
    "small": (Kind.INTEGER, "bigint"),
    "large": (Kind.BIGINT, "numeric(25)"),
    "amount": (Kind.DECIMAL, "numeric"),
    "ratio": (Kind.FLOAT, "double precision"),
    "since": (Kind.DATE, "date"),
    "at": (Kind.DATETIME, "timestamptz"),
}
ODD: dict[str, tuple[str, ...]] = {
    "small": (str(2**31), str(-(2**40))),
    "large": (str(2**63), str(10**20)),
    "amount": ("NaN", "1e30"),
    "ratio": ("Infinity", "NaN", "-0"),
    "since": ("infinity", "0044-03-15 BC", "20000-01-01"),
    "at": ("-infinity", "infinity", "0044-03-15 BC"),
}
"""What PostgreSQL keeps in such columns and GraphQL's types do not hold, or hardly."""
CODE = "housing.thing"


@dataclass
class Stand:
    """Two hubs over one table: one whose source writes lists, one that writes them itself."""

    world: World
    by_source: Hub
    by_hub: Hub


def resource(dice: Dice, table: str) -> Resource:
    """The table, with rules of masking as drawn."""
    items = {}
    for code, (kind, _) in KINDS.items():
        labels = (None, None, None, *MASKS.get(kind, ("NULL",)))
        items[code] = Item(code, code, kind, f"c_{code}", filterable=dice.chance(70), share_mask=dice.pick(labels), open_mask=dice.pick(labels))
    classes = (SharingClass.UNCONDITIONAL, OpenClass.OPEN) if dice.chance(30) else (SharingClass.CONDITIONAL, OpenClass.CLOSED)
    return Resource(
        code=CODE,
        department="housing",
        name="事物",
        plural="things",
        source="housing.db",
        binding=Binding(table),
        identifiers=("serial_no",),
        stable_key="pk",
        stable_kind=Kind.BIGINT,
        items=items,
        level="PUBLIC",
        cohort=dice.pick((1, 2)),
        sharing_class=classes[0],
        open_class=classes[1],
        operations=frozenset({Operation.QUERY, Operation.VERIFY}),
    )


def drawn_rows(dice: Dice) -> list[dict[str, Any]]:
    """Rows as they are stored, by column; numbers of the register unlike each other."""
    texts = [*(text for text in (*VALUES[Kind.STRING], *FRAGMENTS) if "\0" not in text)]
    made = []
    for number in range(dice.pick((0, 1, 12, 30, 30))):
        row: dict[str, Any] = {"pk": number}
        for code, (kind, _) in KINDS.items():
            choices = texts if kind is Kind.STRING else VALUES[kind]
            row[f"c_{code}"] = None if dice.chance(15) else dice.pick(choices)
        row["c_serial_no"] = f"{number}-{dice.pick(texts)[:20]}"
        made.append(row)
    return made


async def stored(dice: Dice, connection: Any, rows: list[dict[str, Any]]) -> str:
    """A table of the rows; of some values another one is stored."""
    table = f"thing_{uuid4().hex}"
    columns = {f"c_{code}": type_ for code, (_, type_) in KINDS.items()}
    await connection.execute(f"CREATE TABLE {table} (pk bigint, {', '.join(f'{name} {type_}' for name, type_ in columns.items())})")
    places = ", ".join(f"${i + 2}::text::{type_}" for i, type_ in enumerate(columns.values()))
    odd = dice.chance(50)
    for row in rows:
        values = [None if row[name] is None else str(row[name]) for name in columns]
        for place, name in enumerate(columns):
            if odd and name[2:] in ODD and dice.chance(12):
                values[place] = dice.pick(ODD[name[2:]])
        await connection.execute(f"INSERT INTO {table} VALUES ($1, {places})", row["pk"], *values)
    return table


async def made_stand(dice: Dice, connection: Any, url: str) -> Stand:
    """A table, and its hubs."""
    rows = drawn_rows(dice)
    found = resource(dice, await stored(dice, connection, rows))
    hubs = []
    for rendering in ("source", "hub"):
        config = SourceConfig("housing.db", "sql", url, rendering=rendering)
        hubs.append(Hub(Snapshot(1, {"housing": Department("housing", "housing")}, {config.code: config}, {CODE: found})))
    return Stand(World(hubs[0].snapshot, {CODE: rows}), *hubs)


async def asked(hub: Hub, view: View, text: str, given: dict[str, Any]) -> tuple[bytes, Any, Any]:
    """What leaves, its errors, and what the ledger is told: in an order of its own, since lists that are read side by side end in any."""
    document = Documents(WIDE).check(text, view)
    prepared = Prepared(view, document, document.operation(None), hub.plans)
    variables = prepared.variables(given)
    plan, answer = prepared.plan(variables), Answer()
    found = await run_departments(plan, Run(hub.source, hub.cursors, CALLER, variables), answer)
    answer.data = {key: found.get(key, "Query") for key in plan.order}
    data = delivered(plan, answer)
    accesses = [(code, what, sorted(map(repr, each.uses)), each.rows, sorted(map(str, each.subjects))) for (code, what), each in answer.accesses.items()]
    return data, told(answer.errors), (accesses, dict(answer.masking))


async def check(dice: Dice, stand: Stand, counted: Counter[str]) -> None:
    """One caller's document, first without cursors, then with those that were given out."""
    rights = make_rights(dice, stand.world)
    writer = Writer(dice, stand.world, stand.by_source.view(rights), aggregates=False)
    text = writer.document()
    if text is None:
        return
    stand.by_hub.cursors.sealed.clear()
    cursors: list[str | None] = [None]
    for turn in range(3):
        given = writer.variables | dict.fromkeys(writer.cursors, cursors[min(turn, len(cursors) - 1)])
        left = await asked(stand.by_source, stand.by_source.view(rights), text, given)
        right = await asked(stand.by_hub, stand.by_hub.view(rights), text, given)
        assert left == right, f"HYPOTHESIS_SEED={SEED}\n{text}\n{given}"
        view = stand.by_hub.view(rights)
        document = Documents(WIDE).check(text, view)
        reference = await stand.by_hub.referred(Document.of(text, document.node, document.schema), given)
        assert left[0] == orjson.dumps(reference.data), f"HYPOTHESIS_SEED={SEED}\n{text}\n{given}"
        counted["documents"] += 1
        counted["with errors"] += bool(left[1])
        cursors = [None, *dict.fromkeys(stand.by_hub.cursors.sealed)]
        if not writer.cursors or len(cursors) == 1:
            return


def everything() -> Rights:
    """A grant of all items in clear."""
    items = tuple(GrantItem(code, Shown.CLEAR) for code in KINDS)
    terms = GrantTerms("grant-all", CODE, frozenset({Operation.QUERY}), items, None, (PURPOSE,), False, False, 1000, "approver")
    return Rights("all", "housing", frozenset({"query:unconditional", f"query:{CODE}"}), (PURPOSE,), {CODE: terms})


async def check_plainest(dice: Dice, stand: Stand) -> None:
    """Lists of everything that can be seen, for the first callers who see any."""
    seen = 0
    for _ in range(200):
        rights = make_rights(dice, stand.world) if seen else everything()
        faces = stand.by_source.view(rights).faces
        if not faces.departments or "things" not in (known := faces.department("housing")):
            continue
        names = " ".join(["__typename", *(name for name in known["things"][1].fields if seen % 3 == 2 or name not in ODD)])
        text = f"{{ housing {{ things(first: {dice.pick((1, 3, 1000, 1000))}) {{ nodes {{ {names} }} }} }} }}"
        try:
            both = [await asked(hub, hub.view(rights), text, {}) for hub in (stand.by_source, stand.by_hub)]
        except InvalidDocument:
            continue
        finally:
            seen += 1
        assert both[0] == both[1], f"HYPOTHESIS_SEED={SEED}\n{text}"
        if seen == 6:
            return


async def test_lists_as_postgresql_writes_them_are_the_hubs_whatever_is_asked(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[str] = Counter()

    async def read(listed: Any, reader: Reader) -> TextPage | None:
        found = await read_text_page(listed, reader)
        counted["written" if found is not None else "given back"] += 1
        return found

    monkeypatch.setattr(running_module, "read_text_page", read)
    connection = await _asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        for number in range(3):
            dice = Dice(Random(f"{SEED} {number}"))
            stand = await made_stand(dice, connection, postgres.url())
            try:
                for _ in range(5):
                    await check(dice, stand, counted)
                await check_plainest(dice, stand)
            finally:
                await stand.by_source.close()
                await stand.by_hub.close()
    finally:
        await connection.close()
    assert counted["written"] >= 3, counted
