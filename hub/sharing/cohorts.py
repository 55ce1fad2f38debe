"""What a consumer's aggregates have asked of each resource, kept for a day, so that no two answers differ by a few rows (see :mod:`schema.cohorts`)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from anyio import to_thread
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Connection, Engine, delete, select

from hub.ledger.subjects import Subjects
from hub.sharing.cohort_tables import asked_aggregate
from hub.sharing.registry import Application
from hub.store.base import now
from hub.store.turns import writing
from hub.store.upsert import inserting
from schema.faults import Code, Fault
from schema.questions import Asked, Question, Questions, TooMany

WINDOW_SECONDS = 86_400
PUBLIC = "public"
"""Of whoever comes without a token."""
_table = asked_aggregate.c


class Overtaken(Fault):
    """Another call of the same department asked about the same resource meanwhile: what was judged by earlier answers has to be judged anew."""

    def __init__(self) -> None:
        super().__init__(
            Code.RATE_LIMITED,
            "本部门同时有其他统计查询在进行",
            "other aggregates of your department were answered at the same time",
            "请稍后重试",
            "try again in a moment",
            retry_after=1,
        )


class Cohorts:
    """The questions of one hub. ``key`` encrypts them (AES-SIV, RFC 5297)."""

    def __init__(self, engine: Engine, subjects: Subjects, key: bytes) -> None:
        self._engine = engine
        self._subjects = subjects
        self._cipher = AESSIV(key)

    def of_call(self, application: Application | None) -> CallQuestions:
        """What one call asks, and is judged by."""
        return CallQuestions(self, (application.department or application.client_id) if application else PUBLIC)

    def read(self, connection: Connection, consumer: str, resource: str) -> dict[str, tuple[str, int]]:
        """What was asked within the window: hash → (sealed question, seconds until it is forgotten)."""
        begin = int(now().timestamp()) - WINDOW_SECONDS
        mine = (_table.consumer == consumer) & (_table.resource == resource) & (_table.asked_at > begin)
        rows = connection.execute(select(_table.question, _table.sealed, _table.asked_at).where(mine).order_by(_table.question))
        return {row.question: (row.sealed, row.asked_at - begin) for row in rows}

    def load(self, consumer: str, resource: str) -> tuple[Asked, dict[str, str]]:
        """What is known of a resource, and by which rows.

        Raises:
            TooMany: a question cannot be read, because the hub's key was replaced: nothing can be judged by it until it is forgotten.
        """
        with self._engine.connect() as connection:
            rows = self.read(connection, consumer, resource)
        oldest = min((seconds for _, seconds in rows.values()), default=WINDOW_SECONDS)
        try:
            found = [self._opened(consumer, resource, sealed) for sealed, _ in rows.values()]
        except (InvalidTag, ValueError):
            raise TooMany(max((seconds for _, seconds in rows.values()), default=WINDOW_SECONDS)) from None
        return Asked({each.identity: each for each in found}, oldest), {question: sealed for question, (sealed, _) in rows.items()}

    def keep(self, connection: Connection, consumer: str, resource: str, question: Question) -> None:
        """Keeps a question for another window."""
        name = self._subjects.hash(f"aggregate\x1f{consumer}\x1f{resource}", question.identity.decode())
        values = {"sealed": self._sealed(consumer, resource, question), "asked_at": int(now().timestamp())}
        statement = inserting(connection, asked_aggregate).values(consumer=consumer, resource=resource, question=name, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=list(asked_aggregate.primary_key.columns), set_=values))

    def _sealed(self, consumer: str, resource: str, question: Question) -> str:
        return base64.b64encode(self._cipher.encrypt(question.written(), _place(consumer, resource))).decode()

    def _opened(self, consumer: str, resource: str, sealed: str) -> Question:
        return Question.read(self._cipher.decrypt(base64.b64decode(sealed), _place(consumer, resource)))


def _place(consumer: str, resource: str) -> list[bytes]:
    return [b"aggregate", consumer.encode(), resource.encode()]


@dataclass
class CallQuestions:
    """One call's questions."""

    cohorts: Cohorts
    consumer: str
    questions: Questions = field(init=False)
    _rows: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.questions = Questions(self._load)

    async def _load(self, resource: str) -> Asked:
        asked, self._rows[resource] = await to_thread.run_sync(self.cohorts.load, self.consumer, resource)
        return asked

    def works(self) -> list[Callable[[Connection], None]]:
        """What the transaction of the call's entry has to do: to see that nobody asked meanwhile, and to keep what was asked.

        It raises :class:`Overtaken` otherwise; then there is no entry of success, and no data.
        """
        return [self._keep] if any(asked.added for asked in self.questions.by_rows.values()) else []

    def _keep(self, connection: Connection) -> None:
        for resource, asked in self.questions.by_rows.items():
            there = {question: sealed for question, (sealed, _) in self.cohorts.read(connection, self.consumer, resource).items()}
            if any(self._rows[resource].get(question) != sealed for question, sealed in there.items()):
                raise Overtaken
            for question in asked.added.values():
                self.cohorts.keep(connection, self.consumer, resource, question)


def forget_questions(engine: Engine) -> None:
    """Deletes what is beyond the window."""
    begin = int(now().timestamp()) - WINDOW_SECONDS
    with engine.connect() as connection:
        old = connection.execute(select(_table.question).where(_table.asked_at <= begin).limit(1)).first()
    if old:
        with writing(engine) as connection:
            connection.execute(delete(asked_aggregate).where(_table.asked_at <= begin))
