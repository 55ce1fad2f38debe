"""Rows of a batch as one call of the hub: the same budgets, the same comparison, the same entry as of a call, whatever the rows came in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import orjson
from anyio import to_thread
from graphql import VariableValues

from auth.rights import Operation, Purpose
from connectors.calling import CALLING, Calling
from hub.acts import make_id
from hub.anomalies.throttle import Throttled
from hub.anomalies.watch import Watch
from hub.api.call_entries import CallEntries
from hub.api.context import Caller
from hub.api.data import in_turn
from hub.api.entries import asked_of, refusal_entry
from hub.api.troubles import Troubles
from hub.exchange.store import Job
from hub.exchange.verifying.documents import Compiled
from hub.ledger.append import Ledger
from hub.ledger.batch import Work
from hub.ledger.entry import EntryDraft
from hub.live import Live
from hub.sharing.quota import check_quota, usage
from hub.verification.alerts import Alerts
from hub.verification.budgets import Budgets
from hub.verification.limits import Limits, OverBudget
from hub.withdrawal.telling import check_in_force
from schema.answer import Answer, FieldError
from schema.faults import Fault
from schema.guesses import Guess, guesses
from schema.verification import Question, rendered, slack
from schema.verifying import Told, asked, unanswered, verify_each

PAUSES = (1.0, 4.0, 15.0)
"""Seconds before a source that was down is asked again; then the rows say so."""
_OPERATION = Operation.VERIFY.scope_prefix
Row = VariableValues | Fault
"""A row's values, or why they are none."""
Keeping = Callable[[str, Sequence[Told]], Work]
"""Told the call and what became of its rows before the call's entry is written; gives what commits with the entry."""


@dataclass(frozen=True)
class Case:
    """A job that asks: for whom, what, and for which purpose."""

    job: Job
    caller: Caller
    compiled: Compiled
    purpose: Purpose | None
    calling: Calling
    """On whose behalf sources are read; each call has a number of its own."""


class Asking:
    """Asks on behalf of jobs. Lives on the event loop."""

    def __init__(self, live: Live, ledger: Ledger, watch: Watch) -> None:
        self._live = live
        self._ledger = ledger
        self._watch = watch
        self._entries = CallEntries(live.core.subjects, ledger.log)
        self._budgets = Budgets(live.core.engine, live.core.subjects, Limits.of(live.core.settings))
        self._alerts = Alerts()
        self._troubles = Troubles()

    async def ask(self, case: Case, rows: Sequence[Row], keeping: Keeping) -> None:
        """Verifies at most as many rows as one call may; when it returns, they are entered, counted and kept.

        Raises:
            OverBudget: nothing was asked or counted.
            Fault: ``QUOTA_EXCEEDED`` or ``RATE_LIMITED``: the same.
            LedgerUnavailable: whether it is entered is not known where the database broke off.
        """
        call, compiled, app = self._begun(case), case.compiled, case.caller.identified()
        self._ledger.check_release()
        self._watch.check(app, compiled.plan)
        if compiled.checks.bounded:
            await to_thread.run_sync(check_quota, self._live.core.engine, compiled.checks.bounded)
        spending = self._budgets.guessing(app, compiled.plan, _guesses(compiled, rows))
        await spending.check()
        answer = Answer(data={})
        told = await self._told(compiled, [row if isinstance(row, Fault) else asked(compiled.field, row) for row in rows], answer)
        check_in_force(self._live, compiled.plan)
        self._troubles.note(call, answer.sources.values())
        made = self._entries.answered(
            call, case.caller, answer, compiled.prepared.document, case.purpose, _size(compiled, told), _OPERATION, {"exchange": case.job.id}
        )
        entry = replace(made.entry, medium="FILE") if isinstance(made.entry, EntryDraft) else made.entry
        keep = await to_thread.run_sync(keeping, call, told)
        counted = [usage(compiled.checks.bounded, made.rows)] if compiled.checks.bounded else []
        await self._ledger.append_filled(entry, in_turn([*counted, *made.sets, *spending.works(answer), keep]))
        self._watch.note(app, answer)

    async def refuse(self, case: Case, fault: Fault, keeping: Keeping | None) -> None:
        """Enters the refusal of one row, as that of a call is, and keeps it; without ``keeping``, of a job that has to wait."""
        call, compiled = self._begun(case), case.compiled
        details = {"exchange": case.job.id}
        if isinstance(fault, OverBudget):
            details |= fault.details
            self._alerts.tell(call, fault)
        elif isinstance(fault, Throttled):
            details["anomaly"] = fault.anomaly
        accesses = asked_of(compiled.plan, case.caller.rights.fingerprint)
        document = compiled.prepared.document.sha256
        draft = refusal_entry(call, case.caller, fault.code.value, False, document, _OPERATION, "FILE", details, accesses)
        if keeping is None:
            await self._ledger.append(draft)
        else:
            await self._ledger.append_with(draft, await to_thread.run_sync(keeping, call, [fault]))

    def _begun(self, case: Case) -> str:
        """A call's number; sources are read for it from now on."""
        call = make_id("call")
        given = case.calling
        CALLING.set(Calling(call, given.purpose, given.operator, given.case, given.trace, via=given.via, caller=given.caller, batch=True))
        return call

    async def _told(self, compiled: Compiled, questions: Sequence[Question | Fault], answer: Answer) -> list[Told]:
        """What becomes of each. Whoever no source answered is asked of again, some times: an outcome is never guessed."""
        told: list[Told | None] = [each if isinstance(each, Fault) else None for each in questions]
        for pause in (*PAUSES, None):
            open_ = [(i, each) for i, each in enumerate(questions) if isinstance(each, Question) and told[i] is None]
            found = await verify_each(compiled.field, [each for _, each in open_], self._live.sources.source, answer) if open_ else []
            for (i, _), one in zip(open_, found, strict=True):
                told[i] = None if pause is not None and unanswered(one) else one
            if pause is None or None not in told:
                break
            await asyncio.sleep(pause)
        made = [one for one in told if one is not None]
        path = tuple(compiled.plan.departments)
        answer.errors += [FieldError((*path, i), one) for i, one in enumerate(made) if isinstance(one, Fault)]
        # Asked again, it is still one that was asked for.
        answer.asked = list(dict.fromkeys(answer.asked))
        return made


def _guesses(compiled: Compiled, rows: Sequence[Row]) -> list[Guess]:
    return [guess for row in rows if not isinstance(row, Fault) for guess in guesses(compiled.plan, row)]


def _size(compiled: Compiled, told: Sequence[Told]) -> int:
    """Bytes of the outcomes as a call would send them: the same whatever they are."""
    found = [one for one in told if not isinstance(one, Fault)]
    return sum(len(orjson.dumps(rendered(compiled.field, one))) + slack(compiled.field, one) for one in found)
