"""What a call wants of a folder of certificates. Looks at nothing and imports no cryptography."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError

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


def read_authority(entry: dict[str, t.Any], certificate_file: str | None, key_file: str | None) -> Authority:
    """
    :raises GroundworkError: a subject or a duration that cannot be one.
    """
    _check_days("ca", entry)
    return Authority(
        subject=_subject("ca", entry),
        key=_key(entry),
        valid_days=entry["valid_days"],
        renew_before_days=entry["renew_before_days"],
        certificate_file=certificate_file,
        key_file=key_file,
    )


def read_leaves(entries: list[dict[str, t.Any]]) -> list[Leaf]:
    """
    :raises GroundworkError: a name, a host name or an address that cannot be one, or a name that is used twice.
    """
    leaves = [_leaf(entry) for entry in entries]
    seen: set[str] = set()
    for leaf in leaves:
        if leaf.name in seen:
            raise _refusal(f"{leaf.name} is named twice.", "Keep one entry for each certificate.", leaf.name)
        seen.add(leaf.name)
    return leaves


def _leaf(entry: dict[str, t.Any]) -> Leaf:
    name = entry["name"]
    if not _NAME.match(name) or name == _AUTHORITY:
        raise _refusal(f"{name!r} cannot be the name of a certificate's files.", "'ca' is the authority's.", name)
    usage = frozenset(entry["usage"])
    dns_names = frozenset(dns.lower() for dns in entry.get("dns_names") or ())
    addresses = frozenset(_address(name, text) for text in entry.get("ip_addresses") or ())
    for dns in dns_names:
        if not _DNS.match(dns):
            raise _refusal(f"{dns!r} is not a host name.", "Addresses belong to ip_addresses.", name)
    if not usage:
        raise _refusal(f"{name} has no usage.", f"Give {' or '.join(USAGES)}, or both.", name)
    if "server" in usage and not (dns_names or addresses):
        raise _refusal(
            f"{name} is a server's certificate without a host name and without an address.",
            "Clients that verify the host look only at dns_names and ip_addresses, not at the common name.",
            name,
        )
    _check_days(name, entry)
    return Leaf(
        name=name,
        subject=_subject(name, {**entry, "common_name": entry.get("common_name") or name}),
        dns_names=dns_names,
        ip_addresses=addresses,
        usage=usage,
        key=_key(entry),
        valid_days=entry["valid_days"],
        renew_before_days=entry["renew_before_days"],
    )


def _subject(name: str, entry: dict[str, t.Any]) -> Subject:
    fields = [entry["common_name"], entry.get("organization"), entry.get("organizational_unit")]
    for value in fields:
        if value is not None and not 1 <= len(value) <= _LONGEST_NAME:
            raise _refusal(f"{value!r} has not 1 to {_LONGEST_NAME} characters.", "X.509 allows no other.", name)
    return Subject(*fields)


def _key(entry: dict[str, t.Any]) -> KeyKind:
    return KeyKind("rsa", entry["rsa_bits"]) if entry["key_type"] == "rsa" else KeyKind("ec")


def _address(name: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise _refusal(f"{text!r} is not an IP address.", "Host names belong to dns_names.", name) from None


def _check_days(name: str, entry: dict[str, t.Any]) -> None:
    if not 0 <= entry["renew_before_days"] < entry["valid_days"]:
        raise _refusal(
            f"{name} is valid for {entry['valid_days']} days and renewed {entry['renew_before_days']} days before.",
            "It would be renewed at every run: let renew_before_days be less than valid_days.",
            name,
        )


def _refusal(what: str, hint: str, name: str) -> GroundworkError:
    return GroundworkError(
        what, where=f"certificates, {name}", untouched=UNTOUCHED, hint=hint, code=ErrorCode.INVALID_CERTIFICATE
    )
