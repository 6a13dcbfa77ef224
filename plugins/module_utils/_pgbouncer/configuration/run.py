"""One run of the module: everything is read and decided first, then, outside check mode, done and verified."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from ..._host import filesystem
from ..._host.account import Account, require_account
from ..._host.service import Systemd, read_units_again
from ..._pg import api
from .. import known_settings
from ..instances import Instances, Unit, read_units
from ..known_settings import Version, text_of
from . import capacity, declared, dry_run, files, live, port_check, server_check
from . import plan as decide
from .apply import Applier, Patience
from .declared import UNTOUCHED, Wanted
from .plan import Decision, Expected
from .render import Layout, own_settings

RECOMMENDED: Version = (1, 25, 2)


@dataclasses.dataclass
class Outcome:
    """What the module returns."""

    version: Version
    plan: Plan = dataclasses.field(default_factory=Plan)
    decisions: list[Decision] = dataclasses.field(default_factory=list)
    postponed: list[Decision] = dataclasses.field(default_factory=list)
    capacity: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    pools: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    reached: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


class Run:
    """Options are those of M(groundwork.databases.pgbouncer_configuration)."""

    def __init__(self, options: dict[str, t.Any], *, check_mode: bool) -> None:
        self._options = options
        self._check_mode = check_mode
        self._layout = Layout(options["directory"], options["runtime_directory"], options["log_directory"])
        self._instances = Instances(options["unit"]) if options["supervisor"] == "systemd" else None

    def run(self) -> Outcome:
        installed = dry_run.installed_version(self._options["binary"])
        if installed is None and not self._check_mode:
            raise GroundworkError(
                f"{self._options['binary']} is not there.",
                where="binary",
                untouched=UNTOUCHED,
                hint="Install pgbouncer.",
            )
        outcome = Outcome(installed or known_settings.parse_version(self._options["minimum_version"]) or RECOMMENDED)
        self._check_version(outcome)
        description = declared.parse(self._options, outcome.version)
        if installed is None or api.DRIVER_IMPORT_ERROR:
            self._predict_virgin(description, outcome)
        else:
            self._converge(description, outcome)
        return outcome

    def _check_version(self, outcome: Outcome) -> None:
        minimum = known_settings.parse_version(self._options["minimum_version"])
        if minimum is None:
            raise GroundworkError(
                f"{self._options['minimum_version']!r} is no version.",
                where="minimum_version",
                untouched=UNTOUCHED,
                hint="Write 1.25.2.",
                code=ErrorCode.INVALID_INPUT,
            )
        holes = known_settings.known_holes(outcome.version)
        if outcome.version < minimum:
            raise GroundworkError(
                f"PgBouncer {text_of(outcome.version)} is installed, {text_of(minimum)} is the least.",
                where=self._options["binary"],
                untouched=UNTOUCHED,
                code=ErrorCode.VERSION_TOO_OLD,
                details={"known_holes": holes},
                hint="Install a newer one (PGDG has it), or lower minimum_version and live with: " + "; ".join(holes),
            )
        if outcome.version < RECOMMENDED:
            outcome.warnings.append(
                f"minimum_version allows PgBouncer {text_of(outcome.version)}, which is known to have these holes, "
                f"unless the distribution mended them: {'; '.join(holes)}"
            )

    def _predict_virgin(self, description: Wanted, outcome: Outcome) -> None:
        """Check mode before anything is installed: every file is new and every process starts."""
        outcome.capacity = capacity.check(description, self._options["pooler_hosts"], self._given_capacities())
        steps = files.plan(files.wanted_files(description, self._layout), None)
        outcome.decisions = [
            Decision(process, decide.START, ("it does not run",)) for process in range(1, description.processes + 1)
        ]
        outcome.plan = Plan((*steps, *map(_process_step, outcome.decisions)))

    def _converge(self, description: Wanted, outcome: Outcome) -> None:
        who = require_account(self._options["account"], "account")
        wanted_files = files.wanted_files(description, self._layout)
        steps = files.plan(wanted_files, who)
        expected = self._expected(description, who, wanted_files, steps, outcome.version)
        numbers = range(1, description.processes + 1)
        running = {number: live.read(self._layout, number, who) for number in numbers}
        outcome.decisions = [decide.decide(number, expected[number], running[number]) for number in numbers]
        outcome.decisions += [
            Decision(number, decide.STOP, ("there shall be fewer",))
            for number in (self._instances.beyond(description.processes) if self._instances else ())
        ]
        self._postpone(outcome)
        replaced = self._replaced_unit()
        if replaced is None and any(decision.needs_a_start for decision in outcome.decisions):
            port_check.check(description, running.values(), who)
        outcome.plan = Plan(
            (
                *([_replace_step(replaced)] if replaced else ()),
                *steps,
                *(Step("remove", "file", path) for path in files.obsolete_files(description, self._layout)),
                *(_process_step(decision) for decision in outcome.decisions if decision.action != decide.NOTHING),
                *self._boot_steps(numbers),
            )
        )
        self._check_servers(description, outcome)
        if outcome.plan and not self._check_mode:
            self._apply(outcome, wanted_files, who, expected, replaced)
        if not self._check_mode or not outcome.plan:
            alive = [number for number in numbers if live.read(self._layout, number, who)]
            outcome.pools = live.pools(self._layout, alive, who)

    def _expected(
        self, description: Wanted, who: Account, wanted_files: list[files.File], steps: list[Step], version: Version
    ) -> dict[int, Expected]:
        others = description.files_read
        numbers = range(1, description.processes + 1)
        digests = {number: files.digest(wanted_files, others, self._layout.ini(number)) for number in numbers}
        tried = dry_run.try_out(self._options["binary"], who, description)
        units = self._instances.units(numbers) if self._instances else {}
        expected = {}
        for number in numbers:
            ini = self._layout.ini(number)
            paths = [self._layout.userlist, self._layout.hba, ini]
            written = any(step.name in paths for step in steps)
            expected[number] = Expected(
                version,
                tried,
                description.settings | own_settings(description, self._layout, number),
                digests[number],
                changed_at=math.inf if written else files.newest_change(paths + others),
                unit_changed_at=units[number].changed_at if number in units else 0.0,
            )
        return expected

    def _postpone(self, outcome: Outcome) -> None:
        """Keep what must not, or cannot, be started from here for whoever runs the processes."""
        if self._instances and self._options["restart"] == "rolling":
            return
        postponed = [
            decision
            for decision in outcome.decisions
            if decision.needs_a_start and (not self._instances or decision.action == decide.RESTART)
        ]
        outcome.postponed = postponed
        outcome.decisions = [
            decision.without_restart() if decision in postponed else decision for decision in outcome.decisions
        ]

    def _replaced_unit(self) -> Unit | None:
        name = self._options["replaces_unit"]
        unit = read_units([name])[name] if name and self._instances else None
        if unit is None or not unit.exists or not (unit.active or unit.enabled):
            return None
        if unit.active and not self._options["take_over"]:
            raise GroundworkError(
                f"{name} runs: somebody else's pooler serves clients on this host.",
                where=name,
                untouched=UNTOUCHED,
                hint="Bring its databases and users into this description, then set take_over: true.",
                code=ErrorCode.TAKE_OVER,
            )
        return unit

    def _boot_steps(self, numbers: t.Iterable[int]) -> list[Step]:
        units = self._instances.units(numbers) if self._instances else {}
        return [Step("enable", "unit", unit.name) for unit in units.values() if unit.exists and not unit.enabled]

    def _given_capacities(self) -> list[capacity.Server]:
        return [
            capacity.Server(server["host"], server["port"], server["max_connections"], server["reserve_connections"])
            for server in self._options["servers"]
        ]

    def _check_servers(self, description: Wanted, outcome: Outcome) -> None:
        """A change needs servers that answer; a run that changes nothing only warns."""
        servers = []
        for server in self._options["servers"]:
            try:
                options = {**server, "connect_timeout": self._options["connect_timeout"]}
                servers.append(server_check.capacity_of(options))
            except api.ServerUnreachable as error:
                if outcome.plan and self._options["server_check"]:
                    raise _unreachable(error) from None
                outcome.warnings.append(f"{error.what} Its max_connections is not known.")
        outcome.capacity = capacity.check(description, self._options["pooler_hosts"], servers)
        if outcome.plan and self._options["server_check"]:
            outcome.reached = server_check.check(description, description.settings, self._options["connect_timeout"])

    def _apply(
        self,
        outcome: Outcome,
        wanted_files: list[files.File],
        who: Account,
        expected: dict[int, Expected],
        replaced: Unit | None,
    ) -> None:
        patience = Patience(
            self._options["drain_timeout"], self._options["restart_timeout"], self._options["restart_force"]
        )
        files.write(wanted_files, who, {step.name for step in outcome.plan if step.kind == "file"})
        for step in outcome.plan:
            if (step.action, step.kind) == ("remove", "file"):
                filesystem.remove(step.name)
        if self._instances:
            read_units_again()
            if replaced:
                Systemd(replaced.name).tell("disable", "--quiet", "--now")
                Systemd(replaced.name).tell("mask", "--quiet")
        Applier(self._layout, who, self._instances, expected, patience).run(outcome.decisions)
        if self._instances:
            for number in expected:
                self._instances.service(number).tell("enable", "--quiet")


def _process_step(decision: Decision) -> Step:
    reasons = "\n".join(decision.reasons)
    return Step(decision.action, "process", str(decision.process), after=reasons, statement=reasons)


def _replace_step(unit: Unit) -> Step:
    state = f"{'active' if unit.active else 'inactive'}, {'enabled' if unit.enabled else 'disabled'}"
    return Step("mask", "unit", unit.name, before=state, after="stopped and masked")


def _unreachable(error: GroundworkError) -> GroundworkError:
    return GroundworkError(
        error.what,
        where=error.where,
        untouched=UNTOUCHED,
        code=ErrorCode.SERVER_UNREACHABLE,
        hint="Mend the login in servers, give max_connections instead, or set server_check: false.",
    )
