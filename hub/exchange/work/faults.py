"""What is told of a chunk that came to nothing: no value, no statement, no address."""

from __future__ import annotations

import errno

from connectors.errors import ConfigFault, SourceFault, SourceTimeout
from hub.exchange.work.task import ChunkFault, ChunkTask

NO_ROOM = "RATE_LIMITED"
"""The code of a chunk for which the disk had no room."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Of a disk that takes no more."""


def of_source(task: ChunkTask, fault: SourceFault) -> ChunkFault:
    """Which resource it was, and whether trying again may help; worded as :func:`schema.reader.source_fault` words it."""
    codes = dict.fromkeys(reading.resource for reading in task.spec.readings if reading.source == fault.source)
    resource = ", ".join(codes) or task.spec.root.resource
    if isinstance(fault, SourceTimeout):
        return ChunkFault("TIMEOUT", f"数据源响应超时：{resource}", f"the source of {resource} did not answer in time", retryable=True, why=str(fault))
    if fault.retryable:
        return ChunkFault("SOURCE_UNAVAILABLE", f"数据源暂不可用：{resource}", f"the source of {resource} is not available", retryable=True, why=str(fault))
    zh, en = f"数据源拒绝了查询：{resource}；可换用其他排序或条件", f"the source of {resource} refused the query; another order or filter may do"
    return ChunkFault("SOURCE_UNAVAILABLE", zh, en, retryable=False, why=str(fault))


def of_configuration(task: ChunkTask, fault: ConfigFault) -> ChunkFault:
    """A source that cannot be opened here."""
    resource = task.spec.root.resource
    return ChunkFault(
        "SOURCE_UNAVAILABLE", f"数据源配置有误：{resource}", f"the source of {resource} is wrongly configured", retryable=False, why=fault.message
    )


def of_disk(fault: OSError) -> ChunkFault:
    """The file could not be written."""
    if fault.errno in FULL:
        return ChunkFault(NO_ROOM, "平台磁盘空间不足", "the hub's disk has no room left", retryable=True)
    return ChunkFault("INTERNAL", "文件写入失败", f"the file could not be written ({fault.strerror})", retryable=True)
