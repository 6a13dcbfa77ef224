"""The rules of PgBouncer's hba file, which is a part of what pg_hba.conf can say."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from ..known_settings import ADDRESS_ALL_SINCE, Version, text_of

METHODS = ("scram-sha-256", "cert", "peer", "reject", "md5")
_NEVER = {
    "trust": "it lets anybody in as anybody",
    "any": "it lets anybody in as anybody",
    "plain": "it sends and stores passwords as they are",
    "password": "it sends passwords as they are",
}
_NOT_IN_PGBOUNCER = {"samerole", "samegroup"}


@dataclasses.dataclass(frozen=True)
class Rule:
    kind: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    method: str
    map: str | None

    def line(self) -> str:
        fields = [self.kind, _names(self.databases), _names(self.users)]
        if self.kind != "local":
            fields.append(self.address)
        fields.append(self.method)
        if self.map:
            fields.append(f"map={self.map}")
        return " ".join(fields)

    @property
    def without_tls(self) -> bool:
        """Whether the rule lets a TCP client in that does not encrypt."""
        return self.kind in ("host", "hostnossl") and self.method != "reject" and not self._loopback

    @property
    def _loopback(self) -> bool:
        return self.address != "all" and ipaddress.ip_network(self.address, strict=False).is_loopback


def parse(
    rules: list[dict[str, t.Any]], version: Version, accepted: t.Collection[str], problems: Problems
) -> tuple[Rule, ...]:
    """The rules, each held against what PgBouncer can do and what is safe; one with an unusable address is left out."""
    found = Problems()
    parsed = [_parse(rule, f"hba[{number}]", version, accepted, found) for number, rule in enumerate(rules)]
    for problem in found.found:
        problems.add(problem.path, problem.text, problem.hint, ErrorCode.BAD_HBA)
    return tuple(rule for rule in parsed if rule)


def _parse(
    rule: dict[str, t.Any], where: str, version: Version, accepted: t.Collection[str], problems: Problems
) -> Rule | None:
    kind, method, address = rule["type"], rule["method"], rule.get("address") or ""
    _check_method(kind, method, where, accepted, problems)
    for user in rule["users"]:
        if user.startswith("+"):
            problems.add(
                where,
                f"PgBouncer's hba file has no groups, so {user!r} would match nobody.",
                "List the users themselves.",
            )
    for database in rule["databases"]:
        if database in _NOT_IN_PGBOUNCER:
            problems.add(
                where,
                f"PgBouncer's hba file does not know {database!r}.",
                "List the databases themselves, or use sameuser or all.",
            )
    if not rule["users"] or not rule["databases"]:
        problems.add(where, "A rule needs users and databases.", "Use all for every one of them.")
    if kind == "local":
        if address:
            problems.add(
                where, "A rule for the Unix socket has no address.", "Leave address out, or use type: hostssl."
            )
    else:
        found = _address(address, where, version, problems)
        if found is None:
            return None
        address = found
    return Rule(kind, tuple(rule["databases"]), tuple(rule["users"]), address, method, rule.get("map"))


def _check_method(kind: str, method: str, where: str, accepted: t.Collection[str], problems: Problems) -> None:
    if method in _NEVER:
        problems.add(where, f"The method {method!r} is refused: {_NEVER[method]}.", "Use scram-sha-256, cert or peer.")
    elif method not in METHODS:
        problems.add(
            where, f"PgBouncer's hba file knows no method {method!r}.", f"Use one of {', '.join(METHODS[:-1])}."
        )
    if method == "md5" and "md5" not in accepted:
        problems.add(
            where,
            "The method md5 is refused: its hashes are as good as passwords.",
            "Use scram-sha-256, or list md5 in accept_risks for as long as old clients need it.",
        )
    if method == "peer" and kind != "local":
        problems.add(where, "The method peer exists for the Unix socket only.", "Use type: local.")
    if method == "cert" and kind != "hostssl":
        problems.add(where, "The method cert needs TLS.", "Use type: hostssl.")


def _address(address: str, where: str, version: Version, problems: Problems) -> str | None:
    if address == "all":
        if version < ADDRESS_ALL_SINCE:
            problems.add(
                where,
                f"The address all needs PgBouncer {text_of(ADDRESS_ALL_SINCE)}, this is {text_of(version)}.",
                "Use 0.0.0.0/0 and ::/0 in two rules.",
            )
        return address
    try:
        return str(ipaddress.ip_network(address, strict=False))
    except ValueError:
        problems.add(
            where,
            f"{address!r} is no IP address or network.",
            "PgBouncer's hba file takes neither names nor samehost and samenet; write 10.0.0.0/8 or 192.0.2.7/32.",
        )
        return None


def _names(names: tuple[str, ...]) -> str:
    return ",".join(
        name if re.fullmatch(r"[A-Za-z0-9_.-]+", name) else '"' + name.replace('"', '""') + '"' for name in names
    )
