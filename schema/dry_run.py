"""What running a plan would read, found by running it: every source is replaced by one that has no data and answers with made-up rows.

The rows fill each page, and every key leads to a row of its own, so that accesses, rows and statements are those of the largest answer
there could be. Nothing of the made-up rows is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from graphql import GraphQLError

from connectors.aggregation import Aggregation
from connectors.selection import Binding, Column, Kind, Output, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, SourceCheck
from schema.aggregate_plan import AggregatePlan
from schema.answer import Access, Answer, FieldError
from schema.faults import Fault
from schema.plan import ListPlan, OnePlan, Plan
from schema.questions import Questions
from schema.reader import Allowance
from schema.run import Run, run_departments
from schema.shapes import Shape

_KEYS = 1000
"""Keys in one statement, of the connectors that take fewest at once by default."""


@dataclass
class SourceCost:
    """What one source is asked, at most."""

    source: str
    statements: int = 0
    keys: int = 0
    """Keys of links looked up. A service that looks up one by one takes as many requests."""
    pages: list[int] = field(default_factory=list)
    """Rows asked for, of each list."""


@dataclass(frozen=True, slots=True)
class ShownItem:
    """A place in the answer that shows an item."""

    path: str
    resource: str
    item: str
    mask: str | None


@dataclass(frozen=True)
class DryRun:
    """What a run would do, at most. ``faults`` are those that the run would tell of whatever the sources hold."""

    accesses: tuple[Access, ...]
    shown: tuple[ShownItem, ...]
    sources: tuple[SourceCost, ...]
    masking: Mapping[str, str]
    spent: Allowance
    """Of the allowance of one call."""
    faults: tuple[FieldError, ...]


async def dry_run(plan: Plan, run: Run, allowance: Allowance | None = None) -> DryRun:
    """Runs the plan's departments without touching a source; ``run.sources`` is never called."""
    counted = _Counted(shared=allowance or Allowance())
    sources = _Sources()
    answer = Answer()
    try:
        await run_departments(plan, replace(run, sources=sources.source, questions=Questions()), answer, counted)
    except Fault as fault:
        answer.errors.append(FieldError((), fault))
    costs = tuple(each.cost for each in sources.opened.values())
    return DryRun(tuple(answer.accesses.values()), tuple(_shown(plan, run)), costs, plan.masking, counted.spent, tuple(answer.errors))


@dataclass
class _Counted(Allowance):
    """What one dry run takes, also of an allowance that several share."""

    shared: Allowance = field(default_factory=Allowance)

    def reserve(self, what: str, amount: int) -> None:
        """Takes a part of both."""
        super().reserve(what, amount)
        self.shared.reserve(what, amount)

    @property
    def spent(self) -> Allowance:
        """What was taken."""
        whole = Allowance()
        return Allowance(**{name: getattr(whole, name) - getattr(self, name) for name in vars(whole)})


def _shown(plan: Plan, run: Run) -> list[ShownItem]:
    found: list[ShownItem] = []
    for key, department in plan.departments.items():
        for inner, root in department.fields.items():
            if isinstance(root, OnePlan):
                found += _places(f"{key}.{inner}", root.shape)
            elif isinstance(root, ListPlan):
                for keys, shape in root.shapes:
                    found += _places(".".join((key, inner, *keys)), shape)
            elif isinstance(root, AggregatePlan):
                found += [ShownItem(path, root.face.resource.code, item, None) for path, item in root.places(f"{key}.{inner}", _grouped(root, run))]
    return found


def _grouped(root: AggregatePlan, run: Run) -> Sequence[str]:
    try:
        return root.arguments.values(run.variables).get("groupBy") or ()
    except GraphQLError:
        return ()


def _places(path: str, shape: Shape) -> list[ShownItem]:
    code = shape.face.resource.code
    scalars = [key for key, place, _ in shape.leaves if place is not None]
    found = [ShownItem(f"{path}.{key}", code, shape.items[key].code, shape.masking.get(key)) for key in scalars]
    for link in shape.links:
        found += _places(f"{path}.{link.response_key}", link.shape)
    return found


class _Sources:
    """Opens sources without data."""

    def __init__(self) -> None:
        self.opened: dict[str, EmptySource] = {}
        self._numbers = count(1)

    def source(self, code: str) -> EmptySource:
        """The stand-in of a source."""
        if code not in self.opened:
            self.opened[code] = EmptySource(SourceCost(code), self._numbers)
        return self.opened[code]


class EmptySource:
    """Stands in for a source: connects to nothing, counts what it is asked, and answers with rows of values that are all different."""

    capabilities = Capabilities(frozenset(), False, frozenset(), False, _KEYS)

    def __init__(self, cost: SourceCost, numbers: count[int]) -> None:
        self.cost = cost
        self._numbers = numbers

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """As many rows as the selection may have; one where it has no limit: it asks by an identifier."""
        limit = parameters[selection.limit] if selection.limit is not None else 1
        most = limit if isinstance(limit, int) else 1
        self.cost.statements += 1
        if most > 1:
            self.cost.pages.append(most - 1)
        return [self._row(selection.outputs) for _ in range(most)]

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """One row for each key."""
        self.cost.statements += -(-len(values) // _KEYS)
        self.cost.keys += len(values)
        return {value: [self._row(selection.outputs)] for value in values}

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """None."""
        self.cost.statements += 1
        return 0

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """None."""
        self.cost.statements += 1
        return ()

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """Nothing."""
        return ()

    async def objects(self) -> Sequence[ObjectDescription]:
        """Nothing."""
        return ()

    def as_of(self, binding: Binding) -> datetime | None:
        """Now."""
        return None

    async def check(self) -> SourceCheck:
        """There is nothing to reach."""
        return SourceCheck(ok=True)

    async def close(self) -> None:
        """There is nothing to close."""

    def _row(self, outputs: Sequence[Output]) -> Row:
        return tuple(_value(each.kind, next(self._numbers)) if isinstance(each, Column) else True for each in outputs)


_DAY, _MOMENT = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)


def _value(kind: Kind, number: int) -> Value:
    """A value of the kind unlike that of every other number, as far as the kind has so many."""
    match kind:
        case Kind.INTEGER | Kind.BIGINT:
            return number
        case Kind.FLOAT:
            return float(number)
        case Kind.BOOLEAN:
            return bool(number % 2)
        case Kind.DATE:
            return (_DAY + timedelta(days=number % 2_000_000)).isoformat()
        case Kind.DATETIME:
            return (_MOMENT + timedelta(seconds=number)).isoformat()
    return str(number)
