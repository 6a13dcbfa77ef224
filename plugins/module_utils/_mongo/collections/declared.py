"""Reading declared collections and views."""

from __future__ import annotations

import dataclasses
import typing as t

from ..indexes import collation
from ..indexes.index import index_of
from ..indexes.declared import IndexSpec, read_index
from ..._core.problems import Problems
from ..fields import Fields

# Name in the specification to name in the ``create`` command.
CREATE_OPTIONS = {
    "validator": "validator",
    "validation_level": "validationLevel",
    "validation_action": "validationAction",
    "collation": "collation",
    "capped": "capped",
    "size": "size",
    "max": "max",
    "timeseries": "timeseries",
    "clustered_index": "clusteredIndex",
    "expire_after_seconds": "expireAfterSeconds",
    "change_stream_pre_and_post_images": "changeStreamPreAndPostImages",
    "storage_engine": "storageEngine",
    "index_option_defaults": "indexOptionDefaults",
    "view_on": "viewOn",
    "pipeline": "pipeline",
}
FIELDS = {"name": "name", "indexes": "indexes", "recreate": "recreate", **CREATE_OPTIONS}
TIMESERIES = {
    "time_field": "timeField",
    "meta_field": "metaField",
    "granularity": "granularity",
    "bucket_max_span_seconds": "bucketMaxSpanSeconds",
    "bucket_rounding_seconds": "bucketRoundingSeconds",
}
GRANULARITIES = ("seconds", "minutes", "hours")
CLUSTERED = {"key": "key", "unique": "unique", "name": "name"}
VIEW_OPTIONS = frozenset({"viewOn", "pipeline", "collation"})
TIMESERIES_OPTIONS = frozenset({
    "timeseries", "expireAfterSeconds", "collation", "storageEngine", "indexOptionDefaults",
})
LONGEST_NAMESPACE = 255
LONGEST_DATABASE = 63
OFF = "off"


@dataclasses.dataclass(frozen=True)
class CollectionSpec:
    """One declared collection or view.

    :param options: the declared options under their names in ``create``; what is not declared is not touched.
    :param indexes: the declared indexes, ``None`` when the collection's indexes are not to be touched.
    :param recreate: the collection may be dropped and made anew when an option cannot be changed.
    """

    path: str
    name: str
    options: dict[str, t.Any]
    indexes: tuple[IndexSpec, ...] | None
    recreate: bool = False

    @property
    def kind(self) -> str:
        """``view``, ``timeseries`` or ``collection``, as ``listCollections`` calls them."""
        if "viewOn" in self.options:
            return "view"
        return "timeseries" if "timeseries" in self.options else "collection"

    def create_command(self) -> dict[str, t.Any]:
        options = {name: value for name, value in self.options.items() if value not in (OFF, False)}
        return {"create": self.name, **options}


def read_database(name: str, problems: Problems) -> None:
    """Note what is wrong with the name of the database."""
    if not name or any(character in name for character in '/\\. "$*<>:|?\0'):
        problems.add("database", f"{name!r} is no name for a database")
    elif len(name.encode()) > LONGEST_DATABASE:
        problems.add("database", f"the name is longer than {LONGEST_DATABASE} bytes")
    elif name in ("config", "local"):
        problems.add("database", f"{name} belongs to the server")


def read_collections(value: list[t.Any], database: str, problems: Problems) -> list[CollectionSpec]:
    """All declared collections; problems are noted."""
    specs: list[CollectionSpec] = []
    paths: dict[str, str] = {}
    for number, item in enumerate(value):
        path = f"collections[{number}]"
        if not isinstance(item, dict):
            problems.add(path, "a mapping is expected")
            continue
        spec = _read_collection(item, path, database, problems)
        if spec is None:
            continue
        if spec.name in paths:
            problems.add(f"{path}.name", f"{spec.name} is already declared by {paths[spec.name]}")
        paths.setdefault(spec.name, path)
        specs.append(spec)
    return specs


