"""Refuses settings that the server would refuse, before anything is written."""

from __future__ import annotations

import re
import typing as t

from . import values
from .catalogue import Catalogue, Setting

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
# Where the server lies and how it is reached belongs to the cluster, not to its settings: the service unit,
# pg_lsclusters and every client would look in the old place.
OF_THE_CLUSTER = {
    "port": "port",
    "data_directory": "data_directory",
    "config_file": "config_directory",
    "hba_file": "config_directory",
    "ident_file": "config_directory",
    "unix_socket_directories": "socket_directory",
    "external_pid_file": "name",
}
_LOGIN_PASSWORD = re.compile(r"\bpassword\s*=|://[^\s/@:]*:[^\s/]+@", re.IGNORECASE)
# In connection strings, and in commands: PGPASSWORD=…, --secret-key=…, s3://user:password@host. What a shell fills in,
# as in $(cat file), is not a secret.
_SECRET = re.compile(
    r"""((?:password|passwd|passphrase|secret|token|(?:access|api|secret)[_-]?key))\s*=\s*
        ('(?:[^'\\]|\\.)*'|"(?![$`])(?:[^"\\]|\\.)*"|(?![$`"'])[^\s]+)
      | ((?<=://)[^\s/@:'"]*):([^\s/'"]+)(?=@)""",
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_NAME = re.compile(r"passphrase(?!_command_supports_reload)|password$|secret|api_?key", re.IGNORECASE)


class Finding(t.NamedTuple):
    """One setting that is wrong, and why."""

    name: str
    reason: str


def check(
    catalogue: Catalogue, wanted: dict[str, t.Any], may_place: bool = False
) -> tuple[dict[str, str], list[Finding]]:
    """Texts for the file by name, and what is wrong with the rest; a value of null is left out.

    :param may_place: whether these settings may say where the server lies (the collection's own may).
    """
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    for name, value in wanted.items():
        reason = _reason_against_name(catalogue, name, may_place)
        if reason is None and value is not None:
            try:
                texts[name] = values.text(name, catalogue.get(name), value)
            except values.BadValue as error:
                reason = f"the value {shown(name, value)} cannot be used: {error}"
        if reason is not None:
            findings.append(Finding(name, reason))
        elif name.lower() == "primary_conninfo" and _LOGIN_PASSWORD.search(str(value)):
            findings.append(Finding(name, "it holds a password, which every superuser could read with SHOW; name a "
                                          "passfile=... in it instead"))  # fmt: skip
    return texts, findings


def _reason_against_name(catalogue: Catalogue, name: str, may_place: bool) -> str | None:
    setting = catalogue.get(name)
    if setting is None and (catalogue.retired(name) or not _custom(catalogue, name)):
        advice = catalogue.retired(name)
        near = catalogue.nearest(name)
        if advice:
            return f"PostgreSQL 16 has no such setting: {advice}"
        return "PostgreSQL 16 has no such setting" + (f'; did you mean "{near}"?' if near else "")
    if setting is not None and setting.context == "internal":
        return "it reports a fact of the server and cannot be set"
    if name.lower().startswith("transaction_"):
        return f'it belongs to a transaction, and a file cannot set it; write "default_{name.lower()}"'
    if not may_place and name.lower() in OF_THE_CLUSTER:
        return f'say it as "{OF_THE_CLUSTER[name.lower()]}" of the cluster, not among its settings'
    return None


def _custom(catalogue: Catalogue, name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and catalogue.is_custom(name)


def shown(name: str, value: t.Any) -> str:
    """A value for messages and diffs, without the secrets that a setting may hold."""
    return hidden(name, repr(value) if isinstance(value, str) else str(value))


def hidden(name: str, written: str) -> str:
    """The text of a value without the secrets in it."""
    if _SECRET_NAME.search(name):
        return "(hidden)"
    return _SECRET.sub(lambda found: f"{found[1]}=(hidden)" if found[1] else f"{found[3]}:(hidden)", written)


def secrets(name: str, value: t.Any) -> list[str]:
    """The secrets in a value, which must not be shown."""
    if _SECRET_NAME.search(name):
        return [str(value)]
    return [(found[2] or found[4]).strip("'\"") for found in _SECRET.finditer(str(value))]


class Effective(t.NamedTuple):
    """The value that counts of one setting, with the place that says it."""

    text: str
    source: str


def contradictions(catalogue: Catalogue, effective: t.Mapping[str, Effective], segment: int = 16) -> list[Finding]:
    """Combinations with which the server does not start (``PostmasterMain`` and its checks).

    :param segment: size in MB of a segment of the write-ahead log.
    """

    def number(name: str) -> float:
        found = value(name)
        return float(found) if isinstance(found, (int, float)) else 0.0

    def value(name: str) -> t.Any:
        setting = t.cast(Setting, catalogue.get(name))
        said = effective.get(name)
        return values.meaning(setting, said.text if said else setting.boot)

    found: list[Finding] = []
    reserved = number("superuser_reserved_connections") + number("reserved_connections")
    if reserved >= number("max_connections"):
        found.append(Finding("max_connections", f"it must be more than the {reserved:.0f} connections that "
                             "superuser_reserved_connections and reserved_connections keep back"))  # fmt: skip
    if value("wal_level") == "minimal":
        if value("archive_mode") != "off":
            found.append(Finding("wal_level", "archive_mode needs it to be replica or logical"))
        if number("max_wal_senders") > 0:
            found.append(Finding("wal_level", "max_wal_senders above 0 needs it to be replica or logical"))
    for name in ("min_wal_size", "max_wal_size"):
        if number(name) < 2 * segment:
            found.append(Finding(name, f"it must be at least two segments of the write-ahead log, {2 * segment}MB"))
    backends = sum(number(name) for name in ("max_connections", "autovacuum_max_workers", "max_worker_processes",
                                             "max_wal_senders")) + 1  # fmt: skip
    if backends > 262143:
        found.append(
            Finding("max_connections", "together with the workers and WAL senders it exceeds 262143 processes")
        )
    return found
