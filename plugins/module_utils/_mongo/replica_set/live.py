"""Questions to the members of a replica set in any state."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ..._core.errors import GroundworkError
from .. import api
from . import health, model
from .bootstrap import Seen
from .newcomers import Answer, Inside, Known

NOT_YET_INITIALIZED = 94
NO_REPLICATION = 76
NEIGHBOUR_SECONDS = 3
PAUSE_SECONDS = 0.25

APPLICATION = "groundwork mongo_replica_set"


@dataclasses.dataclass(frozen=True)
class Live:
    """A configured set as its primary, or without one the asked member, shows it.

    :ivar config: the whole configuration.
    :ivar primary: host of the primary, ``None`` when there is none.
    """

    config: dict[str, t.Any]
    health: health.Health
    primary: str | None

    @property
    def members(self) -> list[model.Member]:
        return [{**member, "host": model.address(member["host"])} for member in self.config["members"]]


def at(options: dict[str, t.Any], host: str) -> dict[str, t.Any]:
    """The connection options for another member."""
    return {**options, "login_host": host}


def anonymous(options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**options, "login_user": None, "login_password": None, "auth_mechanism": None}


def ask(options: dict[str, t.Any], host: str) -> Answer:
    """What a host says about itself, to the administrator when it knows that account."""
    short = {**at(options, host), "connect_timeout": min(NEIGHBOUR_SECONDS, options["connect_timeout"])}
    try:
        server = api.connect_member(anonymous(short), APPLICATION)
    except GroundworkError as error:
        return Answer(host, silence=_silence(error, options, host))
    try:
        answer = introduced(server, host)
        if answer.router or answer.set_name is not None:
            return answer
        return dataclasses.replace(answer, inside=_inside(short, server))
    except GroundworkError as error:
        return Answer(host, silence=_silence(error, options, host))
    finally:
        server.close()


def introduced(server: api.Server, host: str) -> Answer:
    """What the server of an open session says about itself."""
    hello = server.hello()
    return Answer(
        host=host,
        process=str(hello.get("topologyVersion", {}).get("processId", "")) or None,
        router=hello.get("msg") == "isdbgrid",
        replicated="setName" in hello or bool(hello.get("isreplicaset")),
        set_name=hello.get("setName"),
        me=model.address(hello["me"]) if "me" in hello else None,
        primary=model.address(hello["primary"]) if "primary" in hello else None,
    )


def known(options: dict[str, t.Any], server: api.Server, found: Live) -> Known:
    """The set, and which process each of its members is, as far as they answer here under their own names.

    :param server: a session in the set.
    """
    name = found.config["_id"]
    processes = {}
    own = introduced(server, "")
    for member in found.members:
        host = member["host"]
        answer = own if host == own.me else None if found.health.is_down(host) else ask(options, host)
        # localhost is another server on each host, so the name alone proves nothing.
        if answer is not None and (answer.set_name, answer.me) == (name, host):
            processes[host] = answer.process
    return Known(
        name=name,
        set_id=found.config.get("settings", {}).get("replicaSetId"),
        primary=found.primary,
        members=frozenset(member["host"] for member in found.members),
        processes=processes,
        arbiters=frozenset(member["host"] for member in found.members if member["arbiterOnly"]),
    )


def _silence(error: GroundworkError, options: dict[str, t.Any], host: str) -> str:
    reason = error.what.partition(": ")[2] or error.what
    return f"{reason.removeprefix(f'{host}: ')}, asked {'with' if options['ssl'] else 'without'} TLS"


def _inside(options: dict[str, t.Any], anybody: api.Server) -> Inside | None:
    """What a server that belongs to no set shows, ``None`` when it lets neither the administrator nor anybody in."""
    session = None
    # How a login fails depends on its mechanism; none of it is a reason to call the server silent.
    with contextlib.suppress(GroundworkError):
        session = login(options)
    try:
        asked = session or anybody
        parsed = _reply(asked, {"getCmdLineOpts": 1}).get("parsed")
        if parsed is None:
            return None
        config = _reply(asked, {"replSetGetConfig": 1}).get("config", {})
        counts = _reply(asked, {"serverStatus": 1}).get("catalogStats", {})
        return Inside(
            started_for=parsed.get("replication", {}).get("replSetName"),
            set_id=config.get("settings", {}).get("replicaSetId"),
            collections=sum(counts.get(kind, 0) for kind in ("collections", "views")),
        )
    finally:
        if session is not None:
            session.close()


def _reply(server: api.Server, command: dict[str, t.Any]) -> dict[str, t.Any]:
    try:
        return server.run("admin", command)
    except api.ServerRefused:
        return {}


def login(options: dict[str, t.Any]) -> api.Server | None:
    """A session of the administrator on the host of the options, ``None`` when the login is refused."""
    try:
        return api.connect_member(options, APPLICATION)
    except api.AuthenticationFailed:
        return None


def look(options: dict[str, t.Any], member: str, session: api.Server | None) -> Seen:
    """What the server says about itself.

    :param member: its declared ``host:port``.
    :param session: one that is logged in, ``None`` when the login was refused.
    """
    server = session or api.connect_member(anonymous(options), APPLICATION)
    try:
        hello = server.hello()
        code = _status_code(server)
        replicated = code != NO_REPLICATION and ("setName" in hello or bool(hello.get("isreplicaset")) or code == 0)
        return Seen(
            member=model.address(hello["me"]) if "me" in hello else member,
            set_name=hello.get("setName"),
            replicated=replicated,
            initiated=not replicated or not (code == NOT_YET_INITIALIZED or bool(hello.get("isreplicaset"))),
            primary=model.address(hello["primary"]) if "primary" in hello else None,
            writable=bool(hello["isWritablePrimary"]),
            login=session is not None,
            # Without a login the server only answers this while the localhost exception holds.
            exception=session is None and code != api.UNAUTHORIZED,
            authorization=_asks_for_logins(server, session is not None),
        )
    finally:
        if session is None:
            server.close()


def _status_code(server: api.Server) -> int:
    try:
        server.run("admin", {"replSetGetStatus": 1})
    except api.ServerRefused as error:
        return error.server_code
    return 0


def _asks_for_logins(server: api.Server, logged_in: bool) -> bool:
    try:
        options = server.run("admin", {"getCmdLineOpts": 1})
    except api.ServerRefused:
        return True
    if not logged_in:
        return False
    security = options.get("parsed", {}).get("security", {})
    asks = security.get("authorization") == "enabled" or "keyFile" in security or "clusterAuthMode" in security
    return asks and not security.get("transitionToAuth")


def live(server: api.Server) -> Live:
    """Configuration and health in the eyes of one member."""
    config = server.run("admin", {"replSetGetConfig": 1})["config"]
    status = health.read(server.run("admin", {"replSetGetStatus": 1}))
    return Live(config, status, status.primary)


def committed(server: api.Server) -> bool:
    """Whether a majority has the present configuration; only the primary knows."""
    return bool(server.run("admin", {"replSetGetConfig": 1, "commitmentStatus": True}).get("commitmentStatus"))


def to_primary(server: api.Server, options: dict[str, t.Any], seconds: float) -> api.Server | None:
    """A session on the primary: the given one when it is, a new one otherwise; ``None`` when none shows in time.

    The given session stays open.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            hello = server.hello()
            if hello["isWritablePrimary"]:
                return server
            primary = hello.get("primary")
            if primary:
                other = api.connect_member(at(options, primary), APPLICATION)
                if other.hello()["isWritablePrimary"]:
                    return other
                other.close()
        except (api.ConnectionLost, api.ServerUnreachable):
            pass
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE_SECONDS)


def feature_compatibility(server: api.Server) -> str | None:
    """The feature compatibility version, ``None`` where the session may not read it or the server does not know."""
    try:
        reply = server.run("admin", {"getParameter": 1, "featureCompatibilityVersion": 1})
    except api.ServerRefused:
        return None
    found = reply.get("featureCompatibilityVersion") or {}
    return t.cast("str | None", found.get("version"))