def _read_collection(
    value: dict[str, t.Any], path: str, database: str, problems: Problems
) -> CollectionSpec | None:
    fields = Fields(value, path, FIELDS, problems)
    name = fields.text("name")
    if name is None:
        problems.add(f"{path}.name", "the name of the collection is missing")
        return None
    _check_name(name, database, fields.where("name"), problems)
    options = _read_options(fields, problems)
    indexes = _read_indexes(fields, options, problems)
    spec = CollectionSpec(path, name, options, indexes, recreate=bool(fields.flag("recreate")))
    _check_rules(spec, fields, problems)
    return spec


def _check_name(name: str, database: str, path: str, problems: Problems) -> None:
    if not name or "$" in name or "\0" in name or name.startswith(".") or name.endswith("."):
        problems.add(path, f"{name!r} is no name for a collection")
    elif name.startswith("system."):
        problems.add(path, f"{name} belongs to the server")
    elif len(f"{database}.{name}".encode()) > LONGEST_NAMESPACE:
        problems.add(path, f"{database}.{name} is longer than {LONGEST_NAMESPACE} bytes")


def _read_options(fields: Fields, problems: Problems) -> dict[str, t.Any]:
    values: dict[str, t.Any] = {
        "validator": fields.mapping("validator"),
        "validation_level": fields.choice("validation_level", ("strict", "moderate", "off")),
        "validation_action": fields.choice("validation_action", ("error", "warn")),
        "collation": fields.mapping("collation"),
        "capped": fields.flag("capped"),
        "size": fields.whole("size", 1, 2**50),
        "max": fields.whole("max", 1, 2**31 - 1),
        "timeseries": _read_timeseries(fields, problems),
        "clustered_index": _read_clustered(fields, problems),
        "expire_after_seconds": OFF if fields.any("expire_after_seconds") in (OFF, False) else fields.whole(
            "expire_after_seconds", 0, 2**63 - 1),
        "change_stream_pre_and_post_images": _read_images(fields, problems),
        "storage_engine": fields.mapping("storage_engine"),
        "index_option_defaults": fields.mapping("index_option_defaults"),
        "view_on": fields.text("view_on"),
        "pipeline": fields.sequence("pipeline"),
    }
    if values["collation"] is not None:
        text = collation.problem(values["collation"])
        if text:
            problems.add(fields.where("collation"), text)
    return {CREATE_OPTIONS[name]: value for name, value in values.items() if value is not None}


def _read_timeseries(fields: Fields, problems: Problems) -> dict[str, t.Any] | None:
    value = fields.mapping("timeseries")
    if value is None:
        return None
    inner = Fields(value, fields.where("timeseries"), TIMESERIES, problems)
    if not inner.has("time_field"):
        problems.add(inner.where("time_field"), "the field that holds the time is missing")
    values = {
        "time_field": inner.text("time_field"),
        "meta_field": inner.text("meta_field"),
        "granularity": inner.choice("granularity", GRANULARITIES),
        "bucket_max_span_seconds": inner.whole("bucket_max_span_seconds", 1, 31536000),
        "bucket_rounding_seconds": inner.whole("bucket_rounding_seconds", 1, 31536000),
    }
    return {TIMESERIES[name]: value for name, value in values.items() if value is not None}


def _read_clustered(fields: Fields, problems: Problems) -> dict[str, t.Any] | None:
    value = fields.any("clustered_index")
    if value is True:
        value = {"key": {"_id": 1}, "unique": True}
    if value is None or value is False:
        return None
    if not isinstance(value, dict):
        problems.add(fields.where("clustered_index"), "a mapping or true is expected")
        return None
    inner = Fields(value, fields.where("clustered_index"), CLUSTERED, problems)
    if inner.any("key") not in (None, {"_id": 1}):
        problems.add(inner.where("key"), "a collection can be clustered by {_id: 1} only")
    if inner.flag("unique") is False:
        problems.add(inner.where("unique"), "a clustered index is unique")
    name = inner.text("name")
    return {"key": {"_id": 1}, "unique": True, **({"name": name} if name else {})}


