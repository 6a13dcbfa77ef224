"""What the schemas looked like after the last run, kept to find changes that came by another way."""

from __future__ import annotations

import json
import typing as t

from ...quoting import literal as quote_text
from ...session import Session, SqlError
from . import catalogue
from .catalogue import Snapshot
from .side_table import PREFIX, SideTable
from .table import Table

_COLUMNS = (
    "installed_rank integer NOT NULL, schemas text NOT NULL, fingerprint text NOT NULL, objects text NOT NULL,"
    " taken_on timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (history_table)"
)


class Fingerprint:
    """The one stored fingerprint of a history table."""

    def __init__(self, session: Session, table: Table) -> None:
        self.table = SideTable(session, table, f"{PREFIX}fingerprint", _COLUMNS)

    def store(self, schemas: t.Sequence[str], rank: int) -> str | None:
        """Read the catalogue and keep its fingerprint, in one transaction of its own.

        :return: a warning when that was not possible; everything else is done by then, so it is no failure.
        """
        try:
            self._store(schemas, rank)
            return None
        except SqlError as error:
            self.table.session.rollback()
            return f"No fingerprint for finding drift could be stored: {error.text}."

    def _store(self, schemas: t.Sequence[str], rank: int) -> None:
        session = self.table.session
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '3s'")
        self.table.create()
        snapshot = catalogue.read(session, self.table.history, schemas)
        values = (
            quote_text(self.table.history.name),
            str(rank),
            quote_text(json.dumps(list(schemas))),
            quote_text(catalogue.fingerprint(snapshot)),
            quote_text(json.dumps(catalogue.hashes(snapshot))),
        )
        session.run(
            f"INSERT INTO {self.table.qualified} (history_table, installed_rank, schemas, fingerprint, objects)"  # noqa: S608
            f" VALUES ({', '.join(values)}) ON CONFLICT (history_table) DO UPDATE SET"
            " installed_rank = excluded.installed_rank, schemas = excluded.schemas, fingerprint = excluded.fingerprint,"
            " objects = excluded.objects, taken_on = now(); COMMIT"
        )

    def objects(self, last_rank: int) -> Snapshot | None:
        """The stored objects; ``None`` when nothing is stored, or somebody else has migrated since."""
        if not self.table.exists():
            return None
        rows = self.table.session.rows(
            f"SELECT installed_rank, objects FROM {self.table.qualified} WHERE {self.table.mine}"  # noqa: S608
        )
        return json.loads(rows[0][1]) if rows and rows[0][0] == last_rank else None

    def drift(self, last_rank: int) -> dict[str, t.Any]:
        """Compare the catalogue with the stored fingerprint.

        :param last_rank: of the newest history row: a fingerprint of an older one proves nothing, because somebody else
            (Flyway, for one) has migrated since.
        """
        session = self.table.session
        if not self.table.exists():
            return _unknown("no fingerprint is stored")
        rows = session.rows(
            f"SELECT installed_rank, schemas, fingerprint, objects, taken_on FROM {self.table.qualified}"  # noqa: S608
            f" WHERE {self.table.mine}"
        )
        if not rows:
            return _unknown("no fingerprint is stored")
        rank, schemas, stored, objects, taken_on = rows[0]
        if rank != last_rank:
            return _unknown(f"the stored fingerprint is of installed_rank {rank}, the history is at {last_rank}")
        now = catalogue.read(session, self.table.history, json.loads(schemas))
        before: Snapshot = json.loads(objects)
        return {
            "known": True,
            "drifted": catalogue.fingerprint(now) != stored,
            "since": taken_on.isoformat(),
            **catalogue.difference(before, catalogue.hashes(now)).facts(),
        }


def _unknown(reason: str) -> dict[str, t.Any]:
    return {"known": False, "drifted": False, "reason": reason, "created": [], "changed": [], "dropped": []}
