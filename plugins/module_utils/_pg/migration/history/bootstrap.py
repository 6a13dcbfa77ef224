"""Before the first migration: schemas, the history table, its first rows and its privileges."""

from __future__ import annotations

import dataclasses
import typing as t

from ...quoting import identifier as quote_name
from ...session import Session
from . import table as history
from .access import restrict_to_owner
from .table import Row, Table


@dataclasses.dataclass(frozen=True)
class Missing:
    """What has to be there before the first script.

    :ivar schemas: to create; a SCHEMA row says so.
    :ivar history: whether the history table is to be created.
    :ivar baseline: its first row, written before the primary key is there, as Flyway does.
    """

    schemas: t.Sequence[str]
    history: bool
    baseline: Row | None = None

    def __bool__(self) -> bool:
        return bool(self.schemas or self.history)


def bootstrap(session: Session, table: Table, missing: Missing, installed_by: str, owner_only: bool) -> None:
    """Create it all in one transaction.

    :param owner_only: take back what default privileges gave other roles on the history table.
    :raises SqlError: the server refuses something; nothing remains then.
    """
    session.run("BEGIN")
    for name in missing.schemas:
        session.run(f"CREATE SCHEMA {quote_name(name)}")
    if missing.history:
        session.run(table.ddl())
        if missing.baseline:
            session.run(table.insert(dataclasses.replace(missing.baseline, installed_by=installed_by)))
        session.run(table.index_ddl())
        if owner_only:
            restrict_to_owner(session, table.schema, table.name)
    if missing.schemas:
        rank = history.next_rank(table.read(session), history.SCHEMA)
        session.run(table.insert(history.schema_row(missing.schemas, rank, installed_by)))
    session.run("COMMIT")
