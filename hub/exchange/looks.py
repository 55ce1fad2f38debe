"""What is looked at before every chunk: whether the job may go on at all, and whether it may now."""

from __future__ import annotations

from collections import Counter

from auth.decide import Rights
from hub.exchange.compiling import Compiled
from hub.exchange.planning import Planned
from hub.exchange.reads import reads_of
from hub.exchange.resting import NO_LONGER, altered, rests_on
from hub.exchange.stops import Stopped, Waiting
from hub.exchange.store import Job
from hub.exchange.window import ALWAYS, is_open
from hub.ledger.errors import LedgerUnavailable
from hub.live import Live
from hub.sharing.quota import Room, limited, room
from hub.store.base import now
from schema.faults import Fault

NO_ROOM = "RATE_LIMITED 平台磁盘空间不足，待有空间后自动继续 the hub's disk has no room left; goes on by itself when there is"
NO_RIGHTS = "LEDGER_UNAVAILABLE 控制库不可读，无法核对权限，恢复后自动继续 the control database cannot be read to check rights; goes on by itself when it can"
NO_LEDGER = (
    "LEDGER_UNAVAILABLE 调用日志不可写或逾期未获见证，恢复后自动继续 "
    "the ledger cannot be written, or has gone unwitnessed for too long; goes on by itself when it can be"
)


class Looks:
    """Looks at the state in force. Lives on the event loop, but for :meth:`room`."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def rights(self, job: Job) -> Rights:
        """The rights of the job's application.

        Raises:
            Stopped: it has none now.
            Waiting: nobody can tell.
        """
        registry = self._live.core.registry
        if self._live.stale:
            raise Waiting(NO_RIGHTS)
        if not registry.is_active(job.application):
            raise Stopped("FORBIDDEN 应用已停用 the application is disabled")
        return registry.rights(job.application, job.scopes)

    def check(self, job: Job, compiled: Compiled) -> None:
        """That the rights and the catalog that the job rests on still hold.

        Raises:
            Stopped: they do not.
            Waiting: nobody can tell, or no data may leave now.
        """
        try:
            self._live.core.ledger.check_release()
        except LedgerUnavailable:
            raise Waiting(NO_LEDGER) from None
        rights = self.rights(job)
        if not rests_on(job, rights):
            raise Stopped(NO_LONGER)
        faces = self._live.view(rights).faces
        plan = compiled.export.plan
        if codes := faces.snapshot.withdrawn.intersection(code for code, _ in plan.faces):
            raise Stopped(f"FORBIDDEN 资源已撤回 the resource is withdrawn: {', '.join(sorted(codes))}")
        for (code, _), face in plan.faces.items():
            now_ = faces.face(code)
            if now_ is None or now_.decision != face.decision:
                raise Stopped(altered(code))
        read = (now_.resource for code, _ in plan.faces if (now_ := faces.face(code)) is not None)
        if reads_of(read, faces.snapshot.sources) != compiled.reads:
            raise Stopped("CONFLICT 目录中数据的位置已变更 the catalog reads the data elsewhere than when the exchange began; start another one")

    def check_room(self, waits: bool) -> None:
        """That there is room on the disk; for a job that ``waits`` for it, as much as a new one needs.

        Raises:
            Waiting: there is not.
        """
        space = self._live.core.space
        if space.exchanges_stopped or (waits and space.exchanges_refused):
            raise Waiting(NO_ROOM)

    def check_hours(self, compiled: Compiled) -> None:
        """That all sources that the export reads are within the hours their departments set.

        Raises:
            Waiting: one is not.
        """
        configs = self._live.snapshot.sources
        sources = {face.resource.source for face in compiled.export.plan.faces.values()}
        windows = {code: str(configs[code].options.get("window", ALWAYS)) for code in sources if code in configs}
        if closed := [f"{code} {window}" for code, window in sorted(windows.items()) if not is_open(window, now())]:
            raise Waiting(f"等待数据源开放时段 waiting for the source's hours: {', '.join(closed)}")

    def room(self, plan: Planned, first: bool) -> int | None:
        """Rows of the list that the grants still give in their periods; ``None``: no limit. For a worker thread.

        Each row takes one of every resource that is read, for each time that it is read.

        Raises:
            Waiting: none, until the next period.
            Fault: none, ever.
        """
        decisions = limited(plan.compiled.decisions)
        taken = Counter(reading.resource for reading in plan.spec.readings)
        found = room(self._live.core.engine, decisions, 1 if first else 0, taken) if decisions else Room(None)
        if found.fault is not None:
            raise waiting_for(found.fault)
        return found.rows


def waiting_for(fault: Fault) -> Exception:
    """A grant's fault as what a batch does about it: it waits for the next period, unless that would not help."""
    if fault.retry_after is None:
        return fault
    return Waiting(f"{fault.code.value} {fault.zh}，下一周期自动继续 {fault.en}; goes on by itself in the next period")
