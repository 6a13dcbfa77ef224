# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log of the launch system, as the tests of pg_partitions use it."""

from __future__ import annotations

import typing as t

Run = t.Callable[..., dict[str, t.Any]]
TODAY = "2026-11-21"
AUDIT_LOG = """
CREATE TABLE audit_log (id text, tenant_id text NOT NULL, performed_at timestamptz NOT NULL DEFAULT now(),
  changes jsonb, CHECK (tenant_id <> '')) PARTITION BY RANGE (performed_at);
CREATE INDEX idx_audit_tenant_date ON audit_log (tenant_id, performed_at);
"""


def names(sql: t.Callable[[str], list[tuple[t.Any, ...]]], table: str = "audit_log") -> list[str]:
    rows = sql(f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass ORDER BY 1")
    return [row[0] for row in rows]


def tables(sql: t.Callable[[str], list[tuple[t.Any, ...]]]) -> list[str]:
    return [row[0] for row in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
