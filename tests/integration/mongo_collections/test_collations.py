# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server makes of a collation in which not every field is given, for every locale that it knows."""

from __future__ import annotations

import typing as t

import bson
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes import collation
from mongo_subject import Subject, verbs

KNOWN = (
    "af am ar as az be bg bn bo bs bs_Cyrl ca chr cs cy da de de@collation=phonebook de_AT dsb dz ee el en en_US "
    "en_US_POSIX eo es es@collation=traditional et fa fa_AF fi fil fo fr fr_CA ga gl gu ha haw he hi hr hsb hu hy id "
    "ig is it ja ka kk kl km kn ko kok ky lb lkt ln lo lt lv mk ml mn mr ms mt my nb ne nl nn om or pa pl ps pt ro ru "
    "se si sk sl smn sq sr sr_Latn sv sw ta te th to tr ug uk ur vi wae yi yo zh zh@collation=stroke zh_Hant zu"
)
LOCALES = KNOWN.split()
GIVEN: dict[str, dict[str, t.Any]] = {
    "nothing else": {},
    "caseFirst": {"caseFirst": "off"},
    "normalization": {"normalization": False},
    "alternate": {"alternate": "non-ignorable"},
    "strength": {"strength": 4},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_every_locale_has_the_defaults_that_the_server_gives_it(
    mongod_server: t.Any, mongo_database: str, given: dict[str, t.Any]
) -> None:
    declared = [{"locale": locale, **given} for locale in LOCALES]
    indexes = [{"key": {"a": 1}, "name": f"i{number}", "collation": one} for number, one in enumerate(declared)]
    with mongod_server.client() as client:
        database = client[mongo_database]
        seen = {}
        for number, one in enumerate(declared):
            database.create_collection(f"c{number}", collation=one)
        for row in database.command("listCollections")["cursor"]["firstBatch"]:
            seen[row["name"]] = row["options"]["collation"]
        for part in (indexes[:60], indexes[60:]):  # a collection has 64 indexes at most
            database.command("createIndexes", f"on{part[0]['name']}", indexes=part)
            rows = database.command("listIndexes", f"on{part[0]['name']}", cursor={"batchSize": 99})
            seen |= {row["name"]: row["collation"] for row in rows["cursor"]["firstBatch"] if "collation" in row}
    for number, one in enumerate(declared):
        stored = seen[f"c{number}"], seen[f"i{number}"]
        assert (collation.of_collection(one), collation.of_index(one)) == tuple(map(collation.of_index, stored)), one


@pytest.mark.parametrize("locale", ["da", "th", "vi", "fr_CA"])
def test_an_index_with_the_defaults_of_its_locale_is_not_built_again(subject: Subject, locale: str) -> None:
    described = {"name": "words", "indexes": [{"keys": {"a": 1}, "collation": {"locale": locale}}]}
    assert verbs(subject.declare(described)) == ["create words", "create words.a_1"]
    assert verbs(subject.declare(described, allow_rebuild=True)) == []
    inherited = {"name": "collated", "collation": {"locale": locale}, "indexes": [{"keys": {"a": 1}}]}
    subject.declare(inherited)
    assert verbs(subject.declare(inherited, allow_rebuild=True)) == []
    own = {"keys": {"a": 1}, "collation": {"locale": locale}, "name": "own"}
    apart = {**inherited, "indexes": [{"keys": {"a": 1}}, own]}
    result = subject.declare(apart)
    if locale == "fr_CA":
        assert result["failed"] and "the same index is already declared by collections[0].indexes[0]" in result["msg"]
    else:
        assert verbs(result) == ["create collated.own"]
        assert verbs(subject.declare(apart)) == []


def test_a_live_direction_of_any_type_is_shown_as_it_is(subject: Subject) -> None:
    for number, direction in enumerate((bson.Decimal128("1"), bson.Int64(-1), 2.5, bson.Decimal128("-3.5"))):
        index = {"key": {f"f{number}": direction}, "name": f"live{number}"}
        subject.db.command({"createIndexes": "odd", "indexes": [index]})
    result = subject.declare({"name": "odd", "indexes": [{"keys": {"f0": 1}, "name": "live0"}]}, check=True)
    assert not result.get("failed"), result
    assert verbs(result) == []
    assert sorted(result["unmanaged"]["indexes"]) == ["odd.live1", "odd.live2", "odd.live3"]
