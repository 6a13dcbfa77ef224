"""Reading declared indexes, and refusing before the first write what the server would refuse in mid-run."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.problems import Problems
from ..fields import Fields
from . import collation, partial_filter, projection
from .keys import Keys, default_name, is_primary, is_wildcard, read_keys, special_kind

FIELDS = {
    "keys": "key",
    "name": "name",
    "unique": "unique",
    "sparse": "sparse",
    "expire_after_seconds": "expireAfterSeconds",
    "partial_filter_expression": "partialFilterExpression",
    "collation": "collation",
    "hidden": "hidden",
    "prepare_unique": "prepareUnique",
    "wildcard_projection": "wildcardProjection",
    "weights": "weights",
    "default_language": "default_language",
    "language_override": "language_override",
    "text_index_version": "textIndexVersion",
    "sphere_index_version": "2dsphereIndexVersion",
    "bits": "bits",
    "min": "min",
    "max": "max",
    "storage_engine": "storageEngine",
}
PRIMARY_NAME = "_id_"
LONGEST_TTL = 2**31 - 1
TEXT_OPTIONS = ("weights", "default_language", "language_override", "text_index_version")
FLAT_OPTIONS = ("bits", "min", "max")
# Source: the manual's page on text search languages; in either case of letters. Arabic, Persian, Urdu and Chinese are
# those of MongoDB Enterprise.
_LANGUAGES = (
    "da danish nl dutch en english fi finnish fr french de german hu hungarian it italian nb norwegian pt portuguese ro"
    " romanian ru russian es spanish sv swedish tr turkish none ara arabic prs dari pes iranian persian farsi urd urdu"
    " zhs zht hans hant trad simp"
)
TEXT_LANGUAGES = frozenset(_LANGUAGES.split())


@dataclasses.dataclass(frozen=True)
class IndexSpec:
    """One declared index.

    :param path: where it stands in the specification.
    :param document: what ``createIndexes`` is sent, without options at their default.
    :param named: whether the name was declared; if not, it is the drivers' name and an existing index of the same
        definition may go by another one.
    """

    path: str
    keys: Keys
    document: dict[str, t.Any]
    named: bool

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def kind(self) -> str | None:
        return special_kind(self.keys)


def read_index(value: t.Any, path: str, problems: Problems) -> IndexSpec | None:
    """One declared index; ``None`` when it is not even a mapping. Problems are noted."""
    if not isinstance(value, dict):
        problems.add(path, "a mapping is expected")
        return None
    fields = Fields(value, path, FIELDS, problems)
    if not fields.has("keys"):
        problems.add(f"{path}.keys", "the keys of the index are missing")
        return None
    before = len(problems.found)
    keys = read_keys(fields.any("keys"), fields.where("keys"), problems)
    options = _options(fields, problems)
    if len(problems.found) == before:
        _check_rules(keys, options, fields, problems)
    name = fields.text("name")
    _check_name(name, keys, fields, problems)
    made_up = PRIMARY_NAME if is_primary(keys) else default_name(keys)
    document = {"key": dict(keys), "name": name or made_up, **options}
    return IndexSpec(path=path, keys=keys, document=document, named=name is not None)


def _options(fields: Fields, problems: Problems) -> dict[str, t.Any]:
    """The options in the server's words. A false flag is the default and is never sent: old servers stored it."""
    options: dict[str, t.Any] = {}
    for name in ("unique", "sparse", "hidden", "prepare_unique"):
        if fields.flag(name):
            options[FIELDS[name]] = True
    readers: dict[str, t.Any] = {
        "expire_after_seconds": fields.whole(
            "expire_after_seconds", 0, LONGEST_TTL),
        "weights": fields.mapping("weights"),
        "default_language": fields.text("default_language"),
        "language_override": fields.text("language_override"),
        "text_index_version": fields.whole("text_index_version", 1, 3),
        "sphere_index_version": fields.whole("sphere_index_version", 1, 4),
        "bits": fields.whole("bits", 1, 32),
        "min": fields.number("min"),
        "max": fields.number("max"),
        "storage_engine": fields.mapping("storage_engine"),
    }
    options.update({FIELDS[name]: value for name, value in readers.items() if value is not None})
    _read_collation(fields, options, problems)
    expression = fields.mapping("partial_filter_expression")
    if expression is not None:
        partial_filter.check_filter(expression, fields.where("partial_filter_expression"), problems)
        options["partialFilterExpression"] = expression
    covered = fields.mapping("wildcard_projection")
    if covered is not None:
        projection.check_projection(covered, fields.where("wildcard_projection"), problems)
        options["wildcardProjection"] = covered
    return options


