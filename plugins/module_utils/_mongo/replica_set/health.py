"""What ``replSetGetStatus`` says about the members: who is well, who is behind, what a set can do without."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import model

SERVING = frozenset({"PRIMARY", "SECONDARY", "ARBITER"})


@dataclasses.dataclass(frozen=True)
class State:
    """One member as another one sees it.

    :ivar name: the server's word, such as ``SECONDARY``; ``DOWN`` when it does not answer.
    :ivar lag_seconds: how far it is behind the primary; ``None`` when that cannot be told.
    :ivar message: the reason that the server gives for a state, empty for none.
    """

    host: str
    name: str
    lag_seconds: float | None
    message: str

    @property
    def serves(self) -> bool:
        return self.name in SERVING

    def summary(self) -> dict[str, t.Any]:
        return {"host": self.host, "state": self.name, "lag_seconds": self.lag_seconds, "message": self.message}


@dataclasses.dataclass(frozen=True)
class Health:
    """All members, by host."""

    states: dict[str, State]

    @property
    def primary(self) -> str | None:
        return next((state.host for state in self.states.values() if state.name == "PRIMARY"), None)

    def serves(self, host: str) -> bool:
        return host in self.states and self.states[host].serves

    def is_down(self, host: str) -> bool:
        return host not in self.states or self.states[host].name == "DOWN"

    def caught_up(self, host: str, seconds: float) -> bool:
        """Whether the member serves and is no more than ``seconds`` behind; an arbiter holds no data to be behind."""
        state = self.states.get(host)
        if state is None or not state.serves:
            return False
        return state.name == "ARBITER" or (state.lag_seconds is not None and state.lag_seconds <= seconds)

    def unwell(self, members: t.Iterable[model.Member]) -> list[str]:
        """Voting members that do not serve."""
        return [member["host"] for member in members if member["votes"] and not self.serves(member["host"])]

    def keeps_majority(self, members: t.Iterable[model.Member], without: t.Collection[str] = ()) -> bool:
        """Whether the voters that serve, except ``without``, are more than half of all voters."""
        voters = [member["host"] for member in members if member["votes"]]
        serving = [host for host in voters if self.serves(host) and host not in without]
        return 2 * len(serving) > len(voters)


def read(status: dict[str, t.Any]) -> Health:
    """The members in an answer to ``replSetGetStatus``."""
    rows = {model.address(row["name"]): row for row in status.get("members", ())}
    newest = max((_seconds(row) for row in rows.values() if row["stateStr"] == "PRIMARY"), default=None)
    states = {}
    for host, row in rows.items():
        name = "DOWN" if row.get("health") == 0 else row["stateStr"]
        name = "DOWN" if name.startswith("(not reachable") else name
        behind = None
        if newest is not None and name in ("PRIMARY", "SECONDARY", "RECOVERING"):
            behind = max(0.0, newest - _seconds(row))
        message = "" if name in SERVING else row.get("lastHeartbeatMessage") or row.get("infoMessage") or ""
        if not message and row.get("authenticated") is False:
            message = "it has another key file or certificate than the others"
        states[host] = State(host, name, behind, message)
    return Health(states)


def _seconds(row: dict[str, t.Any]) -> float:
    date = (row.get("optimeDate") or {}).get("$date")
    if isinstance(date, str):
        return datetime.datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp()
    return 0.0
