"""The map of mongod.conf: as one level of dotted names, checked, and as text."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected
from . import options
from .options import Release

Flat = dict[str, t.Any]

UNTOUCHED = "everything; the running server keeps its configuration"
HEADER = "# Kept by Ansible (groundwork.databases.mongod_configuration): what is changed here by hand is lost.\n"
_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./,-]*")
_NOT_A_TEXT = re.compile(r"(?i:true|false|yes|no|on|off|y|n|null)|[-+]?[0-9][0-9_.,eExXoOa-fA-F]*")
_SECRET = re.compile(r"(?i)^(\s*[A-Za-z.]*passw(?:or)?d\s*:\s*)\S.*$", re.MULTILINE)


def flatten(settings: dict[str, t.Any], prefix: str = "") -> Flat:
    """``{"net": {"port": 1}}`` as ``{"net.port": 1}``; what is below ``setParameter`` stays together."""
    flat: Flat = {}
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name != "setParameter":
            flat.update(flatten(value, name + "."))
        elif value is not None:
            flat[name] = value
    return flat


def nest(flat: Flat) -> dict[str, t.Any]:
    """The reverse of ``flatten``."""
    nested: dict[str, t.Any] = {}
    for name, value in flat.items():
        *parents, last = name.split(".")
        level = nested
        for parent in parents:
            level = level.setdefault(parent, {})
        level[last] = value
    return nested


def read(settings: dict[str, t.Any], release: Release) -> Flat:
    """The wanted settings with each value in its option's type.

    :raises GroundworkError: names that ``release`` does not know, values of the wrong type; all of them at once.
    """
    flat: Flat = {}
    subject = f"the settings of mongod.conf for MongoDB {release[0]}.{release[1]}"
    with collected(subject, ErrorCode.INVALID_SETTING, UNTOUCHED) as problems:
        for name, value in flatten(settings).items():
            try:
                flat[name] = _typed(name, value, release)
            except ValueError as error:
                problems.add(name, str(error))
    return flat


def _typed(name: str, value: t.Any, release: Release) -> t.Any:
    option = options.known(name, release)
    if option is None:
        raise ValueError(_why_unknown(name, release))
    converted = _CONVERTERS[option.kind](value)
    if option.choices and converted not in option.choices:
        raise ValueError(f"{converted!r} is none of {', '.join(option.choices)}.{_closest(converted, option.choices)}")
    return converted


def _why_unknown(name: str, release: Release) -> str:
    gone = options.removed(name)
    if gone:
        since = f"It was removed in MongoDB {gone.since[0]}.{gone.since[1]}. " if gone.since > (0, 0) else ""
        return since + gone.instead
    if any(options.has_prefix(name, prefix) for prefix in options.ENTERPRISE):
        return "Only MongoDB Enterprise has it; the packages mongodb-org do not start with it."
    if any(options.has_prefix(name, prefix) for prefix in options.WINDOWS):
        return "It belongs to Windows."
    option = options.OPTIONS.get(name)
    if option:
        return f"It needs MongoDB {option.since[0]}.{option.since[1]} or later."
    if any(item.startswith(name + ".") for item in options.OPTIONS):
        return "It is a group of options: give it a mapping."
    known = [item for item in options.OPTIONS if options.known(item, release)]
    return f"There is no such option.{_closest(name, known)}"


def _closest(name: t.Any, names: t.Iterable[str]) -> str:
    """The most similar name; one that was put into the wrong group is found by its last part."""
    candidates = list(names)
    lower = {item.lower(): item for item in candidates}
    found = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=0.75)
    if not found:
        last = str(name).rpartition(".")[2].lower()
        found = [item for item in lower if item.rpartition(".")[2] == last]
    return f" Did you mean {lower[found[0]]}?" if len(found) == 1 else ""


def _text(value: t.Any) -> str:
    # YAML reads an unquoted ``off`` as a boolean; as an option's value it can only have been meant as the word.
    if value is False:
        return "off"
    if isinstance(value, (dict, list, bool)):
        raise ValueError(f"{json.dumps(value)} is not a text.")
    return str(value)


def _whole(value: t.Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"{value!r} is not a whole number.")
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a whole number.") from None


def _number(value: t.Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number.") from None
    return int(number) if number.is_integer() else number


def _switch(value: t.Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "yes"):
        return True
    if str(value).lower() in ("false", "no"):
        return False
    raise ValueError(f"{value!r} is neither true nor false.")


def _list(value: t.Any) -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{value!r} is not a list.")
    return [str(item) for item in value]


def _map(value: t.Any) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is not a mapping.")
    return {str(key): _parameter(item) for key, item in value.items() if item is not None}


def _parameter(value: t.Any) -> t.Any:
    """A server parameter as the file takes it: no lists, no mappings."""
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return json.dumps(value) if isinstance(value, dict) else value


_CONVERTERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "str": _text, "int": _whole, "float": _number, "bool": _switch, "list": _list, "map": _map,
}


def check_safety(flat: Flat, *, listen_on_all: bool, exposed_without_tls: bool, adoption: bool = False) -> None:
    """Refuse a server that anybody could use, or that everybody could reach by accident.

    :param listen_on_all: the first of two words that an address like 0.0.0.0 takes.
    :param exposed_without_tls: the second one, which it takes without TLS.
    :param adoption: whether clients without a login may stay for a while (``transitionToAuth``).
    :raises GroundworkError: authentication is off, or the addresses are too open.
    """
    problems = Problems()
    if flat.get("security.authorization") != "enabled":
        problems.add("security.authorization", "it is enabled, always; a server without it is adopted in stages.")
    if flat.get("security.transitionToAuth") and not adoption:
        problems.add("security.transitionToAuth", "it lets everybody in; only an adoption has a stage with it.")
    if "replication.replSetName" in flat and not _has_cluster_secret(flat):
        problems.add("security.keyFile", "members of a replica set need it, or clusterAuthMode x509.")
    if flat.get("systemLog.logRotate") == "reopen" and not flat.get("systemLog.logAppend"):
        problems.add("systemLog.logAppend", "logRotate: reopen needs it to be true.")
    wide = open_addresses(flat)
    encrypted = flat.get("net.tls.mode") == "requireTLS"
    if wide and not listen_on_all:
        problems.add(
            "net.bindIp",
            f"{', '.join(wide)} listens on every address of the host. Name the addresses, or allow it with"
            " listen_on_all (mongodb_7_listen_on_all).",
        )
    if wide and listen_on_all and not encrypted and not exposed_without_tls:
        problems.add(
            "net.bindIp",
            f"{', '.join(wide)} without net.tls.mode requireTLS sends data in the clear on every network."
            " Turn TLS on, or allow it with exposed_without_tls (mongodb_7_exposed_without_tls) too.",
        )
    problems.raise_if_any("the settings: they are not safe", ErrorCode.UNSAFE_SETTING, UNTOUCHED)


def _has_cluster_secret(flat: Flat) -> bool:
    return "security.keyFile" in flat or flat.get("security.clusterAuthMode") == "x509"


def open_addresses(flat: Flat) -> list[str]:
    """The addresses that stand for all of the host's."""
    if flat.get("net.bindIpAll"):
        return ["bindIpAll"]
    return [item for item in (part.strip() for part in str(flat.get("net.bindIp", "")).split(",")) if _is_wide(item)]


def _is_wide(address: str) -> bool:
    if address == "*":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_unspecified
    except ValueError:
        return False


def render(flat: Flat) -> str:
    """The file's text: sections and options in alphabetical order, so that the same map is the same text."""
    return HEADER + "".join(_lines(nest(flat), 0))


def _lines(level: dict[str, t.Any], depth: int) -> t.Iterator[str]:
    for key in sorted(level):
        value = level[key]
        if isinstance(value, dict) and value:
            yield f"{'  ' * depth}{key}:\n"
            yield from _lines(value, depth + 1)
        else:
            yield f"{'  ' * depth}{key}: {_scalar(value)}\n"


def _scalar(value: t.Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _NOT_A_TEXT.fullmatch(value):
        return value
    return json.dumps(value)


def without_secrets(text: str) -> str:
    """The file's text for a person's eyes."""
    return _SECRET.sub(r"\1********", text)
