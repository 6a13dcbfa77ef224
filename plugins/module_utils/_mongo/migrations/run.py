"""One run: read, plan, and outside check mode lock, check with the server, apply and verify."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from ..._migration.version import Target
from .. import api
from . import commands
from . import plan as state
from .apply import Applier
from .document import UNTOUCHED
from .history import History
from .lock import Lock
from .resolve import Script

RETRIES = 3


@dataclasses.dataclass(frozen=True)
class Job:
    """What a run is asked for; times in seconds."""

    database: str
    scripts: list[Script]
    target: Target
    out_of_order: bool
    history_collection: str
    lock_lease: int
    lock_timeout: int
    count: bool

    @property
    def lock_collection(self) -> str:
        return f"{self.history_collection}_lock"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was, or in check mode would be, done."""

    plan: Plan
    warnings: list[str]
    version: str | None


class Run:
    """One run against one server."""

    def __init__(self, server: api.Server | None, job: Job, user: str) -> None:
        self._server = server
        self.job = job
        self.user = user

    @property
    def server(self) -> api.Server:
        if self._server is None:
            raise AssertionError("a run that only imagines an empty server asked it something")
        return self._server

    def imagine(self) -> Outcome:
        """What a run would do on a server that does not exist yet. Asks no server."""
        verdict = self._judge([])
        return Outcome(self._plan(verdict.pending), verdict.warnings, None)

    def check(self) -> Outcome:
        """What a run would do. Writes nothing and takes no lock."""
        records = History(self.server, self.job.database, self.job.history_collection).read()
        verdict = self._judge(records)
        self._check_with_server(verdict.pending)
        return Outcome(self._plan(verdict.pending), verdict.warnings, _version(records))

    def apply(self) -> Outcome:
        """:raises GroundworkError: files and history disagree, the lock is taken, or the server refuses."""
        first = self.check()
        if not first.plan:
            return first
        job = self.job
        with Lock(self.server, job.database, job.lock_collection, job.lock_lease, job.lock_timeout) as lock:
            history = History(self.server, job.database, job.history_collection, lock.owner)
            # Another run may have held the lock until now and done it all.
            verdict = self._judge(history.read())
            same = [step.name for step in first.plan] == [self._name(one.script) for one in verdict.pending]
            plan = first.plan if same else self._plan(verdict.pending)
            for pending in verdict.pending:
                self._apply_one(history, lock, pending)
            records = history.read()
        unfinished = self._judge(records).pending
        if unfinished:
            raise GroundworkError(
                f"{unfinished[0].script.title} was applied and is not recorded as such.",
                where=unfinished[0].script.label, code=ErrorCode.NOT_CONVERGED,
                hint="Look whether something else writes into the history collection.",
            )
        return Outcome(plan, verdict.warnings, _version(records))

    def _judge(self, records: list[state.Record]) -> state.Verdict:
        return state.judge(self.job.scripts, records, self.job.target, self.job.out_of_order)

    def _apply_one(self, history: History, lock: Lock, pending: state.Pending) -> None:
        for attempt in range(RETRIES + 1):
            records = history.read()
            if attempt:
                again = [one for one in self._judge(records).pending if one.script.key == pending.script.key]
                if not again:
                    return
                pending = again[0]
            rank = max((record.rank for record in records), default=0) + 1
            try:
                Applier(self.server, self.job.database, history, lock, pending).apply(rank, self.user)
                return
            except api.PRIMARY_LOST:
                if attempt == RETRIES:
                    raise
                self.server.wait_for_primary(api.ELECTION_SECONDS)
                lock.assert_held()

    def _check_with_server(self, pending: list[state.Pending]) -> None:
        """Let the server read every query and update before the first write."""
        if self.server.facts.engine != "mongodb":
            return
        problems = []
        for one in pending:
            for operation in one.script.operations[one.done :]:
                command = commands.explained(operation)
                try:
                    if command:
                        self.server.run(self.job.database, command)
                except api.ServerRefused as error:
                    problems.append(f"{operation.where}.{operation.kind}: {error.server_message}")
        if problems:
            what = problems[0] if len(problems) == 1 else "The server refuses operations:\n  " + "\n  ".join(problems)
            raise GroundworkError(
                what, untouched=UNTOUCHED, code=ErrorCode.OPERATION_REFUSED, hint="Mend the files and run again."
            )

    def _plan(self, pending: list[state.Pending]) -> Plan:
        return Plan(tuple(self._step(one) for one in pending))

    def _name(self, script: Script) -> str:
        return f"{self.job.database} {script.title}"

    def _step(self, pending: state.Pending) -> Step:
        script = pending.script
        operations = [self._described(one) for one in script.operations]
        before: dict[str, t.Any] | None = None
        action = "apply"
        if pending.continues and pending.record:
            action = "continue"
            before = {"operations_done": pending.done, "progress": pending.record.progress}
        elif pending.record and pending.record.success:
            action, before = "apply again", {"checksum": pending.record.checksum}
        after = {"script": script.name, "checksum": script.checksum, "operations": operations}
        return Step(action, "migration", self._name(script), before, after)

    def _described(self, one: t.Any) -> dict[str, t.Any]:
        described: dict[str, t.Any] = {"operation": one.title()}
        if "documents" in one.body:
            described["documents"] = len(one.documents)
        if self.job.count and self._server:
            counted = [self.server.run(self.job.database, command)["n"] for command in commands.counts(one)]
            if counted:
                described["documents_that_match"] = sum(counted)
        return described


def _version(records: list[state.Record]) -> str | None:
    """The highest version that is applied."""
    applied = [record.version for record in records if record.version and record.success]
    return str(max(applied)) if applied else None
