"""The executor that the settings name."""

from __future__ import annotations

from collections.abc import Callable

from hub.exchange.executors.inline import InlineExecutor
from hub.exchange.executors.local import LocalExecutor
from hub.exchange.executors.spi import Executor
from hub.exchange.work.kit import Kit, Secrets
from hub.ledger.subjects import Subjects
from hub.settings import Settings
from masking.pseudonym import MasterKey


def executor_of(settings: Settings, subjects: Subjects, pseudonyms: Callable[[], tuple[MasterKey, ...]]) -> Executor:
    """The executor of ``exchange_executor``. ``pseudonyms`` tells the master keys of the moment.

    Raises:
        DaskFault: a scheduler is named, and its settings cannot be used.
    """
    if settings.exchange_executor == "inline":
        return InlineExecutor(Kit(subjects))
    if settings.exchange_executor == "local":
        return LocalExecutor(lambda: Secrets(subjects.key, pseudonyms()), settings.exchange_workers)
    # Loads Dask, which other hubs need not have.
    from hub.exchange.executors.dask import dask_executor

    return dask_executor(settings, subjects)