def _read_images(fields: Fields, problems: Problems) -> dict[str, t.Any] | None:
    value = fields.any("change_stream_pre_and_post_images")
    if not isinstance(value, dict):
        enabled = fields.flag("change_stream_pre_and_post_images")
        return None if enabled is None else {"enabled": enabled}
    inner = Fields(value, fields.where("change_stream_pre_and_post_images"), {"enabled": "enabled"}, problems)
    return {"enabled": bool(inner.flag("enabled"))}


def _read_indexes(fields: Fields, options: dict[str, t.Any], problems: Problems) -> tuple[IndexSpec, ...] | None:
    values = fields.sequence("indexes")
    if values is None:
        return None
    where = fields.where("indexes")
    before = len(problems.found)
    read = [read_index(value, f"{where}[{number}]", problems) for number, value in enumerate(values)]
    specs = tuple(spec for spec in read if spec is not None)
    if len(problems.found) == before:
        check_duplicates(specs, options.get("collation"), problems)
    return specs


def check_duplicates(
    specs: tuple[IndexSpec, ...], inherited_collation: dict[str, t.Any] | None, problems: Problems
) -> None:
    """Note indexes that the server could not keep next to each other, or not with the collation of the collection."""
    names: dict[str, str] = {}
    signatures: dict[str, str] = {}
    text: str | None = None
    for spec in specs:
        signature = index_of(spec.document, inherited_collation).signature
        if signature in signatures:
            problems.add(spec.path, f"the same index is already declared by {signatures[signature]}")
        elif spec.name in names:
            hint = "" if spec.named else "; give one of them a name"
            problems.add(f"{spec.path}.name", f"the name {spec.name} is already used by {names[spec.name]}{hint}")
        elif spec.kind == "text" and text is not None:
            problems.add(spec.path, f"a collection can have one text index, and {text} declares one")
        if spec.kind == "text":
            text = spec.path
        if spec.kind in ("text", "2d") and "collation" not in spec.document and collation.of_collection(inherited_collation):
            problems.add(
                spec.path,
                f"a {spec.kind} index cannot have the collation of its collection; give it collation: {{locale: simple}}",
            )
        names.setdefault(spec.name, spec.path)
        signatures.setdefault(signature, spec.path)


def _check_rules(spec: CollectionSpec, fields: Fields, problems: Problems) -> None:
    options = spec.options
    if "viewOn" not in options and "pipeline" in options:
        problems.add(fields.where("pipeline"), "only a view has a pipeline; view_on is missing")
    for allowed, word in ((VIEW_OPTIONS, "view"), (TIMESERIES_OPTIONS, "timeseries")):
        if spec.kind != word:
            continue
        for name, server_name in CREATE_OPTIONS.items():
            if server_name in options and server_name not in allowed:
                problems.add(fields.where(name), f"a {word} cannot have this option")
    if spec.kind == "timeseries":
        for index in spec.indexes or ():
            _check_index_of_timeseries(index, problems)
    if spec.kind == "view" and spec.indexes is not None:
        problems.add(fields.where("indexes"), "a view has no indexes")
    if options.get("capped") and "size" not in options:
        problems.add(fields.where("size"), "a capped collection needs a size in bytes")
    for name in ("size", "max"):
        if name in options and not options.get("capped"):
            problems.add(fields.where(name), "only a capped collection has this option")
    if options.get("capped") and "clusteredIndex" in options:
        problems.add(fields.where("capped"), "a clustered collection cannot be capped")
    expires = options.get("expireAfterSeconds")
    if expires not in (None, OFF) and spec.kind != "timeseries" and "clusteredIndex" not in options:
        problems.add(
            fields.where("expire_after_seconds"),
            "only a timeseries or clustered collection has this option; in others an index expires documents",
        )


def _check_index_of_timeseries(index: IndexSpec, problems: Problems) -> None:
    if index.document.get("unique"):
        problems.add(index.path, "a time series cannot have a unique index")
    if index.kind == "text":
        problems.add(index.path, "a time series cannot have a text index")
    # From 7.0 on an index on the time field expires the measurements that its partial filter names.
    if "expireAfterSeconds" in index.document and "partialFilterExpression" not in index.document:
        problems.add(index.path, "a time series expires by its own expire_after_seconds, not by an index")
