"""A plain coding-time schema, and both executors run over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from auth.decide import Rights
from connectors.registry import open_source
from connectors.selection import Value
from connectors.spi import Source
from hub.api.execute import flags_of, variables_of
from schema.answer import Answer
from schema.budget import Budget
from schema.coercion import Variables
from schema.cursors import KEY_BYTES, Cursors
from schema.delivery import delivered
from schema.documents import Document, Documents
from schema.faces import Faces
from schema.model import Snapshot
from schema.plan import Plans
from schema.questions import Questions
from schema.reference import run_reference
from schema.run import Run, run_departments
from schema.scalars import BIGINT, DATE, DATETIME
from schema.verification import Outcome
from schema.view import View

CALLER = "app"


def base_schema() -> GraphQLSchema:
    """What the contract knows at coding time, as far as resources lean on it."""
    needed = GraphQLNonNull
    page = {"hasNextPage": needed(GraphQLBoolean), "hasPreviousPage": needed(GraphQLBoolean), "startCursor": GraphQLString, "endCursor": GraphQLString}
    outcome = GraphQLEnumType("VerificationOutcome", {each.value: each.value for each in Outcome})
    claim = GraphQLObjectType("ClaimOutcome", {"item": GraphQLField(needed(GraphQLString)), "outcome": GraphQLField(needed(outcome))})
    made = {"outcome": needed(outcome), "claims": GraphQLList(needed(claim)), "asOf": DATETIME}
    types = [
        GraphQLObjectType("PageInfo", {name: GraphQLField(kind) for name, kind in page.items()}),
        GraphQLObjectType("Verification", {name: GraphQLField(kind) for name, kind in made.items()}),
        DATE,
        BIGINT,
    ]
    return GraphQLSchema(GraphQLObjectType("Query", {"hub": GraphQLField(GraphQLString)}), types=types)


BASE = base_schema()
WIDE = Budget(fields=5000, root_fields=500, second_fields=500, merged=500)
"""For random documents, which may ask for more than a caller's may."""


class RecordingCursors(Cursors):
    """Cursors that can be looked at: every one that was sealed, in order."""

    def __init__(self) -> None:
        super().__init__(bytes(range(KEY_BYTES)))
        self.sealed: list[str] = []

    def seal(self, binding: bytes, place: Any) -> str:
        """Seals, and keeps the cursor."""
        made = super().seal(binding, place)
        self.sealed.append(made)
        return made


@dataclass
class Hub:
    """A snapshot with open sources."""

    snapshot: Snapshot
    documents: Documents = field(default_factory=Documents)
    plans: Plans = field(default_factory=Plans)
    cursors: RecordingCursors = field(default_factory=RecordingCursors)
    opened: dict[str, Source] = field(default_factory=dict)

    def source(self, code: str) -> Source:
        """The open source of a code."""
        if code not in self.opened:
            self.opened[code] = open_source(self.snapshot.sources[code])
        return self.opened[code]

    def view(self, rights: Rights) -> View:
        """The schema that these rights see."""
        return View(BASE, Faces(self.snapshot, rights))

    async def planned(self, view: View, document: Document, variables: Mapping[str, Any], caller: str = CALLER, questions: Questions | None = None) -> Answer:
        """The document's answer by plan."""
        operation = document.operation(None)
        coerced = Variables(document.schema, operation).values(variables) or variables_of(document, operation, variables)
        plan = self.plans.plan(view, document, operation, flags_of(self.plans.flags(document, operation), coerced))
        answer = Answer()
        run = Run(self.source, self.cursors, caller, coerced, questions or Questions(), group=view.faces.rights.fingerprint)
        found = await run_departments(plan, run, answer)
        answer.data = {key: {**found, **plan.named}.get(key, "Query") for key in plan.order}
        return answer

    async def referred(self, document: Document, variables: Mapping[str, Any], caller: str = CALLER, questions: Questions | None = None) -> Answer:
        """The document's answer by the reference."""
        return await run_reference(document, variables, None, self.source, self.cursors, caller, questions)

    async def ask(self, rights: Rights, text: str, variables: Mapping[str, Any] | None = None, caller: str = CALLER) -> Answer:
        """Checks a text and answers it by plan."""
        view = self.view(rights)
        return await self.planned(view, self.documents.check(text, view), variables or {}, caller)

    async def sent(self, rights: Rights, text: str, variables: Mapping[str, Any] | None = None) -> tuple[Any, Answer]:
        """What leaves for a text: its data as read from JSON, and the answer with its errors."""
        view = self.view(rights)
        document = self.documents.check(text, view)
        answer = await self.planned(view, document, variables or {})
        plan = self.plans.plan(view, document, document.operation(None), {})
        return orjson.loads(delivered(plan, answer)), answer

    async def close(self) -> None:
        """Closes every source."""
        for source in self.opened.values():
            await source.close()


def told(answer: Answer) -> list[tuple[tuple[Value, ...], str]]:
    """Errors as (path, code), sorted."""
    return sorted(((error.path, error.fault.code.value) for error in answer.errors), key=str)
