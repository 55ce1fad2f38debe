"""Documents of exchanges, compiled as those of queries; and what is kept of them, by which a job is known again when it is resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import VariableValues

from auth.decide import Rights
from auth.rights import Decision
from hub.api.execute import Executor, flags_of, variables_of
from hub.exchange.reads import reads_of
from hub.exchange.store import Job
from hub.live import Live
from hub.withdrawal.telling import check_document
from schema.documents import Documents
from schema.export import Export, check_exchange, export_of
from schema.exporting import check_arguments
from schema.faults import Code, Fault
from schema.reach import reaching

UTF_8 = "UTF-8"


@dataclass(frozen=True)
class Compiled:
    """A job's document, compiled for the rights of its application."""

    export: Export
    variables: VariableValues
    rights: Rights
    reads: str
    """See :func:`hub.exchange.reads.reads_of`."""

    @property
    def decisions(self) -> list[Decision]:
        """On every resource that it reads."""
        return [face.decision for face in self.export.plan.faces.values()]

    @property
    def plan(self) -> str:
        """What is kept of the plan, as JSON: the document's hash, resources, columns, decisions, how each item is shown, and where it reads."""
        export = self.export
        kept = {
            "document": export.plan.document.sha256,
            "resources": export.resources,
            "columns": [".".join(path) for path, _ in export.columns],
            "decisions": {face.resource.code: face.decision.digest for face in export.plan.faces.values()},
            "items": {code: [[use.code, use.shown, use.mask and f"{use.mask}@{use.version}"] for use in uses] for code, uses in export.uses.items()},
            "reads": self.reads,
        }
        return json.dumps(kept, ensure_ascii=False)

    def is_of(self, plan: str) -> bool:
        """Whether the plan that was kept is this one. Those of jobs that were begun by earlier releases do not say where they read."""
        mine, kept = json.loads(self.plan), json.loads(plan)
        if "reads" not in kept:
            mine.pop("reads", None)
        return bool(mine == kept)


class Compiler:
    """Compiles against the state in force."""

    def __init__(self, live: Live, documents: Documents, executor: Executor) -> None:
        self._live = live
        self._documents = documents
        self._executor = executor

    def compile(self, text: str, variables: Mapping[str, Any], operation_name: str | None, rights: Rights) -> Compiled:
        """The export behind a document.

        Raises:
            Fault: the document cannot be exchanged, or not with these rights.
        """
        view = self._live.view(rights)
        document = check_document(self._live, self._documents, text, view)
        operation = document.operation(operation_name)
        coerced = variables_of(document, operation, variables)
        flags = flags_of(self._executor.plans.flags(document, operation), coerced)
        export = export_of(reaching(self._executor.plans.plan(view, document, operation, flags), coerced))
        if denied := check_exchange(export):
            raise Fault(
                Code.FORBIDDEN,
                f"授权不含对 {denied[0]} 的批量交换",
                f"the grant does not give exchange of {denied[0]}",
                "请以 requestAccess 申请",
                "apply by requestAccess",
            )
        check_arguments(export, coerced)
        resources = (face.resource for face in export.plan.faces.values())
        return Compiled(export, coerced, rights, reads_of(resources, self._live.snapshot.sources))


def input_digest(
    document: str, variables: Mapping[str, Any], operation_name: str | None, format_: str, encoding: str | None = None, destination: str | None = None
) -> str:
    """By what the input of ``startExchange`` is known again. What was not given does not count, so that keys keep their meaning as inputs grow."""
    whole: list[Any] = [document, variables, operation_name, format_]
    more = {"encoding": encoding, "destination": destination}
    if given := {name: value for name, value in more.items() if value is not None}:
        whole.append(given)
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def is_untouched(job: Job) -> bool:
    """Whether the job's input is the one that it was started with (G2)."""
    variables = json.loads(job.variables)
    encodings = (None, job.encoding) if job.encoding == UTF_8 else (job.encoding,)
    made = (input_digest(job.document, variables, job.operation_name, job.format, encoding, job.destination) for encoding in encodings)
    return job.input_sha256 in made
