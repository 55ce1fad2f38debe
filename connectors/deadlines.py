"""A moment at which what the running task waits for is ended, without the layers of a context manager."""

from __future__ import annotations

import asyncio

from connectors import alarms
from connectors.errors import SourceBusy, SourceFault, SourceTimeout

ANSWER_SECONDS = 0.2
"""Of a call's time, kept to make the answer of what the other sources gave."""
FAIR = 0.25
"""Of a source's time. A source that was given less is not blamed for having no answer."""
_LATE = 0.25
"""Of a source's time."""


class Deadline:
    """Cancels the running task at ``due``, by the event loop's time, as :class:`asyncio.Timeout` does. :meth:`stop` must be called in the end."""

    __slots__ = ("_before", "_due", "_stopped", "_task", "_timer", "late")

    def __init__(self, due: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task: asyncio.Task[object] = task
        self._due = due
        self._before = task.cancelling()
        self._stopped = False
        self.late: float | None = None
        """By how many seconds the end was noticed late; ``None`` while it has not come."""
        self._timer = alarms.at(due, self._end)

    def _end(self) -> None:
        self.late = max(asyncio.get_running_loop().time() - self._due, 0.0)
        self._task.cancel()

    def stop(self) -> bool:
        """The work has ended. Whether a ``CancelledError`` that ended it was this deadline's, and nobody else's; told once."""
        self._timer.cancel()
        if self.late is None or self._stopped:
            return False
        self._stopped = True
        return self._task.uncancel() <= self._before

    def blamed(self, code: str, given: float, seconds: float, error: BaseException) -> SourceFault:
        """What a call of the source ended with that was given so long of the source's time, and had no answer."""
        # A deadline that is noticed late tells of a hub that was busy with other things; the answer may have been there in time.
        if self.late is not None and self.late > _LATE * seconds:
            return SourceBusy(code, "no answer was taken in time; the hub was busy")
        if given < FAIR * seconds:
            return SourceBusy(code, "the call's own time was over")
        if isinstance(error, SourceTimeout):
            return error
        return SourceTimeout(code, "no answer in time; its work was stopped")
