"""A change of the log's signing key: made, announced by an entry, and in force from the next batch on, all in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, insert, select, update

from hub.ledger import tables
from hub.ledger.batch import Pending, locked_head, write
from hub.ledger.canonical import record
from hub.ledger.entry import EntryDraft, Json
from hub.ledger.errors import KeyFault, LedgerCorrupt
from hub.ledger.history import ENDORSE, ROTATE, LedgerKey, Reason, check_last, read_history, statement_text
from hub.ledger.keys import Signer, VerifierKey
from hub.ledger.parsing import parse
from hub.ledger.receipt import Receipt
from hub.ledger.ring import KeyRing
from hub.store.turns import writing


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and the number of the act."""

    actor: str
    operator: str
    call: str


def adopt(engine: Engine, ring: KeyRing) -> None:
    """Bring the key in force into the ring; a log that names none yet names the key that it was signed with, a new one its first.

    Raises:
        KeyMissing: the ring's directory has not the key.
        KeyFault: the first key's file cannot be used.
        LedgerCorrupt: the head names a key that was replaced.
    """
    with engine.connect() as connection:
        key = _named(connection)
    if key is None:
        with writing(engine) as connection:
            key = _name_first(connection, ring)
    with engine.connect() as connection:
        check_last(key, read_history(connection))
    ring.in_force(key)


def rotate(engine: Engine, ring: KeyRing, by: By, *, lost: bool = False) -> LedgerKey:
    """Make the next key and announce it. ``lost``: the key in force is not there, or may be known to others, and does not sign the change.

    Raises:
        KeyMissing: the key in force is not there, and was not said to be lost.
        LedgerCorrupt: the log names no key.
        SQLAlchemyError: the database refused; nothing was changed, but for a key file that nothing refers to.
    """
    with engine.connect() as connection:
        key = _named(connection)
    if key is None:
        raise LedgerCorrupt("the log names no key yet; open it once with the key that it was signed with: huitong doctor")
    if not lost:
        ring.in_force(key)
    made = ring.make()
    with writing(engine) as connection:
        announced = _announce(connection, ring, made, by, lost)
    ring.in_force(made.key_id)
    return announced


def endorse(engine: Engine, ring: KeyRing, by: By, key_id: str) -> LedgerKey:
    """Confirm, as an administrator who did not make it, that a key replaced a lost one rightly.

    Raises:
        KeyFault: no such key waits for it, or the actor announced it.
    """
    with writing(engine) as connection:
        head = locked_head(connection, ring.log)
        found = next((key for key in read_history(connection) if key.verifier.key_id == key_id), None)
        if found is None or found.reason != "LOST" or found.endorsed is not None:
            raise KeyFault(f"没有待确认的密钥 no key {key_id} waits to be endorsed: huitong keys ledger list")
        if _announcer(connection, found) == by.actor:
            raise KeyFault("不得确认本人更换的密钥 who replaced a key does not endorse it: another administrator does")
        _append(connection, ring.in_force(head.key), ENDORSE, by, {"key": str(found.verifier)})
        connection.execute(update(tables.key).where(tables.key.c.verifier == str(found.verifier)).values(endorsed=head.size))
    return found


def _announce(connection: Connection, ring: KeyRing, made: Signer, by: By, lost: bool) -> LedgerKey:
    head = locked_head(connection, ring.log)
    line = read_history(connection)
    old, reason = line[-1].verifier, "LOST" if lost else "ROTATED"
    details: dict[str, Json] = {"reason": reason, "old": str(old), "new": str(made.verifier_key)}
    if lost:
        told = _take_over(connection, len(line), old, made, made, "LOST", head.size, head.batches)
        _append(connection, made, ROTATE, by, details)
        return told
    former = ring.in_force(head.key)
    _append(connection, former, ROTATE, by, details)
    return _take_over(connection, len(line), old, former, made, "ROTATED", head.size, head.batches + 1)


def _take_over(
    connection: Connection, number: int, old: VerifierKey, confirming: Signer, made: Signer, reason: Reason, announced: int, batch: int
) -> LedgerKey:
    key = LedgerKey(made.verifier_key, reason, batch, announced, confirming.sign(statement_text(reason, announced, old, made.verifier_key)))
    _store(connection, number, key)
    connection.execute(update(tables.head).values(key=made.key_id))
    return key


def _store(connection: Connection, number: int, key: LedgerKey) -> None:
    values = {"verifier": str(key.verifier), "reason": key.reason, "batch": key.batch, "announced": key.announced, "statement": key.statement}
    connection.execute(insert(tables.key).values(number=number, **values))


def _append(connection: Connection, signer: Signer, operation: str, by: By, details: dict[str, Json]) -> None:
    draft = EntryDraft(kind="key", call=by.call, outcome="OK", operation=operation, operator=by.operator, details={"actor": by.actor, **details})
    (made,) = write(connection, [Pending(draft, record(draft, signer.verifier_key.name))], signer)
    if not isinstance(made, Receipt):
        raise made


def _named(connection: Connection) -> str | None:
    key: str | None = connection.execute(select(tables.head.c.key)).scalar()
    return key


def _name_first(connection: Connection, ring: KeyRing) -> str:
    key = connection.execute(select(tables.head.c.key).with_for_update()).scalar_one()
    if key is not None:
        return str(key)
    signed = connection.execute(select(tables.batch.c.key).order_by(tables.batch.c.id.desc()).limit(1)).scalar()
    first = ring.first() if signed is None else ring.in_force(str(signed))
    if connection.execute(select(func.count()).select_from(tables.key)).scalar_one() == 0:
        _store(connection, 0, LedgerKey(first.verifier_key))
    connection.execute(update(tables.head).values(key=first.key_id))
    return first.key_id


def _announcer(connection: Connection, key: LedgerKey) -> object:
    canonical = connection.execute(select(tables.entry.c.canonical).where(tables.entry.c.seq == key.announced)).scalar()
    details = parse(canonical).content.details if canonical else None
    return details.get("actor") if isinstance(details, dict) else None