def _read_collation(fields: Fields, options: dict[str, t.Any], problems: Problems) -> None:
    value = fields.mapping("collation")
    if value is None:
        return
    text = collation.problem(value) or collation.problem_of_index(value)
    if text:
        problems.add(fields.where("collation"), text)
    options["collation"] = value


def _check_name(name: str | None, keys: Keys, fields: Fields, problems: Problems) -> None:
    where = fields.where("name")
    if name is None:
        return
    if not name:
        problems.add(where, "a name cannot be empty")
    elif "\0" in name or name == "*":
        problems.add(where, f"{name!r} is no name for an index")
    elif (name == PRIMARY_NAME) != is_primary(keys):
        problems.add(where, f"the name {PRIMARY_NAME} belongs to the index on _id, and to no other")


def _check_rules(keys: Keys, options: dict[str, t.Any], fields: Fields, problems: Problems) -> None:
    kind = special_kind(keys)
    if is_primary(keys) and options:
        option = next(iter(options))
        problems.add(f"{fields.path}.{option}", "the index on _id exists in every collection and takes no options")
        return
    if options.get("sparse") and "partialFilterExpression" in options:
        problems.add(fields.where("sparse"), "sparse and a partial filter exclude each other")
    if options.get("unique") and kind in ("hashed", "wildcard"):
        problems.add(fields.where("unique"), f"a {kind} index cannot be unique")
    if options.get("unique") and options.get("prepareUnique"):
        problems.add(fields.where("prepare_unique"), "a unique index needs no preparation to become one")
    if options.get("sparse") and kind == "wildcard":
        problems.add(fields.where("sparse"), "a wildcard index is always sparse, leave it out")
    _check_expiry(keys, kind, options, fields, problems)
    _check_kind_options(keys, kind, options, fields, problems)
    collated = options.get("collation")
    if kind in ("text", "2d") and collated and collated.get("locale") != "simple":
        problems.add(fields.where("collation"), f"a {kind} index cannot have a collation")


def _check_expiry(
    keys: Keys, kind: str | None, options: dict[str, t.Any], fields: Fields, problems: Problems
) -> None:
    if "expireAfterSeconds" not in options:
        return
    if len(keys) > 1:
        problems.add(fields.where("expire_after_seconds"), "only an index on one field can expire documents")
    elif kind is not None:
        problems.add(fields.where("expire_after_seconds"), f"a {kind} index cannot expire documents")


def _check_kind_options(
    keys: Keys, kind: str | None, options: dict[str, t.Any], fields: Fields, problems: Problems
) -> None:
    for owner, names in (("text", TEXT_OPTIONS), ("2d", FLAT_OPTIONS), ("2dsphere", ("sphere_index_version",))):
        for name in names:
            if FIELDS[name] in options and kind != owner:
                problems.add(fields.where(name), f"only a {owner} index has this option")
    if "wildcardProjection" in options and not any(field == "$**" for field, _direction in keys):
        problems.add(fields.where("wildcard_projection"), "only a wildcard index on $** has this option")
    raw_text = kind == "text" and all(direction != "text" or field == "_fts" for field, direction in keys)
    if raw_text and not options.get("weights"):
        problems.add(fields.where("weights"), "an index on _fts needs the weights of its fields")
    language = options.get("default_language", "none")
    if str(language).lower() not in TEXT_LANGUAGES:
        problems.add(fields.where("default_language"), f"{language!r} is not a language of text indexes")
    for field, weight in (options.get("weights") or {}).items():
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 < weight < 100_000:
            problems.add(f"{fields.where('weights')}.{field}", "a weight is a whole number from 1 to 99999")
    if kind == "wildcard" and len(keys) > 1 and sum(is_wildcard(field) for field, _direction in keys) > 1:
        problems.add(fields.where("keys"), "an index has at most one wildcard")
