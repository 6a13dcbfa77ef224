"""What a call wants of a folder of certificates. Looks at nothing and imports no cryptography."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected, repeated

UNTOUCHED = "every certificate and key"
USAGES = ("server", "client")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_DNS = re.compile(
    r"^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"
)
_LONGEST_NAME = 64
_AUTHORITY = "ca"


@dataclasses.dataclass(frozen=True)
class Subject:
    """A distinguished name, as far as databases compare it."""

    common_name: str
    organization: str | None = None
    organizational_unit: str | None = None


@dataclasses.dataclass(frozen=True)
class KeyKind:
    """``ec`` (P-256) or ``rsa`` with a number of bits."""

    algorithm: str
    bits: int = 256


@dataclasses.dataclass(frozen=True)
class Authority:
    """
    :ivar certificate_file: a given authority's certificate; ``None`` for one that the folder keeps.
    """

    subject: Subject
    key: KeyKind
    valid_days: int
    renew_before_days: int
    certificate_file: str | None = None
    key_file: str | None = None


@dataclasses.dataclass(frozen=True)
class Leaf:
    name: str
    subject: Subject
    dns_names: frozenset[str]
    ip_addresses: frozenset[str]
    usage: frozenset[str]
    key: KeyKind
    valid_days: int
    renew_before_days: int


def read(params: dict[str, t.Any]) -> tuple[Authority, list[Leaf]]:
    """The module's options.

    :raises GroundworkError: with everything that cannot be issued so.
    """
    with collected("the certificates", ErrorCode.INVALID_CERTIFICATE, UNTOUCHED) as problems:
        authority = read_authority(params["ca"], params["ca_cert"], params["ca_key"], problems)
        leaves = read_leaves(params["certificates"], problems)
    return authority, leaves


def read_authority(
    entry: dict[str, t.Any], certificate_file: str | None, key_file: str | None, problems: Problems
) -> Authority:
    _check_days("ca", entry, problems)
    return Authority(
        subject=_subject("ca", entry, problems),
        key=_key(entry),
        valid_days=entry["valid_days"],
        renew_before_days=entry["renew_before_days"],
        certificate_file=certificate_file,
        key_file=key_file,
    )


def read_leaves(entries: list[dict[str, t.Any]], problems: Problems) -> list[Leaf]:
    for name in repeated(entry["name"] for entry in entries):
        problems.add(_where(name), f"{name} is named twice.", "Keep one entry for each certificate.")
    return [_leaf(entry, problems) for entry in entries]


def _leaf(entry: dict[str, t.Any], problems: Problems) -> Leaf:
    name = entry["name"]
    if not _NAME.match(name) or name == _AUTHORITY:
        problems.add(_where(name), f"{name!r} cannot be the name of a certificate's files.", "'ca' is the authority's.")
    usage = frozenset(entry["usage"])
    dns_names = frozenset(dns.lower() for dns in entry.get("dns_names") or ())
    addresses = frozenset(_address(name, text, problems) for text in entry.get("ip_addresses") or ())
    for dns in sorted(dns_names):
        if not _DNS.match(dns):
            problems.add(_where(name), f"{dns!r} is not a host name.", "Addresses belong to ip_addresses.")
    if not usage:
        problems.add(_where(name), f"{name} has no usage.", f"Give {' or '.join(USAGES)}, or both.")
    if "server" in usage and not (dns_names or addresses):
        problems.add(
            _where(name),
            f"{name} is a server's certificate without a host name and without an address.",
            "Clients that verify the host look only at dns_names and ip_addresses, not at the common name.",
        )
    _check_days(name, entry, problems)
    return Leaf(
        name=name,
        subject=_subject(name, {**entry, "common_name": entry.get("common_name") or name}, problems),
        dns_names=dns_names,
        ip_addresses=addresses,
        usage=usage,
        key=_key(entry),
        valid_days=entry["valid_days"],
        renew_before_days=entry["renew_before_days"],
    )


def _subject(name: str, entry: dict[str, t.Any], problems: Problems) -> Subject:
    fields = [entry["common_name"], entry.get("organization"), entry.get("organizational_unit")]
    for value in fields:
        if value is not None and not 1 <= len(value) <= _LONGEST_NAME:
            problems.add(_where(name), f"{value!r} has not 1 to {_LONGEST_NAME} characters.", "X.509 allows no other.")
    return Subject(*fields)


def _key(entry: dict[str, t.Any]) -> KeyKind:
    return KeyKind("rsa", entry["rsa_bits"]) if entry["key_type"] == "rsa" else KeyKind("ec")


def _address(name: str, text: str, problems: Problems) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        problems.add(_where(name), f"{text!r} is not an IP address.", "Host names belong to dns_names.")
        return text


def _check_days(name: str, entry: dict[str, t.Any], problems: Problems) -> None:
    if not 0 <= entry["renew_before_days"] < entry["valid_days"]:
        problems.add(
            _where(name),
            f"{name} is valid for {entry['valid_days']} days and renewed {entry['renew_before_days']} days before.",
            "It would be renewed at every run: let renew_before_days be less than valid_days.",
        )


def _where(name: str) -> str:
    return f"certificates, {name}"
