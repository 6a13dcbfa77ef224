"""An index in the form in which declared and existing ones are compared: the server's own rules of sameness.

Source of the rules: ``IndexDescriptor::compareIndexOptions`` of the server. Key pattern in order, ``unique``,
``sparse``, collation, partial filter and wildcard projection make the *signature*: indexes with different ones can
stand side by side. All else, but for the name and what the server never compares, must be the same for the server to
call them identical.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..values import as_decimal, canonical, fingerprint, truth
from . import collation, partial_filter, projection
from .keys import Direction, Keys, is_primary, normalised

# Options outside the signature that have a default which servers may or may not store. Text indexes always store
# theirs.
TEXT_DEFAULTS = {"default_language": "english", "language_override": "language"}
FLAT_DEFAULTS = {"bits": 26, "min": -180, "max": 180}
OTHER_OPTIONS = ("expireAfterSeconds", "weights", "default_language", "language_override", "bits", "min", "max",
                 "storageEngine", "prepareUnique")


@dataclasses.dataclass(frozen=True)
class Index:
    """One index, declared or existing.

    :param document: the index in the server's words, with ``key`` and ``name``: what ``listIndexes`` shows, or what
        ``createIndexes`` is sent.
    :param keys: the key pattern in the server's form.
    :param signature: equal for two indexes that the server cannot keep side by side.
    :param others: the remaining options that are not at their default.
    :param building: whether the server is still building it.
    """

    name: str
    keys: Keys
    document: dict[str, t.Any]
    signature: str
    others: dict[str, t.Any]
    hidden: bool
    unique: bool
    building: bool = False

    @property
    def is_primary(self) -> bool:
        return is_primary(self.keys)

    @property
    def is_clustered(self) -> bool:
        return bool(self.document.get("clustered"))

    def shown(self) -> dict[str, t.Any]:
        """The index for diffs: what a reader has to know, without what the server adds to every index."""
        hidden = {"v", "ns", "textIndexVersion", "2dsphereIndexVersion", "background"}
        shown = {name: value for name, value in self.document.items() if name not in hidden}
        if isinstance(shown.get("collation"), dict):
            shown["collation"] = {name: value for name, value in shown["collation"].items() if name != "version"}
        return shown

    def signature_as_unique(self) -> str:
        """The signature that this index would have if it were unique."""
        parts = json.loads(self.signature)
        parts["unique"] = True
        return json.dumps(parts)


def index_of(
    document: dict[str, t.Any],
    inherited_collation: dict[str, t.Any] | None = None,
    *,
    building: bool = False,
) -> Index:
    """Normalise an index.

    :param document: the index in the server's words; its ``key`` is a mapping in order.
    :param inherited_collation: the collection's default, which a *declared* index without a collation gets. An existing
        index is shown with the collation that it has, so nothing is to be inherited.
    """
    declared_keys: Keys = tuple((field, _direction(value)) for field, value in document["key"].items())
    keys = normalised(declared_keys)
    own = document.get("collation")
    collated = collation.of_collection(inherited_collation) if own is None else collation.of_index(own)
    unique = truth(document.get("unique", False))
    signature = {
        "key": canonical([list(pair) for pair in keys]),
        "unique": unique,
        "sparse": truth(document.get("sparse", False)),
        "collation": collated,
        "filter": partial_filter.normalised(document.get("partialFilterExpression")),
        "projection": projection.normalised(document.get("wildcardProjection")),
    }
    return Index(
        name=str(document["name"]),
        keys=keys,
        document=document,
        signature=json.dumps(signature),
        others=_others(document, declared_keys),
        hidden=truth(document.get("hidden", False)),
        unique=unique,
        building=building,
    )


def _direction(value: t.Any) -> Direction:
    """The server takes every number for a direction, of whatever type, and old servers took other values."""
    if isinstance(value, (int, float, str)):
        return value
    number = as_decimal(value)
    return json.dumps(value, default=str) if number is None else float(number)


def _others(document: dict[str, t.Any], keys: Keys) -> dict[str, t.Any]:
    given = {name: document[name] for name in OTHER_OPTIONS if name in document}
    if "expireAfterSeconds" in given:
        # Old servers took fractions, which count as whole seconds.
        given["expireAfterSeconds"] = int(given["expireAfterSeconds"])
    if not given.get("prepareUnique", False) or truth(document.get("unique", False)):
        given.pop("prepareUnique", None)
    kinds = {direction for _field, direction in keys}
    if "text" in kinds:
        given = {**TEXT_DEFAULTS, **given, "weights": _weights(document, keys)}
    if "2d" in kinds:
        given = {name: value for name, value in given.items() if FLAT_DEFAULTS.get(name) != value}
    return given


def _weights(document: dict[str, t.Any], keys: Keys) -> dict[str, t.Any]:
    fields = {field: 1 for field, direction in keys if direction == "text" and field != "_fts"}
    return dict(sorted({**fields, **(document.get("weights") or {})}.items()))


def differing_options(one: Index, other: Index) -> list[str]:
    """Names of the options outside the signature whose values differ."""
    names = sorted({*one.others, *other.others})
    return [name for name in names if fingerprint(one.others.get(name)) != fingerprint(other.others.get(name))]


def differing_signature(one: Index, other: Index) -> list[str]:
    """Names of the parts of the signature that differ, for messages."""
    left, right = json.loads(one.signature), json.loads(other.signature)
    return [name for name in left if left[name] != right[name]]
