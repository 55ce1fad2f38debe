"""Tables of the catalog: departments, sources, imported manifests, published snapshots."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, true

from hub.store.base import UtcText, metadata

department = Table(
    "department",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text, nullable=False, default=""),
    Column("uscc", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("created_at", UtcText, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
)
"""部门. ``uscc`` is its unified social credit code (GB 32100). Of one that is not ``active`` no application and no person is let in."""

source = Table(
    "source",
    metadata,
    Column("code", Text, primary_key=True),
    Column("department", Text, ForeignKey(department.c.code), nullable=False),
    Column("config", Text, nullable=False),
    Column("registered_at", UtcText, nullable=False),
)
"""数据源 registered apart from a manifest; ``code`` is ``department.source``, ``config`` JSON without any secret."""

manifest = Table(
    "catalog_manifest",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("department", Text, ForeignKey(department.c.code), nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('IMPORTED','APPROVED','REJECTED','PUBLISHED')", name="state"), nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("imported_at", UtcText, nullable=False),
    Column("reviewed_by", Text, CheckConstraint("reviewed_by IS NULL OR reviewed_by <> imported_by", name="four_eyes")),
    Column("reviewed_at", UtcText),
    Column("opinion", Text),
    Column("form", Text),
)
"""Every manifest that was ever imported; never changed but for its review. ``form`` says as JSON what ``text`` says; NULL where JSON cannot."""
Index("ix_catalog_manifest_department_state", manifest.c.department, manifest.c.state)

snapshot = Table(
    "catalog_snapshot",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("manifests", Text, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_at", UtcText, nullable=False),
)
"""Published states; ``manifests`` is a JSON object department → manifest id. The highest number is in force."""

mask_rule = Table(
    "mask_rule",
    metadata,
    Column("department", Text, ForeignKey(department.c.code), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("manifest", Integer, ForeignKey(manifest.c.id), nullable=False),
)
"""Every version of a department's own masking rules that was ever published; rows are only added. ``content`` is what the declaration says, as JSON."""

revision = Table(
    "revision",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
"""Counters that other processes watch to notice a change: ``catalog``, ``rights``, ``revocations``."""
