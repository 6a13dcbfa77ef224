"""Reads the live contents and applies plans: the part that talks to the server."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import secret_statement
from ..api import DatabaseMissing, ServerUnreachable
from ..connection import server_address
from ..quoting import literal
from ..session import LOCK_NOT_AVAILABLE, Session, SqlError
from . import catalogue, live, model
from .steps import SqlStep

APPLICATION_NAME = "groundwork pg_contents"
# Any fixed number: two runs at once would read the same state and both act on it.
ADVISORY_LOCK = 7_269_433_015_642_881


class Server:
    """One server, reached with the module's connection options. Use as a context manager."""

    def __init__(self, options: dict[str, t.Any]) -> None:
        self._options = options
        self._sessions: dict[str, Session] = {}
        self.login_db: str = options["login_db"]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exception: object) -> None:
        for session in self._sessions.values():
            session.close()

    def lock(self) -> None:
        """Hold off other runs until this one ends. The server lets go of the lock whatever happens to this process."""
        try:
            self._session(self.login_db).value("SELECT pg_catalog.pg_advisory_lock(%s)", ADVISORY_LOCK)
        except SqlError as error:
            if error.sqlstate != LOCK_NOT_AVAILABLE:
                raise self._failed(error, "SELECT pg_advisory_lock(...)", self.login_db) from None
            raise GroundworkError(
                f"Another run of pg_contents has held this server for {self._options['lock_timeout']} seconds.",
                where=server_address(self._options, self.login_db),
                untouched="everything; nothing was written",
                hint="Wait for it to end, or raise lock_timeout.",
                code=ErrorCode.LOCKED,
            ) from None

    def read(self, contents: model.Contents) -> tuple[live.Cluster, dict[str, live.Inside]]:
        """The server's state, and what each listed database holds (its template where it does not exist yet)."""
        cluster = catalogue.read_cluster(self._ask(self.login_db), contents)
        if cluster.verifiers is None:
            cluster = dataclasses.replace(cluster, probes=self._probe(contents, cluster))
        insides: dict[str, live.Inside] = {}
        for database in contents.databases:
            if not database.absent:
                insides[database.name] = self._read_inside(database, cluster)
        return cluster, insides

    def _read_inside(self, database: model.Database, cluster: live.Cluster) -> live.Inside:
        if database.name in cluster.databases:
            return catalogue.read_inside(self._ask(database.name), database)
        template = cluster.databases.get(database.effective_template)
        if template and template.allows_connections:
            try:
                with_template = Session.open(self._options, template.name, APPLICATION_NAME)
            except ServerUnreachable:
                return live.virgin_inside(cluster.version)
            # Closed at once: CREATE DATABASE waits only five seconds for sessions on its template to go away.
            try:
                return catalogue.read_inside(with_template.value, database)
            finally:
                with_template.close()
        return live.virgin_inside(cluster.version)

    def _probe(self, contents: model.Contents, cluster: live.Cluster) -> dict[str, bool | None]:
        """Where the secrets cannot be read (managed servers), logging in is the only way to compare a password."""
        return {
            role.name: None if cluster.roles[role.name].expired else self._logs_in(role.name, role.password.plain)
            for role in contents.roles
            if role.password and role.password.plain and role.name in cluster.roles and not role.absent
        }

    def _logs_in(self, role: str, password: str) -> bool | None:
        options = {**self._options, "login_user": role, "login_password": password, "ssl_cert": None, "ssl_key": None}
        try:
            Session.open(options, self.login_db, APPLICATION_NAME).close()
        except DatabaseMissing:
            return True
        except ServerUnreachable as error:
            text = error.what
            if "password authentication failed" in text:
                return False
            # The server checks these only after the password.
            after_password = (
                "permission denied for database",
                "is not permitted to log in",
                "too many connections for role",
            )
            return True if any(phrase in text for phrase in after_password) else None
        return True

    def secrets_written(self, steps: t.Iterable[SqlStep]) -> list[str]:
        """Warnings about secrets of the steps that the server keeps the text of, which this login cannot prevent."""
        roles = [step.name for step in steps if step.secret]
        session = self._session(self.login_db)
        try:
            places = secret_statement.still_written(session) if roles else []
        except SqlError as error:
            raise self._failed(error, "(reading the settings)", self.login_db) from None
        return [secret_statement.warning(f"holds the SCRAM secrets of {', '.join(roles)}", places)] if places else []

    def apply(self, steps: t.Iterable[SqlStep]) -> list[SqlStep]:
        """Run the steps, neighbours in the same database in one transaction: each part happens whole or not at all.

        :raises GroundworkError: for the first statement that the server refuses, with what was done before it.
        """
        done: list[SqlStep] = []
        for (database, alone), group in itertools.groupby(steps, key=lambda step: (step.database, step.alone)):
            session = self._session(database or self.login_db)
            batch = list(group)
            if alone:
                for step in batch:
                    self._leave_databases()
                    self._run(session, step.sql, step, done)
                    done.append(step)
                continue
            if any(step.secret for step in batch):
                self._run_unwritten(session, batch, done)
            else:
                self._run_together(session, batch, done)
            done += batch
        return done

    def _run_unwritten(self, session: Session, batch: list[SqlStep], done: list[SqlStep]) -> None:
        try:
            with secret_statement.unwritten(session):
                self._run_together(session, batch, done)
        except SqlError as error:
            raise self._failed(error, "(keeping secrets out of the log)", self.login_db, done=done) from None

    def _run_together(self, session: Session, batch: list[SqlStep], done: list[SqlStep]) -> None:
        self._run(session, "BEGIN", batch[0], done)
        for step in batch:
            self._run(session, step.sql, step, done)
        self._run(session, "COMMIT", batch[-1], done)

    def _run(self, session: Session, sql: str, step: SqlStep, done: list[SqlStep]) -> None:
        try:
            session.run(sql)
        except SqlError as error:
            session.rollback()
            raise self._failed(error, step.statement or "", step.database or self.login_db, step, done) from None

    def _leave_databases(self) -> None:
        """A database can be neither dropped nor copied while this very run is connected to it."""
        for name in [name for name in self._sessions if name != self.login_db]:
            self._sessions.pop(name).close()

    def _failed(
        self,
        error: SqlError,
        statement: str,
        database: str,
        step: SqlStep | None = None,
        done: t.Sequence[SqlStep] = (),
    ) -> GroundworkError:
        text = ". ".join(part.rstrip(".") for part in (error.text, error.detail) if part)
        if step and step.secret:
            text = text.replace(step.secret, "***")
        before = f"{len(done)} earlier changes are kept" if done else "everything; nothing was written"
        return GroundworkError(
            f"PostgreSQL refused a statement: {text} (SQLSTATE {error.sqlstate or 'none'}). Statement: {statement}",
            where=server_address(self._options, database),
            untouched=f"{before}; the transaction with this statement was rolled back"
            if step and not step.alone
            else before,
            hint=error.hint or "Correct the cause and run again: what is done already is recognised.",
            code=ErrorCode.STATEMENT_FAILED,
            details={"sqlstate": error.sqlstate, "applied": [each.summary() for each in done]},
        )

    def _ask(self, database: str) -> catalogue.Ask:
        session = self._session(database)

        def ask(sql: str, *values: t.Any) -> t.Any:
            try:
                return session.value(sql, *values)
            except SqlError as error:
                raise self._failed(error, "(reading the catalogues)", database) from None

        return ask

    def _session(self, database: str) -> Session:
        if database not in self._sessions:
            session = Session.open(self._options, database, APPLICATION_NAME)
            session.run(
                f"SET lock_timeout TO {literal(str(self._options['lock_timeout']) + 's')}; "
                "SET default_transaction_read_only TO off; SET statement_timeout TO 0"
            )
            self._sessions[database] = session
        return self._sessions[database]
