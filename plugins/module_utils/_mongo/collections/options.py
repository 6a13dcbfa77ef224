"""Options of existing collections: which differ, which of those can be changed in place, and by which command. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..indexes import collation
from ..values import same, truth
from .declared import GRANULARITIES, OFF, CollectionSpec

VALIDATION_DEFAULTS = {"validator": {}, "validationLevel": "strict", "validationAction": "error"}
# The server rounds the size of a capped collection up to a multiple of this.
CAPPED_UNIT = 256


@dataclasses.dataclass(frozen=True)
class Ability:
    """What the server can change in place.

    :param resize_capped: size and document limit of a capped collection (MongoDB 6.0).
    :param modify_view: definition of a view.
    """

    resize_capped: bool = True
    modify_view: bool = True


@dataclasses.dataclass
class Difference:
    """:ivar modify: fields of one ``collMod`` each. :ivar stuck: sentences on what cannot be changed in place."""

    modify: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    stuck: list[str] = dataclasses.field(default_factory=list)


def compare(spec: CollectionSpec, kind: str, live: dict[str, t.Any], ability: Ability) -> Difference:
    """What differs between the declared options and the live ones; undeclared options are not looked at."""
    difference = Difference()
    # A collection declared by its indexes alone may be a time series.
    if spec.kind != kind and (kind != "timeseries" or spec.options):
        difference.stuck.append(f"it is a {kind}, not a {spec.kind}")
        return difference
    if spec.kind == "view":
        _compare_view(spec.options, live, difference, ability)
    elif kind == "timeseries":
        _compare_timeseries(spec.options, live, difference)
    else:
        _compare_capped(spec.options, live, difference, ability)
        _compare_validation(spec.options, live, difference)
        _compare_images(spec.options, live, difference)
    _compare_expiry(spec.options, live, difference)
    _compare_fixed(spec.options, live, difference)
    return difference


def _compare_view(
    wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference, ability: Ability
) -> None:
    pipeline = wanted.get("pipeline", live.get("pipeline", []))
    if wanted["viewOn"] == live.get("viewOn") and same(pipeline, live.get("pipeline", [])):
        return
    if ability.modify_view:
        # A server with access control insists on both.
        difference.modify.append({"viewOn": wanted["viewOn"], "pipeline": pipeline})
    else:
        difference.stuck.append("the definition of a view cannot be changed on this server")


def _compare_timeseries(wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference) -> None:
    options, existing = wanted.get("timeseries") or {}, live.get("timeseries") or {}
    for name in ("timeField", "metaField"):
        if name in options and options[name] != existing.get(name):
            difference.stuck.append(f"{name} is {existing.get(name)!r}, not {options[name]!r}, and is fixed")
    settings: dict[str, t.Any] = {}
    for name in ("granularity", "bucketMaxSpanSeconds", "bucketRoundingSeconds"):
        if name not in options or options[name] == existing.get(name):
            continue
        if name == "granularity" and name in existing and _rank(options[name]) < _rank(existing[name]):
            text = f"granularity is {existing[name]} and can only be made coarser, not {options[name]}"
            difference.stuck.append(text)
        elif name != "granularity" and options[name] < existing.get(name, 0):
            difference.stuck.append(f"{name} is {existing[name]} and can only grow, not become {options[name]}")
        else:
            settings[name] = options[name]
    if settings:
        difference.modify.append({"timeseries": settings})


def _rank(granularity: str) -> int:
    return GRANULARITIES.index(granularity)


def _compare_capped(
    wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference, ability: Ability
) -> None:
    if "capped" not in wanted:
        return
    if wanted["capped"] != truth(live.get("capped", False)):
        difference.stuck.append("it is not capped" if wanted["capped"] else "it is capped")
        return
    settings: dict[str, t.Any] = {}
    if "size" in wanted and _rounded(wanted["size"]) != live.get("size"):
        settings["cappedSize"] = wanted["size"]
    if "max" in wanted and wanted["max"] != live.get("max"):
        settings["cappedMax"] = wanted["max"]
    if settings and ability.resize_capped:
        difference.modify.append(settings)
    elif settings:
        difference.stuck.append("size and max of a capped collection cannot be changed on this server")


def _rounded(size: int) -> int:
    return -(-size // CAPPED_UNIT) * CAPPED_UNIT


def _compare_validation(wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference) -> None:
    settings: dict[str, t.Any] = {}
    for name, default in VALIDATION_DEFAULTS.items():
        if name in wanted and not _same_validation(wanted[name], live.get(name, default)):
            settings[name] = wanted[name]
    if settings:
        difference.modify.append(settings)


def _same_validation(one: t.Any, other: t.Any) -> bool:
    return same(_unordered(one), _unordered(other))


def _unordered(validator: t.Any) -> t.Any:
    """A validator whose ``$jsonSchema`` is in one order: the order of keywords and of ``required`` is no matter."""
    if isinstance(validator, list):
        return [_unordered(item) for item in validator]
    if not isinstance(validator, dict):
        return validator
    readers = {"$and": _unordered, "$or": _unordered, "$nor": _unordered, "$jsonSchema": _schema}
    return {name: readers[name](value) if name in readers else value for name, value in validator.items()}


def _schema(value: t.Any) -> t.Any:
    if not isinstance(value, dict):
        return value
    ordered: dict[str, t.Any] = {}
    for keyword in sorted(value):
        item = value[keyword]
        if keyword == "required" and isinstance(item, list):
            ordered[keyword] = sorted(item, key=str)
        elif keyword in ("properties", "patternProperties", "dependencies") and isinstance(item, dict):
            ordered[keyword] = {name: _schema(item[name]) for name in sorted(item)}
        elif keyword in ("allOf", "anyOf", "oneOf", "items") and isinstance(item, list):
            ordered[keyword] = [_schema(part) for part in item]
        elif keyword in ("items", "additionalProperties", "additionalItems", "not"):
            ordered[keyword] = _schema(item)
        else:
            ordered[keyword] = item
    return ordered


def _compare_images(wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference) -> None:
    name = "changeStreamPreAndPostImages"
    if name in wanted and wanted[name]["enabled"] != truth((live.get(name) or {}).get("enabled", False)):
        difference.modify.append({name: wanted[name]})


def _compare_expiry(wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference) -> None:
    name = "expireAfterSeconds"
    if name in wanted and wanted[name] != live.get(name, OFF):
        difference.modify.append({name: wanted[name]})


def _compare_fixed(wanted: dict[str, t.Any], live: dict[str, t.Any], difference: Difference) -> None:
    existing_collation = collation.of_collection(live.get("collation"))
    if "collation" in wanted and collation.of_collection(wanted["collation"]) != existing_collation:
        difference.stuck.append("its collation is another one, and is fixed")
    if "clusteredIndex" in wanted:
        existing = live.get("clusteredIndex") or {}
        if not existing or wanted["clusteredIndex"].get("name", existing.get("name")) != existing.get("name"):
            difference.stuck.append(
                "its clustered index is another one, and is fixed" if existing else "it is not clustered",
            )
    for name in ("storageEngine", "indexOptionDefaults"):
        if name in wanted and not same(wanted[name], live.get(name, {})):
            difference.stuck.append(f"its {name} is another one, and is fixed")
