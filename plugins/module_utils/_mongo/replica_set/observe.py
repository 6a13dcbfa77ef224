# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the members of a replica set, whatever state they are in.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .. import api
from . import health, model
from .bootstrap import Neighbour, Seen

NOT_YET_INITIALIZED = 94
INVALID_CONFIG = 93
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


def neighbour(options: dict[str, t.Any], host: str) -> Neighbour:
    """What another declared member says without a login."""
    timeout = min(NEIGHBOUR_SECONDS, options["connect_timeout"])
    try:
        server = api.connect_member({**anonymous(at(options, host)), "connect_timeout": timeout}, APPLICATION)
    except api.GroundworkError:
        return Neighbour(host, False, None, None)
    try:
        hello = server.hello()
    except api.GroundworkError:
        return Neighbour(host, False, None, None)
    finally:
        server.close()
    return Neighbour(host, True, hello.get("setName"), hello.get("primary"))


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
