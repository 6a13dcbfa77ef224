"""Carrying out a plan for a replica set: one step, then proof that the set has taken it, then the next."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from .. import api
from . import bootstrap, health, model
from . import live as observe
from . import plan as reconfigure

# Answers of a server that is busy with the previous change: the same step is right a moment later.
CONFIG_IN_PROGRESS = 109
NOT_COMMITTED_YET = 308
BUSY = frozenset({CONFIG_IN_PROGRESS, NOT_COMMITTED_YET})
ALREADY_INITIALIZED = 23
USER_EXISTS = 51003
STEP_DOWN_SECONDS = 60
CATCH_UP_SECONDS = 10
LAG_SECONDS = 10


class Carrier:
    """Carries out steps on one set.

    :param server: a session with the administrator's rights on any member, or one of the localhost exception.
    :param options: the module's parameters.
    """

    def __init__(self, server: api.Server, options: dict[str, t.Any]) -> None:
        self.entry = server
        self.server = server
        self.options = options
        self.seconds: float = options["wait_timeout"]
        self.done: list[Step] = []
        self.last: health.Health | None = None

    def close(self) -> None:
        if self.server is not self.entry:
            self.server.close()

    def run(self, plan: Plan) -> None:
        """Carry out every step.

        :raises GroundworkError: a step is refused, or what it waits for does not come about in time.
        """
        for step in plan:
            try:
                self._one(step)
            except GroundworkError as error:
                raise self._explained(step, error) from None
            self.done.append(step)

    def _one(self, step: Step) -> None:
        if isinstance(step, bootstrap.Initiate):
            self._initiate(step)
        elif isinstance(step, bootstrap.CreateAdministrator):
            self._create_administrator(step)
        elif isinstance(step, reconfigure.Reconfiguration):
            self._reconfigure(step)
        elif isinstance(step, reconfigure.StepDown):
            self.step_down(step.host)
        elif step.kind == "feature compatibility version":
            self._set_feature_compatibility(step)

    def _explained(self, step: Step, error: GroundworkError) -> GroundworkError:
        text = error.server_message if isinstance(error, api.ServerRefused) else error.what
        hint = error.hint
        if isinstance(error, api.ServerRefused) and error.server_code == api.UNAUTHORIZED:
            hint = "Give the login user the role clusterAdmin or root."
        return GroundworkError(
            f"{step.action} {step.kind} {step.name}: {text}", where=self.server.where,
            untouched=f"this step and what comes after it; {len(self.done)} steps before it are done",
            hint=hint or "Run again: what is done is kept and not done twice.",
            code=error.code or ErrorCode.STEP_FAILED,
            details={**error.details, "actions": Plan(tuple(self.done)).actions(), "statement": step.statement},
        )

    def _initiate(self, step: bootstrap.Initiate) -> None:
        try:
            self.server.run("admin", {"replSetInitiate": step.config})
        except api.ServerRefused as error:
            if error.server_code != ALREADY_INITIALIZED:
                raise
        self._until(lambda: bool(self.server.hello()["isWritablePrimary"]), "this member becomes the primary")

    def _create_administrator(self, step: bootstrap.CreateAdministrator) -> None:
        database = self.options["login_database"]
        self._until(lambda: bool(self.server.hello()["isWritablePrimary"]), "this member becomes the primary")
        command = {**step.command, "pwd": self.options["login_password"]}
        try:
            self.server.run(database, command, write=True)
        except api.ServerRefused as error:
            # Another run was quicker; the login that follows tells whether it set the same password.
            if error.server_code != USER_EXISTS:
                raise
        session = observe.login(self.options)
        if session is None:
            raise GroundworkError(
                f"The login of {step.command['createUser']} is refused although the user was just created.",
                where=self.server.where, code=ErrorCode.LOGIN_REFUSED,
                hint="Another run may have created it with another password.",
            )
        self.entry.close()
        self.entry = self.server = session

    def _reconfigure(self, step: reconfigure.Reconfiguration) -> None:
        self._go_to_primary()
        for host in step.wait_for:
            self._wait_for_data(host)
        self._until(lambda: observe.committed(self.server), "a majority has the present configuration")
        self._until(lambda: self._send(step), "the server accepts the new configuration")
        self._until(lambda: observe.committed(self.server), "a majority has the new configuration")

    def _send(self, step: reconfigure.Reconfiguration) -> bool:
        self._go_to_primary()
        config = self.server.run("admin", {"replSetGetConfig": 1})["config"]
        live = [{**member, "host": model.address(member["host"])} for member in config["members"]]
        if _applied(step, config, live):
            return True
        if [model.described(one) for one in live] != [model.described(one) for one in step.members_before]:
            raise GroundworkError(
                "Something else has changed the configuration of the replica set meanwhile.", where=self.server.where,
                hint="Run again when no other run is at work.", code=ErrorCode.CONCURRENT_CHANGES,
            )
        config["members"] = [_document(member) for member in step.members]
        config["version"] += 1
        config["settings"] = {**config.get("settings", {}), **step.settings}
        try:
            self.server.run("admin", {"replSetReconfig": config, "maxTimeMS": int(self.seconds * 1000)})
        except api.ServerRefused as error:
            if error.server_code in BUSY:
                return False
            raise
        except api.ConnectionLost:
            # Another look tells whether it took effect.
            return False
        return True

    def step_down(self, host: str) -> None:
        """Make another member the primary; nothing when ``host`` is not the primary any more.

        :raises GroundworkError: no electable member has caught up, or none is elected.
        """
        self._go_to_primary()
        if model.address(self.server.hello().get("me", "")) != host:
            return
        command = {
            "replSetStepDown": STEP_DOWN_SECONDS, "secondaryCatchUpPeriodSecs": CATCH_UP_SECONDS,
        }
        with contextlib.suppress(api.ConnectionLost):
            self.server.run("admin", command)
        self._until(lambda: self._another_primary(host), "another member becomes the primary")

    def _another_primary(self, host: str) -> bool:
        found = observe.to_primary(self.server, self.options, 0)
        if found is None:
            return False
        if model.address(found.hello().get("me", "")) == host:
            return False
        self._use(found)
        return True

    def _set_feature_compatibility(self, step: Step) -> None:
        self._go_to_primary()
        command: dict[str, t.Any] = {"setFeatureCompatibilityVersion": step.after}
        if self.server.facts.version >= (7,):
            command["confirm"] = True
        self.server.run("admin", command, write=True)

    def _go_to_primary(self) -> None:
        found = observe.to_primary(self.server, self.options, self.seconds)
        if found is None:
            raise GroundworkError(
                f"The replica set has no primary, and none was elected within {self.seconds:g} s.",
                where=self.server.where, code=ErrorCode.NO_PRIMARY,
                hint="See that a majority of its voting members runs and that they reach each other.",
            )
        self._use(found)

    def _use(self, server: api.Server) -> None:
        if server is not self.server:
            if self.server is not self.entry:
                self.server.close()
            self.server = server

    def _wait_for_data(self, host: str) -> None:
        try:
            self._until(lambda: self._caught_up(host), f"{host} holds the data", self.options.get("sync_timeout"))
        except GroundworkError as error:
            state = self.last.states.get(host) if self.last else None
            if error.code != ErrorCode.TIMEOUT or state is None or state.serves:
                raise
            # The primary may fail to reach what this host reaches, or have another key file.
            raise GroundworkError(
                f"{error.what} To the primary it is {state.name}{f' ({state.message})' if state.message else ''}.",
                where=error.where, hint=error.hint, code=error.code,
            ) from None

    def _caught_up(self, host: str) -> bool:
        self.last = observe.live(self.server).health
        return self.last.caught_up(host, LAG_SECONDS)

    def _until(self, condition: t.Callable[[], bool], what: str, seconds: float | None = None) -> None:
        allowed = self.seconds if seconds is None else seconds
        deadline = time.monotonic() + allowed
        while True:
            try:
                if condition():
                    return
            except api.ConnectionLost:
                self._go_to_primary()
            if time.monotonic() > deadline:
                raise GroundworkError(
                    f"Waited {allowed:g} s in vain until {what}.", where=self.server.where, code=ErrorCode.TIMEOUT,
                    hint="See the logs of the members. Run again: what is done is kept and not done twice.",
                )
            time.sleep(observe.PAUSE_SECONDS)


def _document(member: model.Member) -> dict[str, t.Any]:
    return {"_id": member["_id"], **{key: value for key, value in member.items() if key != "_id"}}


def _applied(step: reconfigure.Reconfiguration, config: dict[str, t.Any], live: list[model.Member]) -> bool:
    settings = config.get("settings", {})
    return [model.described(one) for one in live] == [model.described(one) for one in step.members] and all(
        settings.get(name) == value for name, value in step.settings.items()
    )
