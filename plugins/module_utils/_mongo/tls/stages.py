"""The stages in which a running replica set comes to TLS, and to certificates among its members: pure.

At every moment each member must understand what its neighbours send, so all members take one stage before any takes
the next. Sources: the manual's pages "Upgrade a Cluster to Use TLS/SSL" and "Upgrade from Keyfile Authentication to
x.509 Authentication".
"""

from __future__ import annotations

import typing as t

MODES = ("disabled", "allowTLS", "preferTLS", "requireTLS")
CLUSTER_AUTH_MODES = ("keyFile", "sendKeyFile", "sendX509", "x509")

# From here on a member uses TLS for what it sends to the others, which a certificate needs.
OUTGOING = MODES.index("preferTLS")
SENDS_CERTIFICATE = CLUSTER_AUTH_MODES.index("sendX509")


class Stage(t.NamedTuple):
    """What a member does at one moment, by the server's words."""

    mode: str
    cluster_auth_mode: str


def from_parameters(parameters: dict[str, t.Any]) -> Stage:
    """The stage of a server, from its parameters. Without a key file and without TLS it knows no cluster mode."""
    mode = str(parameters.get("tlsMode") or MODES[0]).replace("SSL", "TLS")
    auth = parameters.get("clusterAuthMode")
    return Stage(
        mode if mode in MODES else MODES[0], auth if auth in CLUSTER_AUTH_MODES else CLUSTER_AUTH_MODES[0],
    )


def path(now: Stage, wanted: Stage) -> list[Stage]:
    """The stages from ``now`` to ``wanted``, without the first, with the last; one stage when there is nothing to do.

    The last stage is always part of it, so that what is done per stage is done once for a member that is there.
    """
    stages = []
    mode, auth = MODES.index(now.mode), CLUSTER_AUTH_MODES.index(now.cluster_auth_mode)
    last_mode, last_auth = MODES.index(wanted.mode), CLUSTER_AUTH_MODES.index(wanted.cluster_auth_mode)
    while (mode, auth) != (last_mode, last_auth):
        next_mode = mode + _sign(last_mode - mode)
        next_auth = auth + _sign(last_auth - auth)
        if next_auth >= SENDS_CERTIFICATE and next_mode < OUTGOING:
            # The one that is in the way waits: the certificate on the way up, TLS on the way down.
            if last_auth > auth:
                next_auth = auth
            else:
                next_mode = mode
        if (next_mode, next_auth) == (mode, auth):
            break
        mode, auth = next_mode, next_auth
        stages.append(Stage(MODES[mode], CLUSTER_AUTH_MODES[auth]))
    return stages or [wanted]


def contradiction(wanted: Stage) -> str | None:
    """Why no member could work like this, ``None`` when one could."""
    sends = CLUSTER_AUTH_MODES.index(wanted.cluster_auth_mode) >= SENDS_CERTIFICATE
    if sends and MODES.index(wanted.mode) < OUTGOING:
        return f"{wanted.cluster_auth_mode} sends certificates, which needs preferTLS or requireTLS, not {wanted.mode}"
    return None


def understand(one: Stage, other: Stage) -> bool:
    """Whether members at these stages accept what the other sends: they do when they are one stage apart at most."""
    mode = MODES.index(one.mode) - MODES.index(other.mode)
    auth = CLUSTER_AUTH_MODES.index(one.cluster_auth_mode) - CLUSTER_AUTH_MODES.index(other.cluster_auth_mode)
    return abs(mode) <= 1 and abs(auth) <= 1


def commands(now: Stage, wanted: Stage) -> list[dict[str, t.Any]] | None:
    """The commands that bring a running server to the next stage, ``None`` when only a restart does.

    A server that was started with TLS can go up by itself, and never down. So can one that was started to accept both
    kinds of authentication among members.
    """
    steps: list[dict[str, t.Any]] = []
    if now.mode != wanted.mode:
        if now.mode == "disabled" or MODES.index(wanted.mode) < MODES.index(now.mode):
            return None
        steps += _climb("tlsMode", MODES, now.mode, wanted.mode)
    if now.cluster_auth_mode != wanted.cluster_auth_mode:
        order = CLUSTER_AUTH_MODES
        if now.cluster_auth_mode == "keyFile" or order.index(wanted.cluster_auth_mode) < order.index(
            now.cluster_auth_mode
        ):
            return None
        steps += _climb("clusterAuthMode", order, now.cluster_auth_mode, wanted.cluster_auth_mode)
    return steps


def _climb(parameter: str, order: tuple[str, ...], now: str, wanted: str) -> list[dict[str, t.Any]]:
    between = order[order.index(now) + 1:order.index(wanted) + 1]
    return [{"setParameter": 1, parameter: value} for value in between]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
