"""Whether a member may be stopped, and whether it is back: the gates of a rolling restart."""

from __future__ import annotations

import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import api
from . import apply, health, model
from . import live as observe

# Members greet each other every two seconds by default: by then one that lost its data has been told whose it is.
SECONDS_TO_BE_CLAIMED = 10.0
SECOND_LOOK_SECONDS = 3.0


def in_a_set(session: api.Server) -> bool:
    """Whether the server has a replica set configuration."""
    return "me" in session.hello()


def session_on(options: dict[str, t.Any], seconds: float) -> api.Server | None:
    """A session on this server, ``None`` when it refuses the login and belongs to nobody, as before its first user.

    :param seconds: how long it may still be starting, or have no users yet as it is being filled with data.
    :raises GroundworkError: it does not answer, or serves and refuses the login.
    """
    began = time.monotonic()
    deadline = began + seconds
    claimed_by = began + min(seconds, SECONDS_TO_BE_CLAIMED)
    patient = {**options, "connect_timeout": max(options["connect_timeout"], seconds)}
    while True:
        try:
            return api.connect_member(patient, observe.APPLICATION)
        except api.AuthenticationFailed:
            hello = _greeting(patient)
            hosts = {host for field in ("hosts", "passives", "arbiters") for host in hello.get(field, ())}
            if not hosts - {hello.get("me")}:
                if not hello.get("isreplicaset") or time.monotonic() >= claimed_by:
                    return None
            elif hello["isWritablePrimary"] or hello.get("secondary") or time.monotonic() >= deadline:
                raise
        time.sleep(observe.PAUSE_SECONDS)


def _greeting(options: dict[str, t.Any]) -> dict[str, t.Any]:
    server = api.connect_member(observe.anonymous(options), observe.APPLICATION)
    try:
        return server.hello()
    finally:
        server.close()


def may_go(live: observe.Live, host: str, lag: float) -> str | None:
    """Why the member must not be stopped now, ``None`` when it may: pure.

    The others must have a majority without it, and be caught up, so that the next one that is stopped finds them so.
    """
    if is_alone(live, host):
        return None
    if live.primary is None:
        return "the replica set has no primary"
    others = [member for member in live.members if member["host"] != host]
    unwell = [member["host"] for member in others if not live.health.serves(member["host"])]
    voters_unwell = [member["host"] for member in others if member["votes"] and member["host"] in unwell]
    if voters_unwell:
        return f"{_named(live.health, voters_unwell)}, and a second one would be missing"
    if not live.health.keeps_majority(live.members, without=(host,)):
        return "the other voting members are not a majority, so nobody could write meanwhile"
    # One without a vote that does not answer counts in no majority, and may be a host that does not exist.
    followers = [
        member["host"] for member in others
        if _must_follow(member) and (member["votes"] or live.health.serves(member["host"]))
    ]
    behind = [name for name in followers if not live.health.caught_up(name, lag)]
    if behind:
        return f"{_named(live.health, behind)} and more than {lag:g} s behind"
    return None


def is_alone(live: observe.Live, host: str) -> bool:
    """Whether nobody but this member can ever be primary or vote: a set of one, which always stops as a whole."""
    return [member["host"] for member in live.members if member["votes"]] == [host]


def is_back(live: observe.Live, host: str, lag: float) -> str | None:
    """Why the member does not count as back, ``None`` when it does: pure."""
    if live.primary is None:
        return "the replica set has no primary"
    member = next((one for one in live.members if one["host"] == host), None)
    if member is None:
        return f"{host} is not a member"
    if _must_follow(member) and not live.health.caught_up(host, lag):
        return f"{_named(live.health, [host])}, not caught up"
    if not live.health.serves(host):
        return _named(live.health, [host])
    return None


def successor(live: observe.Live, host: str, lag: float) -> str | None:
    """Why no other member could follow ``host`` as primary, ``None`` when one could: pure."""
    able = [
        member["host"] for member in live.members
        if member["host"] != host and member["priority"] and live.health.caught_up(member["host"], lag)
    ]
    return None if able else "no other member that can be elected has caught up"


def _must_follow(member: model.Member) -> bool:
    # A delayed member is behind on purpose.
    return not member["arbiterOnly"] and not member["secondaryDelaySecs"]


def _named(found: health.Health, hosts: list[str]) -> str:
    states = found.states
    return ", ".join(f"{host} is {states[host].name if host in states else 'unknown'}" for host in hosts)


class Gate:
    """Waits at one member of a set.

    :param session: logged in at this member.
    :param options: the module's parameters.
    """

    def __init__(self, session: api.Server, options: dict[str, t.Any]) -> None:
        self.session = session
        self.options = options
        self.host = model.address(options["member"] or session.hello()["me"])
        self.last = observe.live(session)

    def until(self, check: t.Callable[[observe.Live, str, float], str | None], what: str, wait: bool = True) -> None:
        """Return when ``check`` finds no reason any more.

        :param wait: false for check mode, which only looks again for a moment: right after the write that an idle
            primary makes every 10 seconds, every other member is for that long one write, and so 10 seconds, behind.
        :raises GroundworkError: it still does after ``wait_timeout``.
        """
        deadline = time.monotonic() + (self.options["wait_timeout"] if wait else SECOND_LOOK_SECONDS)
        while True:
            reason = self._reason(check)
            if reason is None:
                return
            if time.monotonic() >= deadline:
                raise GroundworkError(
                    f"{what} {self.host}: {reason}.", where=self.host, untouched="this member",
                    code=ErrorCode.GATE_CLOSED,
                    hint="Bring the named members back, then run again.",
                    details={"members": [state.summary() for state in self.last.health.states.values()]},
                )
            time.sleep(observe.PAUSE_SECONDS)

    def _reason(self, check: t.Callable[[observe.Live, str, float], str | None]) -> str | None:
        try:
            self.last = self._seen()
        except (api.ConnectionLost, api.ServerUnreachable, api.ServerRefused) as error:
            return f"it does not answer ({error.what})"
        return check(self.last, self.host, self.options["max_lag_seconds"])

    def _seen(self) -> observe.Live:
        """The set as its primary sees it: only the primary knows how far each member is."""
        primary = observe.to_primary(self.session, self.options, 0)
        if primary is None:
            return observe.live(self.session)
        try:
            return observe.live(primary)
        finally:
            if primary is not self.session:
                primary.close()

    @property
    def is_primary(self) -> bool:
        return self.last.primary == self.host

    @property
    def is_alone(self) -> bool:
        return is_alone(self.last, self.host)

    def step_down(self) -> None:
        """Make another member the primary."""
        carrier = apply.Carrier(self.session, self.options)
        try:
            carrier.step_down(self.host)
        finally:
            carrier.close()
        self.last = self._seen()
