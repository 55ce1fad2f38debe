"""Gives a finished draft its name in a folder, where somebody else may make a file of that name at any moment."""

from __future__ import annotations

import ctypes
import errno
import os

PLACEHOLDER = b"huitong: a file is being delivered under this name\n"
"""What a name holds that is about to be given, where there are no hard links."""
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""link(2): of file systems without hard links, and of files that have as many as they may."""
_NO_FLAGS = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""renameat2(2): of kernels and file systems that cannot rename only to where nothing is."""
_NOREPLACE = ctypes.c_uint(1)
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def give_name(directory: int, draft: str, name: str, mode: int) -> None:
    """Renames within the folder ``directory``, never over what is there: link(2) refuses a name that exists, in one step with giving it.

    Where the file system has no hard links (FAT, some network shares), renameat2(2) does the same with ``RENAME_NOREPLACE``. Where it cannot do that
    either, the name is first taken by a placeholder, which open(2) refuses in the same way, and the draft renamed onto it. Nobody can create the name in between; only a file that somebody *moves* onto the placeholder in that instant
    would be lost. A process killed there leaves the placeholder, which the next attempt knows by its content (:data:`PLACEHOLDER`); killed before it had
    any, an empty file, which is taken for somebody else's.

    Raises:
        FileExistsError: the name is there.
        OSError: it cannot be given.
    """
    try:
        os.link(draft, name, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
    except FileExistsError:
        # Network file systems may carry the step out, lose the answer, and try it again.
        if not os.path.samestat(_about(directory, draft), _about(directory, name)):
            raise
    except OSError as fault:
        if fault.errno not in _NO_LINKS:
            raise
        if not moved(directory, draft, name):
            _by_placeholder(directory, draft, name, mode)
        return
    os.unlink(draft, dir_fd=directory)


def moved(directory: int, draft: str, name: str) -> bool:
    """Renames in one step to where nothing is; ``False`` where that cannot be done here.

    Raises:
        FileExistsError: the name is there.
        OSError: it cannot be given.
    """
    rename = getattr(_LIBC, "renameat2", None)
    if rename is None:
        return False
    if rename(directory, os.fsencode(draft), directory, os.fsencode(name), _NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NO_FLAGS:
        return False
    raise OSError(code, os.strerror(code))


def _about(directory: int, name: str) -> os.stat_result:
    return os.stat(name, dir_fd=directory, follow_symlinks=False)


def _by_placeholder(directory: int, draft: str, name: str, mode: int) -> None:
    descriptor = os.open(name, _NEW, mode, dir_fd=directory)
    try:
        os.write(descriptor, PLACEHOLDER)
    finally:
        os.close(descriptor)
    os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
