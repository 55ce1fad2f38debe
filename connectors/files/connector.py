"""Opens sources of kind ``files``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from connectors.errors import ConfigFault
from connectors.files.options import FilesOptions, FolderOptions
from connectors.files.pattern import pattern_problem
from connectors.spi import SourceConfig

if TYPE_CHECKING:
    from connectors.files.source import FilesSource


class FilesConnector:
    """Folders of files: CSV, XLSX, JSON Lines, Parquet."""

    def open(self, config: SourceConfig) -> FilesSource:
        """A source that looks into its folder with its first call; see :class:`connectors.spi.Connector`."""
        from connectors.files.source import FilesSource
        from connectors.files.store import open_store

        options = files_options(config)
        store = open_store(config, options.storage, Path(options.closed) if options.closed else None)
        for each in options.resources:
            if problem := pattern_problem(each.object):
                raise ConfigFault(f"{config.code}: {each.object}: {problem[0]}", problem[1])
        if options.snapshots is None:
            return FilesSource(config, options, store, Path(tempfile.mkdtemp(prefix="huitong-files-")), own=True)
        snapshots = Path(options.snapshots).absolute()
        try:
            snapshots.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigFault(f"{config.code}: snapshots cannot be kept in the hub's home", "let the hub's user write there") from error
        return FilesSource(config, options, store, snapshots, own=False)


def files_options(config: SourceConfig) -> FilesOptions:
    """The source's options.

    Raises:
        ConfigFault: an option is unknown or does not fit.
    """
    known = {name: value for name, value in config.options.items() if name not in ("window", "auth", "health")}
    try:
        return FilesOptions.model_validate(known)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in found["loc"])
        raise ConfigFault(f"{config.code}: option {name}: {found['msg']}", f"known: {', '.join(FolderOptions.model_fields)}") from error
