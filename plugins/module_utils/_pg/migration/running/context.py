"""The live pieces of a run on a server, put together once."""

from __future__ import annotations

import dataclasses
import typing as t

from ...session import Session
from ...sql.transaction_mode import TransactionModes
from ..commands.settings import Settings
from ..history.progress import Step
from ..history.table import Row, Table
from ..planning.database import Facts
from .blockers import Watch
from .callback import Callbacks
from .outcome import Outcome
from .retry import Retry
from .session_settings import Surroundings


@dataclasses.dataclass
class Live:
    """What was read from the server before planning.

    :ivar rows: the history; empty when there is no table.
    :ivar unfinished: steps of scripts that an earlier run left in the middle, by their identity.
    """

    facts: Facts
    table: Table
    table_exists: bool
    rows: list[Row]
    unfinished: dict[str, list[Step]]


@dataclasses.dataclass
class Stage:
    """Everything that applying needs."""

    session: Session
    settings: Settings
    live: Live
    surroundings: Surroundings
    callbacks: Callbacks
    watch: Watch
    modes: TransactionModes
    outcome: Outcome
    deadline: float | None

    @property
    def table(self) -> Table:
        return self.live.table

    @property
    def installed_by(self) -> str:
        return self.settings.installed_by or self.live.facts.role

    def retry(self) -> Retry:
        return Retry(self.settings, self.deadline)

    def next_rank(self) -> int:
        """The rank of the next row, from the table itself."""
        last: t.Any = self.session.value(f'SELECT max("installed_rank") FROM {self.table.qualified}')  # noqa: S608
        return 1 if last is None else last + 1
