"""Guesses and look-ups of one call against its department's budgets: looked at before a source is asked, counted in the transaction of the call's entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from anyio import to_thread
from graphql import VariableValues
from sqlalchemy import Connection, Engine

from hub.ledger.batch import Work
from hub.ledger.subjects import Subjects
from hub.sharing.registry import Application
from hub.store.base import now
from hub.verification.limits import WINDOW_DAYS, Budget, Limits, OverBudget, begin_of, day_of, days_after
from hub.verification.lookups import Lookups
from hub.verification.store import Claim, Tally, add_claims, add_subjects, add_to_tally, read_standing
from schema.answer import Answer
from schema.guesses import Guess, guesses
from schema.plan import Plan


@dataclass(frozen=True, slots=True)
class _New:
    """What a call adds to a resource's counts."""

    tally: Tally
    claims: tuple[Claim, ...]
    subjects: frozenset[str]


class Budgets:
    """The budgets of one hub."""

    def __init__(self, engine: Engine, subjects: Subjects, limits: Limits) -> None:
        self.engine = engine
        self.limits = limits
        self.lookups = Lookups(engine, limits)
        self._subjects = subjects

    def spending(self, application: Application | None, plan: Plan, variables: VariableValues) -> Spending:
        """What a call would spend. The public spends nothing: it verifies nothing, and looks up what is open to all."""
        if application is None:
            return Spending(self)
        return self.guessing(application, plan, guesses(plan, variables) if plan.verifies else ())

    def guessing(self, application: Application, plan: Plan, guessed: Iterable[Guess]) -> Spending:
        """What making these guesses by a plan would spend: of one call, or of several that are one to the budgets."""
        consumer = application.department or application.client_id
        hashed = self._hashed(consumer, guessed)
        made = Guesses(consumer, self.limits, hashed) if hashed else None
        return Spending(self, consumer, made, plan.looked_up, plan.verifies)

    def _hashed(self, consumer: str, guessed: Iterable[Guess]) -> dict[str, dict[Claim, Guess]]:
        """By resource. A claim's hash holds for its consumer, subject and item alone: equal values cannot be told by it."""
        made: dict[str, dict[Claim, Guess]] = {}
        for guess in guessed:
            subject = self._subjects.name(guess.key, guess.subject)
            kind = "\x1f".join(("claim", consumer, guess.resource, subject, guess.item))
            made.setdefault(guess.resource, {})[Claim(subject, guess.item, self._subjects.hash(kind, guess.claim), "")] = guess
        return made


@dataclass(slots=True, eq=False)
class Spending:
    """What one call spends of its department's budgets. ``verifies``: an answer of it may hold outcomes."""

    budgets: Budgets
    consumer: str = ""
    guesses: Guesses | None = None
    looked_up: frozenset[str] = frozenset()
    verifies: bool = False

    async def check(self) -> None:
        """Refuses early, before a source is asked.

        Raises:
            OverBudget: a budget is used up already.
        """
        if self.looked_up:
            await self.budgets.lookups.check(self.consumer, self.looked_up)
        if self.guesses is not None:
            await to_thread.run_sync(self.guesses.check, self.budgets.engine)

    def works(self, answer: Answer) -> list[Work]:
        """What the transaction of the call's entry has to count."""
        made: list[Work] = []
        if self.guesses is not None:
            made.append(partial(self.guesses.count, answer=answer))
        if self.consumer and answer.misses:
            made.append(partial(self.budgets.lookups.count, consumer=self.consumer, misses=dict(answer.misses)))
        return made


class Guesses:
    """The guesses of one call, by resource."""

    def __init__(self, consumer: str, limits: Limits, claims: Mapping[str, Mapping[Claim, Guess]]) -> None:
        self._consumer = consumer
        self._limits = limits
        self._claims = claims

    def check(self, engine: Engine) -> None:
        """Refuses early what is over a budget already; :meth:`count` decides.

        Raises:
            OverBudget: it is.
        """
        with engine.connect() as connection:
            for _ in self._judged(connection):
                pass

    def count(self, connection: Connection, answer: Answer) -> None:
        """Work for the entry's transaction. A refusal follows from what was claimed, and from answers of before, never from this one.

        Whom no source compared is new again when one does: else an outage would let a list of subjects pass that is judged by no match.

        Raises:
            OverBudget: then there is neither entry of success nor outcome.
        """
        for resource, new in list(self._judged(connection)):
            subjects = new.subjects - self._those(resource, answer.uncompared - answer.compared)
            unmatched = subjects - self._those(resource, answer.cleared)
            add_claims(connection, self._consumer, resource, new.claims)
            if subjects:
                add_subjects(connection, self._consumer, resource, subjects, new.tally.day)
                add_to_tally(connection, self._consumer, resource, replace(new.tally, subjects=len(subjects), unmatched=len(unmatched)))

    def _those(self, resource: str, told: Set[tuple[str, str, str]]) -> set[str]:
        """Hashes of the subjects of which an answer tells."""
        return {claim.subject for claim, guess in self._claims[resource].items() if (guess.resource, guess.key, guess.subject) in told}

    def _judged(self, connection: Connection) -> Iterator[tuple[str, _New]]:
        moment = now()
        for resource, claims in sorted(self._claims.items()):
            subjects = {claim.subject for claim in claims}
            standing = read_standing(connection, self._consumer, resource, subjects, day_of(moment))
            tally, new = standing.tally, subjects - standing.seen
            self._judge_subjects(resource, tally, len(new), moment)
            added = self._new_claims(resource, claims, standing.claims, tally.day, moment)
            yield resource, _New(Tally(tally.day, len(new)), added, frozenset(new))

    def _judge_subjects(self, resource: str, tally: Tally, new: int, moment: datetime) -> None:
        tomorrow = begin_of(days_after(tally.day, 1))
        if tally.subjects + new > self._limits.subjects:
            raise OverBudget(Budget.SUBJECTS, self._consumer, resource, None, tomorrow, moment)
        if tally.subjects >= self._limits.ratio_from and tally.unmatched * 100 > tally.subjects * self._limits.ratio_percent:
            raise OverBudget(Budget.MISMATCHES, self._consumer, resource, None, tomorrow, moment)

    def _new_claims(self, resource: str, claims: Mapping[Claim, Guess], known: Sequence[Claim], day: str, moment: datetime) -> tuple[Claim, ...]:
        """Claims that were not made of the subject within the window."""
        before = {replace(claim, day="") for claim in known}
        added = tuple(replace(claim, day=day) for claim in claims if claim not in before)
        for (subject, item), count in Counter((claim.subject, claim.item) for claim in added).items():
            days = sorted(claim.day for claim in known if (claim.subject, claim.item) == (subject, item))
            if count + sum(each >= day for each in days) > self._limits.claims_day:
                free = begin_of(days_after(day, 1)) if count <= self._limits.claims_day else None
                raise OverBudget(Budget.CLAIMS_DAY, self._consumer, resource, subject, free, moment)
            over = count + len(days) - self._limits.claims_month
            if over > 0:
                leaves = begin_of(days_after(days[over - 1], WINDOW_DAYS)) if over <= len(days) else None
                raise OverBudget(Budget.CLAIMS_MONTH, self._consumer, resource, subject, leaves, moment)
        return added
