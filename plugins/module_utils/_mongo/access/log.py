"""Refused logins and refused commands in mongod's log.

The entries of interest, by their ids (the log is JSON since MongoDB 4.4): 20249, later 5286307, is a failed login,
20250, later 5286306, one that succeeded, 20436 a command that was not allowed, 22943 a connection that was accepted. A
refused command does not say who sent it, only over which connection; what that connection said before tells. Commands
without any login are refused too, but the server does not log them.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import typing as t

ACCEPTED, LOGIN_FAILED, REFUSED = 22943, frozenset({20249, 5286307}), 20436
LOGGED_IN = frozenset({20250, 5286306})
# Cheap to look for before a line is parsed; a log has millions of lines of other kinds.
_MARKS = ('"c":"ACCESS"', '"id":22943')
_COMMAND = re.compile(r"not authorized on (\S+) to execute command \{ (\w+): \"?([^\",}]*)")
_NO_LOGIN = re.compile(r"[Cc]ommand (\w+) requires authentication")


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Refusals of one kind that belong together.

    :param kind: ``login`` or ``command``.
    :param user: ``name@database``, empty for nobody.
    :param client: address without port.
    :param what: the reason of a failed login, or the refused command and what it was about.
    """

    kind: str
    user: str
    client: str
    what: str


@dataclasses.dataclass
class Count:
    """How often, and when, one ``Refusal`` came."""

    count: int = 0
    first: str = ""
    last: str = ""

    def add(self, moment: str) -> None:
        self.count += 1
        self.first = self.first or moment
        self.last = moment


class Reader:
    """Reads lines in the order of the log."""

    def __init__(self, since: datetime.datetime | None = None) -> None:
        self._since = since
        self._clients: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._attempts: set[tuple[str, str]] = set()
        self.found: dict[Refusal, Count] = {}

    def read(self, lines: t.Iterable[str]) -> None:
        for line in lines:
            if any(mark in line for mark in _MARKS):
                self._entry(line)

    def _entry(self, line: str) -> None:
        try:
            entry = json.loads(line)
            identity, context = entry["id"], str(entry["ctx"])
            moment, attributes = entry["t"]["$date"], entry.get("attr", {})
        except (ValueError, KeyError, TypeError):
            return
        if identity == ACCEPTED:
            self._connection(attributes)
        elif identity in LOGGED_IN:
            self._users[context] = _name(attributes)
            self._clients[context] = _address(attributes)
        elif identity in LOGIN_FAILED:
            self._failed_login(context, moment, attributes)
        elif identity == REFUSED:
            self._refused_command(context, moment, attributes)

    def _connection(self, attributes: dict[str, t.Any]) -> None:
        context = f"conn{attributes.get('connectionId')}"
        self._clients[context] = _address(attributes)
        self._users.pop(context, None)
        self._attempts = {attempt for attempt in self._attempts if attempt[0] != context}

    def _failed_login(self, context: str, moment: str, attributes: dict[str, t.Any]) -> None:
        user, client = _name(attributes), _address(attributes)
        # A driver first tries a login in its greeting; when that fails it tries again, over the same connection.
        if (context, user) in self._attempts:
            self._attempts.discard((context, user))
            return
        if attributes.get("speculative") or attributes.get("isSpeculative"):
            self._attempts.add((context, user))
        self._note(Refusal("login", user, client, _reason(attributes)), moment)

    def _refused_command(self, context: str, moment: str, attributes: dict[str, t.Any]) -> None:
        message = str(attributes.get("error", {}).get("errmsg", ""))
        user, client = self._users.get(context, ""), self._clients.get(context, "")
        self._note(Refusal("command", user, client, _command(message)), moment)

    def _note(self, refusal: Refusal, moment: str) -> None:
        if self._since is None or _parsed(moment) >= self._since:
            self.found.setdefault(refusal, Count()).add(moment)


def _name(attributes: dict[str, t.Any]) -> str:
    user = attributes.get("user")
    if isinstance(user, dict):
        return f"{user.get('user', '')}@{user.get('db', '')}"
    name = attributes.get("principalName") or user or ""
    return f"{name}@{attributes.get('authenticationDatabase') or attributes.get('db') or ''}" if name else ""


def _address(attributes: dict[str, t.Any]) -> str:
    remote = str(attributes.get("remote") or attributes.get("client") or "")
    return remote.rpartition(":")[0] or remote


def _reason(attributes: dict[str, t.Any]) -> str:
    """The name of the server's error; its text may repeat what a client sent."""
    error = attributes.get("error", "")
    text = str(error.get("codeName", "")) if isinstance(error, dict) else str(error).partition(":")[0]
    return text or str(attributes.get("result", "")) or "AuthenticationFailed"


def _command(message: str) -> str:
    """The command's name and target; never its values, which may be an application's data."""
    match = _COMMAND.search(message)
    if match:
        database, command, target = match.groups()
        return f"{command} {database}.{target.strip()}" if not target[:1].isdigit() else f"{command} {database}"
    match = _NO_LOGIN.search(message)
    return f"{match.group(1)} without a login" if match else message.partition("{")[0].strip()


def _parsed(moment: str) -> datetime.datetime:
    """The server's timestamps, ``Z`` or an offset at their end."""
    parsed = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.timezone.utc)
