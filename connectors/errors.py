"""What can go wrong with a source, in the two ways that matter: may one try again, and who can mend it."""

from __future__ import annotations


class SourceFault(Exception):
    """Base of all faults of a source.

    ``str()`` names the source and what happened, and holds no value, statement, address or driver text: it may reach a log.
    """

    state = "FAILED"
    """How ``extensions.sources`` calls it."""
    retryable = False

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source


class SourceUnavailable(SourceFault):
    """Not reachable. Try again later."""

    retryable = True


class SourceUnreachable(SourceUnavailable):
    """No connection came about: nothing was asked, so that asking once more costs the source nothing."""


class SourceBusy(SourceUnavailable):
    """The hub itself had no place left for the call: load, which says nothing of the source."""


class SourceIncomplete(SourceUnavailable):
    """One of the source's lists is not there for now, which says nothing of the others."""


class SourceTimeout(SourceUnavailable):
    """The source did not answer in time; its work was stopped."""

    state = "TIMEOUT"


class CircuitOpen(SourceUnavailable):
    """The source failed repeatedly and is left alone for a while."""

    state = "OPEN_CIRCUIT"


class SourceRefused(SourceFault):
    """The source rejected the statement, or the hub would have to read more rows than it may. Not retryable."""


class SourceMismatch(SourceRefused):
    """A value of the question is none that its column could hold, such as a text that is no UUID."""


class ConfigFault(ValueError):
    """A source's configuration is wrong. ``message`` says what, ``hint`` how to mend it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
