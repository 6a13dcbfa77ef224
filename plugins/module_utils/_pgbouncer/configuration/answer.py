"""The facts in what pgbouncer_configuration returns, as the controller takes them for its report."""

from __future__ import annotations

import dataclasses

from ..._core.answer import VERSION, Answer

_MOST_PROCESSES = 16383


@dataclasses.dataclass(frozen=True)
class Process:
    process: int
    action: str
    reasons: list[str]


@dataclasses.dataclass(frozen=True)
class Capacity:
    """What the poolers can ask of one server; ``None`` where nothing bounds it, or it is unknown."""

    server: str
    per_process: int | None
    processes: int
    pooler_hosts: int
    most_connections: int | None
    max_connections: int | None
    reserve_connections: int | None
    left: int | None


@dataclasses.dataclass(frozen=True)
class Pool:
    database: str
    user: str
    cl_active: int
    cl_waiting: int
    sv_active: int
    sv_idle: int
    sv_used: int
    maxwait: float


@dataclasses.dataclass(frozen=True)
class Report:
    """See RETURN of pgbouncer_configuration."""

    version: str
    processes: list[Process]
    restart_needed: list[Process]
    capacity: list[Capacity]
    pools: list[Pool]
    known_holes: list[str]


def parse(answer: Answer) -> Report:
    return Report(
        version=answer.text("version", VERSION),
        processes=[_process(found) for found in answer.records("processes")],
        restart_needed=[_process(found) for found in answer.records("restart_needed")],
        capacity=[_capacity(found) for found in answer.records("capacity")],
        pools=[_pool(found) for found in answer.records("pools")],
        known_holes=answer.sentences("known_holes"),
    )


def _process(found: Answer) -> Process:
    return Process(
        found.whole("process", 1, _MOST_PROCESSES),
        found.one_of("action", ("none", "reload", "restart", "start", "stop")),
        found.sentences("reasons"),
    )


def _capacity(found: Answer) -> Capacity:
    return Capacity(
        server=found.sentence("server"),
        per_process=found.whole("per_process", default=None),
        processes=found.whole("processes"),
        pooler_hosts=found.whole("pooler_hosts"),
        most_connections=found.whole("most_connections", default=None),
        max_connections=found.whole("max_connections", default=None),
        reserve_connections=found.whole("reserve_connections", default=None),
        left=found.whole("left", -(2**63), default=None),
    )


def _pool(found: Answer) -> Pool:
    return Pool(
        database=found.sentence("database"),
        user=found.sentence("user"),
        cl_active=found.whole("cl_active"),
        cl_waiting=found.whole("cl_waiting"),
        sv_active=found.whole("sv_active"),
        sv_idle=found.whole("sv_idle"),
        sv_used=found.whole("sv_used"),
        maxwait=found.number("maxwait"),
    )
