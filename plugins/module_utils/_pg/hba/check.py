"""Refuses rules of pg_hba.conf that are wrong, dangerous or never reached.

Sources: chapter 21.1 of the manual and ``parse_hba_line`` of hba.c.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from . import matching
from .rule import ADDRESS_WORDS, DEFAULT, METHODS, Rule

SECRET_OPTIONS = ("ldapbindpasswd", "radiussecrets")
_OPTIONS = {
    "ident": {"map"},
    "peer": {"map"},
    "cert": {"map"},
    "gss": {"map", "include_realm", "krb_realm"},
    "pam": {"pamservice", "pam_use_hostname"},
    "ldap": {
        "ldapurl", "ldaptls", "ldapscheme", "ldapserver", "ldapport", "ldapbinddn", "ldapbindpasswd",
        "ldapsearchattribute", "ldapsearchfilter", "ldapbasedn", "ldapprefix", "ldapsuffix",
    },
    "radius": {"radiusservers", "radiussecrets", "radiusports", "radiusidentifiers"},
}  # fmt: skip
_HOST_NAME = re.compile(r"\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
WEAK = {
    "md5": "it can be broken from a recording of the network; use scram-sha-256",
    "password": "it sends the password as it is; use scram-sha-256",
    "ident": "it believes whatever the client's machine says; use scram-sha-256 or cert",
    "trust": "it lets every account of this machine in as anybody; use peer",
}


@dataclasses.dataclass
class Surroundings:
    """What decides whether a rule makes sense.

    :param ssl: whether the server's ``ssl`` is on; ``None`` when that is not known.
    :param superuser: role that the collection logs in as over the Unix socket.
    :param owner: operating-system account of the server, which that role is reached from.
    :param require_tls: no connection over the network without TLS.
    """

    superuser: str
    owner: str
    ssl: bool | None = None
    require_tls: bool = False


@dataclasses.dataclass
class Findings:
    errors: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


def check(rules: t.Sequence[Rule], around: Surroundings, maps: t.Sequence[dict[str, t.Any]] = ()) -> Findings:
    """Everything that is wrong with a file of rules; ``maps`` are the lines of pg_ident.conf."""
    found = Findings()
    for rule in rules:
        for reason in _reasons(rule, around, {line["map"] for line in maps}):
            found.errors.append(f"{rule.named()}: {reason}")
    if not found.errors:
        _check_order(rules, found)
        _check_way_in(rules, around, maps, found)
    return found


def _reasons(rule: Rule, around: Surroundings, maps: set[str]) -> t.Iterator[str]:
    yield from _against_address(rule)
    yield from _against_method(rule)
    yield from _against_options(rule, maps)
    if rule.is_local or rule.method == "reject":
        return
    if rule.type == "hostssl" and around.ssl is False:
        yield 'it asks for TLS, and "ssl" of this server is off, so it can never match'
    if around.require_tls and rule.type not in ("hostssl", "hostgssenc"):
        yield "it lets connections in without TLS, and TLS is required on this server; write hostssl"


def _against_address(rule: Rule) -> t.Iterator[str]:
    if rule.is_local:
        if rule.address is not None:
            yield "a rule of type local has no address"
        return
    if not rule.address:
        yield 'it has no address; write a network such as 10.0.0.0/8, or "all"'
        return
    if rule.address in ADDRESS_WORDS:
        return
    try:
        ipaddress.ip_network(rule.address, strict=True)
        if "/" not in rule.address:
            bits = ipaddress.ip_address(rule.address).max_prefixlen
            yield f"the address has no mask; write {rule.address}/{bits} for this one host"
    except ValueError as error:
        yield from _against_text(rule.address, error)


def _against_text(address: str, error: ValueError) -> t.Iterator[str]:
    try:
        wider = ipaddress.ip_network(address, strict=False)
    except ValueError:
        numeric = re.fullmatch(r"[0-9.:/]+", address)
        if numeric or not _HOST_NAME.fullmatch(address):
            yield f"{address!r} is neither a network (10.0.0.0/8), nor a host name, nor one of all, samehost, samenet"
        return
    host = address.split("/")[0]
    yield f"{address} has bits set right of its mask; write {wider} for the network or {host}/{wider.max_prefixlen}"


def _against_method(rule: Rule) -> t.Iterator[str]:
    if rule.method not in METHODS:
        yield f"the method {rule.method!r} is none of {', '.join(METHODS)}"
    elif rule.method == "trust" and not rule.is_local:
        yield "trust over the network lets anybody in as anybody; use scram-sha-256"
    elif rule.method in WEAK and not rule.allow_weak:
        yield f"{rule.method} is weak: {WEAK[rule.method]}, or say allow_weak: true"
    if rule.method == "peer" and not rule.is_local:
        yield "peer asks the operating system about the other end of a Unix socket; it works with type local only"
    if rule.method in ("ident", "gss") and rule.is_local:
        yield f"{rule.method} needs a network connection; use peer"
    if rule.method == "cert" and rule.type != "hostssl":
        yield "cert needs TLS; write hostssl"
    if rule.type == "hostgssenc" and rule.method not in ("gss", "reject", "trust"):
        yield "hostgssenc goes with gss or reject only"
    for what, names in (("database", rule.databases), ("user", rule.users)):
        if not names or any(not name or "\n" in name for name in names):
            yield f"a {what} is empty"
        if any(name.startswith("@") for name in names):
            yield f"a {what} that begins with @ names a file; list the {what}s here"
        if "all" in names and len(names) > 1 and set(names) != {"all", "replication"}:
            yield f'the {what}s hold "all" and others that it includes'


def _against_options(rule: Rule, maps: set[str]) -> t.Iterator[str]:
    known = set(_OPTIONS.get(rule.method, set()))
    if rule.type == "hostssl":
        known |= {"clientcert", "clientname"}
    for name, value in rule.options:
        if name not in known:
            yield f"{rule.method} has no option {name!r}; it has {', '.join(sorted(known)) or 'none'}"
        elif name in SECRET_OPTIONS and name not in rule.secrets:
            yield f"{name} is a secret; say it under secret_options"
        elif name == "map" and value not in maps:
            yield f"the map {value!r} has no line in ident"
        elif name == "clientcert" and value not in ("verify-ca", "verify-full"):
            yield "clientcert is verify-ca or verify-full"
        elif name == "clientname" and value not in ("CN", "DN"):
            yield "clientname is CN or DN"


def _check_order(rules: t.Sequence[Rule], found: Findings) -> None:
    for shadow in matching.shadows(rules):
        if shadow.rule.source == DEFAULT:
            continue
        earlier = " and ".join(rule.named() for rule in shadow.earlier)
        said = f"{shadow.rule.named()} can never match: {earlier} takes all of its connections"
        outcome = {(rule.method, rule.options) for rule in shadow.earlier}
        if outcome == {(shadow.rule.method, shadow.rule.options)}:
            found.warnings.append(f"{said}; the outcome is the same, so one of them can go")
        else:
            found.errors.append(f"{said}, with another outcome. Put it above, or narrow the earlier rule")


def _check_way_in(
    rules: t.Sequence[Rule], around: Surroundings, maps: t.Sequence[dict[str, t.Any]], found: Findings
) -> None:
    rule = matching.first_match(rules, "postgres", around.superuser)
    if rule is None:
        found.errors.append(
            f"no rule lets {around.superuser} in over the Unix socket, so nobody could mend this file from within; "
            f"add {{type: local, users: [{around.superuser}], method: peer}}"
        )
        return
    if rule.method == "trust":
        return
    if rule.method != "peer":
        found.errors.append(
            f"{rule.named()} decides about {around.superuser} over the Unix socket and asks for {rule.method}: the "
            f"collection, backups and you would be locked out. Put {{type: local, users: [{around.superuser}], "
            "method: peer} above it"
        )
        return
    name = dict(rule.options).get("map")
    lines = [line for line in maps if line["map"] == name]
    if name is None and around.owner != around.superuser:
        found.errors.append(
            f"{rule.named()} lets only the account {around.superuser} in, and the server's is {around.owner}"
        )
    if name and not any(_maps(line, around) for line in lines):
        found.errors.append(
            f"{rule.named()}: the map {name!r} does not take the account {around.owner} to {around.superuser}"
        )


def _maps(line: dict[str, t.Any], around: Surroundings) -> bool:
    if line["database_user"] not in (around.superuser, "all"):
        return False
    return line["system_user"].startswith("/") or line["system_user"] == around.owner
