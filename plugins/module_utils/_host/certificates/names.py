"""Which of a server's names are addresses: a certificate has them in another place, and clients look there only."""

from __future__ import annotations

import ipaddress
import typing as t

# What X.509 holds of a common name. Clients that verify look at names and addresses only.
_LONGEST_COMMON_NAME = 64


def of_certificate(host: str, names: t.Iterable[str]) -> dict[str, t.Any]:
    """The options ``common_name``, ``dns_names`` and ``ip_addresses`` of tls_certificates.

    :param host: whose certificate it is; :param names: all that clients know it by, addresses among them.
    """
    hosts, addresses = split_names(names)
    return {"common_name": host[:_LONGEST_COMMON_NAME], "dns_names": hosts, "ip_addresses": addresses}


def split_names(names: t.Iterable[str]) -> tuple[list[str], list[str]]:
    """Host names and addresses, each once and in order.

    :param names: addresses of version 6 with or without brackets.
    """
    hosts: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in names:
        bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
        if is_address(bare):
            addresses[bare] = None
        else:
            hosts[name] = None
    return list(hosts), list(addresses)


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
