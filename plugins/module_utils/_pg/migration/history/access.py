"""Tables that are their owner's alone."""

from __future__ import annotations

from ...quoting import identifier as quote_name
from ...session import Session

_OTHERS = """
SELECT DISTINCT CASE WHEN a.grantee = 0 THEN NULL ELSE r.rolname END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE n.nspname = %s AND c.relname = %s AND a.grantee <> c.relowner
"""


def restrict_to_owner(session: Session, schema: str, name: str) -> None:
    """Take back what default privileges gave other roles on a table that was just created."""
    for (grantee,) in session.rows(_OTHERS, schema, name):
        role = "PUBLIC" if grantee is None else quote_name(grantee)
        session.run(f"REVOKE ALL ON TABLE {quote_name(schema)}.{quote_name(name)} FROM {role}")
