"""What a document costs once: its check, its plan and what follows from both, kept for the next call of the same view with the same text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import ReferenceType, ref

from graphql import GraphQLError, OperationDefinitionNode, VariableValues

from auth.rights import Decision, Purpose, Use
from connectors.kept import Kept
from hub.api.execute import check_operations, check_size, flags_of, variables_of
from hub.api.use import check_documents, check_use
from hub.sharing.quota import limited
from schema.coercion import Variables
from schema.documents import MOST_KEPT, OVERHEAD, Document, InvalidDocument
from schema.plan import Plan, Plans
from schema.reach import reaching
from schema.view import View

KEPT_WEIGHT = 1_000_000
"""Of documents (:attr:`schema.documents.Document.weight`): about 100 MB at most."""
_PURPOSES = 64


class Prepared:
    """One operation of one document, for one view."""

    def __init__(self, view: View, document: Document, operation: OperationDefinitionNode, plans: Plans) -> None:
        self.view, self.document, self.operation = view, document, operation
        self._plans = plans
        self._variables = Variables(document.schema, operation)
        self._flags = plans.flags(document, operation)
        self._plan = None if self._flags else plans.plan(view, document, operation, {})

    def variables(self, given: Mapping[str, Any]) -> VariableValues:
        """The variables, coerced.

        Raises:
            Fault: ``BAD_INPUT``, naming the variable; ``QUERY_BUDGET``.
        """
        check_size(given)
        return self._variables.values(given) or variables_of(self.document, self.operation, given)

    def plan(self, variables: VariableValues) -> Plan:
        """The plan with these variables.

        Raises:
            Fault: ``BAD_INPUT`` where one on which it depends is missing.
        """
        plan = self._plan or self._plans.plan(self.view, self.document, self.operation, flags_of(self._flags, variables))
        return reaching(plan, variables) if plan.filtering else plan


class _Refused(NamedTuple):
    """That a text is no valid document for a view, and why. Views of earlier catalogs live on in what is prepared, not in what was refused."""

    view: ReferenceType[View]
    errors: list[GraphQLError]


def _weight(key: tuple[int, str], refused: _Refused) -> int:
    """Each finding may repeat the longest name of the document."""
    return OVERHEAD + len(key[1]) + sum(len(error.message) for error in refused.errors)


class PreparedDocuments:
    """Prepared operations by view, text and name, bounded by their length, and likewise what was found wrong with documents. Lives on the event loop."""

    def __init__(self, plans: Plans, check: Callable[[str, View], Document]) -> None:
        self._plans = plans
        self._check = check
        self._known: Kept[tuple[int, str, str | None], Prepared] = Kept(KEPT_WEIGHT // 2, lambda _, prepared: prepared.document.weight)
        self._refused: Kept[tuple[int, str], _Refused] = Kept(KEPT_WEIGHT // 4, _weight)

    def of(self, view: View, text: str, name: str | None) -> Prepared:
        """The operation of this name, ``None`` where there is but one.

        Raises:
            InvalidDocument: see :meth:`schema.documents.Documents.check`.
            Fault: ``BAD_REQUEST`` where the document has no such operation; ``QUERY_BUDGET``.
        """
        key = (id(view), text, name)
        found = self._known.get(key)
        # A view that is gone may have left its number to another.
        if found is not None and found.view is view:
            return found
        document = self._checked(view, text)
        made = Prepared(view, document, document.operation(name), self._plans)
        if len(text) <= MOST_KEPT:
            self._known.keep(key, made)
        return made

    def _checked(self, view: View, text: str) -> Document:
        """Finding out that a document is not valid costs more than what a valid one does: a client that is wrong sends the same one again and again."""
        key = (id(view), text)
        refused = self._refused.get(key)
        if refused is not None and refused.view() is view:
            raise InvalidDocument(refused.errors)
        try:
            return self._check(text, view)
        except InvalidDocument as fault:
            if len(text) <= MOST_KEPT:
                self._refused.keep(key, _Refused(ref(view), fault.errors))
            raise


class Checks:
    """What follows from a plan alone of whether it may run: who decided on it, and for which purposes."""

    def __init__(self, plan: Plan, document: Document) -> None:
        self.decisions: list[Decision] = check_operations(plan)
        self.bounded = limited(self.decisions)
        self.document = document
        self._trusted = any(decision.documents for decision in self.decisions)
        self._purposes: dict[str, Purpose | None] = {}

    def purpose(self, use: Use, *, public: bool) -> Purpose | None:
        """The purpose under which the plan runs.

        Raises:
            Fault: ``PURPOSE_REQUIRED``, ``PURPOSE_NOT_GRANTED``; ``FORBIDDEN`` where a grant is limited to other documents.
        """
        code = use.purpose
        if code is not None and use.operator is not None and code in self._purposes:
            found = self._purposes[code]
        else:
            found = None if public else check_use(use, self.decisions)
            if code is not None and not public and len(self._purposes) < _PURPOSES:
                self._purposes[code] = found
        if self._trusted:
            check_documents(self.decisions, self.document)
        return found


class CheckedPlans:
    """Checks by plan, the most recent, bounded by the weight of their documents, which plans hold. Lives on the event loop."""

    def __init__(self, weight: int = KEPT_WEIGHT // 2) -> None:
        self._known: Kept[Plan, Checks] = Kept(weight, lambda _, checks: checks.document.weight)

    def of(self, plan: Plan, document: Document) -> Checks:
        """The checks of a plan.

        Raises:
            Fault: ``FORBIDDEN`` where a resource may be exchanged but not queried.
        """
        found = self._known.get(plan)
        if found is None:
            found = Checks(plan, document)
            if len(document.text) <= MOST_KEPT:
                self._known.keep(plan, found)
        return found
