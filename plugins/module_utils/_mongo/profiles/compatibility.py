"""Compatibility profiles: what a specification asks for and a target cannot do. Pure.

Sources: the MongoDB manual (compound wildcard indexes new in 7.0, pre-images in 6.0), and the Amazon DocumentDB
developer guide (pages on supported APIs, index properties, partial indexes, limits). What a profile lacks is listed;
what no source denies is left to the server.
"""

from __future__ import annotations

import typing as t

from ..._core.problems import Problems
from ..collections.declared import CollectionSpec
from ..indexes.declared import IndexSpec
from ..indexes.index import index_of
from ..indexes.partial_filter import is_operator_document

AUTOMATIC = "auto"
PORTABLE = "portable"

# A feature, and what is said of it: "... is not possible".
SENTENCES = {
    "capped": "a capped collection",
    "timeseries": "a time series collection",
    "clustered": "a clustered collection",
    "view": "a view",
    "collation": "a collation",
    "pre_images": "keeping pre- and post-images",
    "storage_engine": "an option for the storage engine",
    "hidden": "a hidden index",
    "prepare_unique": "preparing an index for uniqueness",
    "hashed": "a hashed index",
    "2d": "a 2d index",
    "wildcard": "a wildcard index",
    "compound_wildcard": "a wildcard index with further fields",
    "filter_operator": "this operator in a partial filter",
    "nested_and": "$and anywhere but at the top of a partial filter",
    "same_keys": "a second index on the same keys",
}
DOCUMENTDB_LACKS = frozenset({
    "capped", "timeseries", "clustered", "pre_images", "storage_engine", "prepare_unique", "hashed", "2d", "wildcard",
    "compound_wildcard", "filter_operator", "nested_and", "same_keys",
})
LACKS: dict[str, frozenset[str]] = {
    "mongodb-7.0": frozenset(),
    "mongodb-6.0": frozenset({"compound_wildcard"}),
    "documentdb-8.0": DOCUMENTDB_LACKS,
    "documentdb-5.0": DOCUMENTDB_LACKS | {"view", "collation"},
}
PROFILES = (AUTOMATIC, *LACKS, PORTABLE)
DOCUMENTDB_FILTER_OPERATORS = frozenset({"$eq", "$exists", "$gt", "$gte", "$lt", "$lte"})
# Longest names on Amazon DocumentDB: collection$index, and database.collection$index.
DOCUMENTDB_SHORT_NAME = 255
DOCUMENTDB_LONG_NAME = 377


def profile_of(engine: str, version: tuple[int, ...]) -> str:
    """The profile of a live server."""
    if engine == "documentdb":
        return "documentdb-8.0" if version >= (8, 0) else "documentdb-5.0"
    return "mongodb-7.0" if version >= (7, 0) else "mongodb-6.0"


def check_profile(profile: str, database: str, specs: list[CollectionSpec], problems: Problems) -> None:
    """Note, with its line, everything that the profile cannot do. ``portable`` stands for all of them at once."""
    members = list(LACKS) if profile == PORTABLE else [profile]
    for spec in specs:
        for path, feature in _features(spec):
            lacking = [member for member in members if feature in LACKS[member]]
            if lacking:
                problems.add(path, f"{SENTENCES[feature]} is not possible on {', '.join(lacking)}")
        if any(member.startswith("documentdb") for member in members):
            _check_names(database, spec, problems)


def _features(spec: CollectionSpec) -> t.Iterator[tuple[str, str]]:
    """Path and feature of everything noteworthy in a collection."""
    options = spec.options
    asked = {
        "capped": bool(options.get("capped")),
        "timeseries": "timeseries" in options,
        "clustered": "clusteredIndex" in options,
        "view": "viewOn" in options,
        "collation": _is_collated(options),
        "pre_images": bool((options.get("changeStreamPreAndPostImages") or {}).get("enabled")),
        "storage_engine": "storageEngine" in options or "indexOptionDefaults" in options,
    }
    yield from ((f"{spec.path} ({spec.name})", feature) for feature, present in asked.items() if present)
    seen: set[str] = set()
    for index in spec.indexes or ():
        keys = str(index_of(index.document).keys)
        if keys in seen:
            yield f"{index.path} ({index.name})", "same_keys"
        seen.add(keys)
        yield from ((f"{index.path} ({index.name})", feature) for feature in _index_features(index))


def _index_features(index: IndexSpec) -> t.Iterator[str]:
    document = index.document
    asked = {
        "hidden": "hidden" in document,
        "prepare_unique": "prepareUnique" in document,
        "collation": _is_collated(document),
        "storage_engine": "storageEngine" in document,
        "hashed": index.kind == "hashed",
        "2d": index.kind == "2d",
        "wildcard": index.kind == "wildcard",
        "compound_wildcard": index.kind == "wildcard" and len(index.keys) > 1,
    }
    yield from (feature for feature, present in asked.items() if present)
    expression = document.get("partialFilterExpression")
    if expression is not None:
        yield from sorted(set(_filter_features(expression, top=True)))


def _filter_features(expression: dict[str, t.Any], *, top: bool) -> t.Iterator[str]:
    for field, value in expression.items():
        if field == "$and":
            if not top:
                yield "nested_and"
            for clause in value:
                yield from _filter_features(clause, top=False)
        elif field.startswith("$") or (is_operator_document(value) and set(value) - DOCUMENTDB_FILTER_OPERATORS):
            yield "filter_operator"


def _is_collated(document: dict[str, t.Any]) -> bool:
    return (document.get("collation") or {}).get("locale", "simple") != "simple"


def _check_names(database: str, spec: CollectionSpec, problems: Problems) -> None:
    for index in spec.indexes or ():
        short = f"{spec.name}${index.name}"
        if len(short.encode()) > DOCUMENTDB_SHORT_NAME:
            problems.add(index.path, f"{short} is longer than the {DOCUMENTDB_SHORT_NAME} bytes of Amazon DocumentDB")
        elif len(f"{database}.{short}".encode()) > DOCUMENTDB_LONG_NAME:
            text = f"{database}.{short} is longer than the {DOCUMENTDB_LONG_NAME} bytes of Amazon DocumentDB"
            problems.add(index.path, text)
