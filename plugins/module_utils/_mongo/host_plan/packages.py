"""What host_packages is asked for."""

from __future__ import annotations

import typing as t

from ..._core.described import Described, truth
from .known import Known

# Packages of this beginning have the server's version.
_SERVER = "mongodb-org"


def packages(known: Known, inputs: Described) -> list[dict[str, t.Any]]:
    """:param inputs: ``packages``, ``hold``, and the ``driver``'s package."""
    version, hold = _version(known), truth(inputs["hold"])
    of_server = [
        {"name": name, **({"version": version} if version else {})} for name in inputs["packages"] if _is_server(name)
    ]
    others = [{"name": name} for name in inputs["packages"] if not _is_server(name)]
    driver = [{"name": inputs["driver"]}] if inputs["driver"] else []
    return [{**package, "hold": hold} for package in of_server + others] + driver


def repository(known: Known, inputs: Described) -> dict[str, t.Any]:
    """:param inputs: ``url``, ``suite``, ``component`` and ``key``; ``distribution`` and its ``codename``."""
    release, distribution = known.server.release, inputs["distribution"]
    return {
        "name": f"mongodb-org-{release}",
        "uris": [f"{inputs['url']}/{distribution.lower()}"],
        "suites": [inputs["suite"] or f"{inputs['codename']}/mongodb-org/{release}"],
        "components": [inputs["component"] or ("multiverse" if distribution == "Ubuntu" else "main")],
        "key": inputs["key"],
    }


def _is_server(name: str) -> bool:
    return name.startswith(_SERVER)


def _version(known: Known) -> str:
    """What is installed stays, unless preflight let the release follow the one before it."""
    server, installed = known.server, known.found.installed_version if known.found else ""
    if server.version or not installed or f"{installed}.".startswith(f"{server.release}."):
        return server.version
    return f"{server.release}.*"
