"""One rule of pg_hba.conf: who may come from where to which database, and how they prove who they are."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

TYPES = ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
# bsd and sspi exist on other operating systems only.
METHODS = (
    "trust", "reject", "scram-sha-256", "md5", "password", "gss", "ident", "peer", "ldap", "radius", "cert", "pam",
)  # fmt: skip
ADDRESS_WORDS = ("all", "samehost", "samenet")
# The source of rules that give way to whatever the user says.
DEFAULT = "default rule"
Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]  # noqa: UP007 - pylint takes "|" for arithmetic here
_BARE = re.compile(r"[^\s,\"#]+")


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule as it was asked for.

    :param source: who asked for it, for messages: ``rule 3 of hba``.
    :param options: name and value of each option of the method.
    :param allow_weak: the user has said that a weak method is meant.
    :param secrets: names among the options whose values are shown nowhere.
    """

    type: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    method: str
    address: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    comment: str | None = None
    allow_weak: bool = False
    source: str = ""
    secrets: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        return self.type == "local"

    @property
    def network(self) -> Network | None:
        """The addresses of the rule; ``None`` for names and words."""
        try:
            return ipaddress.ip_network(self.address or "", strict=True)
        except ValueError:
            return None

    def fields(self, hide: bool = False) -> list[str]:
        options = [
            f"{name}={'(hidden)' if hide and name in self.secrets else quoted(value)}" for name, value in self.options
        ]
        who = [",".join(map(quoted, self.databases)), ",".join(map(quoted, self.users))]
        return [self.type, *who, self.address or "", " ".join([self.method, *options])]

    def text(self) -> str:
        """The rule in one line, without secrets, for messages."""
        return " ".join(field for field in self.fields(hide=True) if field)

    def named(self) -> str:
        return f"{self.source} ({self.text()})" if self.source else self.text()


def quoted(name: str) -> str:
    """A name as one token; the words (all, replication, +group, /regex) stay bare, as they mean nothing in quotes."""
    return name if _BARE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def from_options(given: dict[str, t.Any], source: str) -> Rule:
    """A rule from the module's option (see its documentation for the keys)."""
    secrets = {name: str(value) for name, value in (given.get("secret_options") or {}).items()}
    options = {name: _option(value) for name, value in (given.get("options") or {}).items()}
    return Rule(
        type=given["type"],
        databases=tuple(given.get("databases") or ["all"]),
        users=tuple(given.get("users") or ["all"]),
        method=given["method"],
        address=given.get("address"),
        options=tuple({**options, **secrets}.items()),
        comment=given.get("comment"),
        allow_weak=bool(given.get("allow_weak")),
        source=source,
        secrets=tuple(secrets),
    )


def _option(value: t.Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
