#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_collections
short_description: Collections, views and indexes of a MongoDB database as declared
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Makes the collections, views and indexes of one database what the task declares, in one call.
  - An existing index is compared by the server's own rules. What differs is changed by the cheapest means that the
    server offers. Nothing, C(collMod), building the new index before the old one is dropped, and, only where
    O(allow_rebuild=true) permits it, dropping an index and building it again under the same name.
  - Everything that the server would refuse is looked for before the first change, and told with its place in the task.
  - What is not declared is not touched. An option that is not set stays as it is; a collection without C(indexes)
    keeps its indexes. A declared index is exactly what is declared, its options that are not set have the server's
    default.
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  database:
    description: Name of the database. MongoDB creates it together with its first collection.
    type: str
    required: true
  collections:
    description:
      - The collections and views.
      - Every name below can also be written as MongoDB spells it, for example C(expireAfterSeconds).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the collection or view.
        type: str
        required: true
      indexes:
        description: All indexes of the collection, without the one on C(_id). Unset leaves the indexes alone.
        type: list
        elements: dict
        suboptions:
          keys:
            description:
              - Fields in order with their direction, V(1), V(-1), V(text), V(2dsphere), V(2d) or V(hashed).
              - A mapping, a list of one-key mappings, or a list of C([field, direction]) pairs.
            type: raw
            required: true
          name:
            description:
              - Name of the index. Unset means the name that drivers make up, such as C(client_id_1), and lets an
                existing index of the same definition go by any name.
              - A change of an index without a declared name, which cannot be made in place, gives the new index a
                name such as C(client_id_1__sparse) when the usual one is still taken by its predecessor.
            type: str
          unique:
            description: Whether the keys are unique. From MongoDB 6.0 an existing index is made unique in place.
            type: bool
          sparse:
            description: Whether documents without the fields are left out.
            type: bool
          expire_after_seconds:
            description: Age at which documents are deleted, measured from the time in the index's field.
            type: int
          partial_filter_expression:
            description: Which documents are in the index.
            type: dict
          collation:
            description: Language rules for strings. Unset means the collection's.
            type: dict
          hidden:
            description: Whether queries must not use the index, which is kept up to date.
            type: bool
          prepare_unique:
            description: Whether new duplicates are refused, in preparation of making the index unique.
            type: bool
          wildcard_projection:
            description: Which fields a wildcard index covers.
            type: dict
          weights:
            description: Weight of the fields of a text index.
            type: dict
          default_language:
            description: Language of a text index.
            type: str
          language_override:
            description: Field that holds a document's language, for a text index.
            type: str
          text_index_version:
            description: Format of a text index. Given to the server for a new index, and never compared.
            type: int
          sphere_index_version:
            description: Format of a 2dsphere index. Given to the server for a new index, and never compared.
            type: int
          bits:
            description: Precision of a 2d index.
            type: int
          min:
            description: Lower bound of a 2d index.
            type: float
          max:
            description: Upper bound of a 2d index.
            type: float
          storage_engine:
            description: Options for the storage engine.
            type: dict
      validator:
        description:
          - What documents have to satisfy, C($jsonSchema) or any query. An empty mapping removes the validator.
        type: dict
      validation_level:
        description: Which writes are validated.
        type: str
        choices: ['strict', 'moderate', 'off']
      validation_action:
        description: What happens to a write that does not satisfy the validator.
        type: str
        choices: [error, warn]
      collation:
        description: Language rules for strings. Fixed when the collection is created.
        type: dict
      capped:
        description: Whether the collection has a fixed size. Fixed when the collection is created.
        type: bool
      size:
        description: Size of a capped collection in bytes. MongoDB 6.0 changes it in place.
        type: int
      max:
        description: Most documents of a capped collection. MongoDB 6.0 changes it in place.
        type: int
      timeseries:
        description:
          - Makes the collection a time series, with C(time_field), C(meta_field), C(granularity),
            C(bucket_max_span_seconds) and C(bucket_rounding_seconds). The fields are fixed; the granularity can be
            made coarser.
        type: dict
      clustered_index:
        description:
          - V(true), or a mapping with C(name). Keeps the documents in the order of C(_id). Fixed when the collection
            is created.
        type: raw
      expire_after_seconds:
        description: Age at which a time series or clustered collection deletes documents, or V(off).
        type: raw
      change_stream_pre_and_post_images:
        description: Whether change streams can show documents as they were and as they became.
        type: raw
      storage_engine:
        description: Options for the storage engine. Fixed when the collection is created.
        type: dict
      index_option_defaults:
        description: Storage options of the indexes. Fixed when the collection is created.
        type: dict
      view_on:
        description: Makes it a view of this collection or view.
        type: str
      pipeline:
        description: The aggregation pipeline of a view.
        type: list
        elements: dict
      recreate:
        description:
          - Whether the collection may be dropped and made anew when a declared option cannot be changed.
          - A collection that holds documents must be named in O(confirm_recreate) as well.
        type: bool
        default: false
  profile:
    description:
      - What the declaration has to be possible on. Everything that is not is told, with its place, before the first
        change.
      - V(auto) is the server's own engine and version. V(portable) is what all of them can do, for MongoDB in one
        environment and Amazon DocumentDB in another.
    type: str
    choices: [auto, mongodb-7.0, mongodb-6.0, documentdb-8.0, documentdb-5.0, portable]
    default: auto
  confirm_recreate:
    description: Full names (C(database.collection)) of collections whose documents may be destroyed by recreating them.
    type: list
    elements: str
    default: []
  allow_rebuild:
    description:
      - Whether an index may be dropped before its successor is built, when the server cannot hold both.
      - Meanwhile a bridge, an index on the same keys and C(_id), serves queries. Text and wildcard indexes have no
        bridge, and uniqueness is not enforced while a unique index is away.
    type: bool
    default: false
  unmanaged_indexes:
    description:
      - What happens to indexes, of collections that declare their indexes, which are not declared.
      - V(report) names them in the result, V(ignore) does not, V(hide) hides them from queries, V(drop) drops them.
    type: str
    choices: [report, ignore, hide, drop]
    default: report
  unmanaged_collections:
    description: What happens to collections and views that are not declared. V(drop) destroys their documents.
    type: str
    choices: [report, ignore, drop]
    default: report
  protected:
    description:
      - Patterns of collections (C(audit_*)) and indexes (C(clients.dba_*)) that are never hidden or dropped as
        unmanaged.
    type: list
    elements: str
    default: []
  existing_documents:
    description:
      - What happens when existing documents do not satisfy a new or stricter validator, so that every update of them
        would fail.
      - V(refuse) changes nothing and tells their number. V(accept) tells their number and goes on.
    type: str
    choices: [refuse, accept]
    default: refuse
  check_timeout:
    description:
      - Seconds that the server may spend on looking for duplicates or violations in one collection. A check that
        takes longer is given up with a warning.
    type: int
    default: 60
  commit_quorum:
    description:
      - How many members of the replica set must be ready before an index build is committed, V(majority),
        V(votingMembers), a number, or the name of a tag set.
    type: str
  build_timeout:
    description: Seconds after which the server gives up one index build. Unset means never.
    type: int
  assume_empty:
    description:
      - In check mode, plan against an empty server without connecting to it. For the check of a play whose server
        does not exist yet. Has no effect on a run that is not in check mode.
    type: bool
    default: false
seealso:
  - module: community.mongodb.mongodb_index
"""

EXAMPLES = r"""
- name: The collections of CredForge
  groundwork.databases.mongo_collections:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    database: cred_forge_db
    collections:
      - name: clients
        indexes:
          - keys: {client_id: 1}
          - keys: {auth_token: 1}
            unique: true
            partial_filter_expression: {auth_token: {$exists: true}}
      - name: usage
        validator:
          $jsonSchema:
            required: [client_id, api_name]
        indexes:
          - keys: [[client_id, 1], [api_name, 1]]
          - keys: {created_at: 1}
            expire_after_seconds: 2592000

- name: See what would change, and hide what nobody declares
  groundwork.databases.mongo_collections:
    database: cred_forge_db
    collections: "{{ credforge_collections }}"
    unmanaged_indexes: hide
  check_mode: true
  diff: true
"""

RETURN = r"""
actions:
  description: The changes in order. In check mode what a run would do, else what was done.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description:
        - V(create), V(modify) (in place), V(drop), V(hide), V(recreate) (a collection), V(rebuild) or V(rename) (an
          index that had to be dropped first), V(bridge) (the index that serves queries meanwhile), or V(await) (the
          build that somebody else has started).
      type: str
    kind:
      description: V(collection), V(view), V(timeseries) or V(index).
      type: str
    name:
      description: Full name of the object.
      type: str
    path:
      description: Place in the task that asks for it. Not there for what is not declared.
      type: str
    seconds:
      description: Duration. Indexes that were built together have the duration of all of them. Not in check mode.
      type: float
    statement:
      description: The commands, as JSON.
      type: str
  sample:
    - action: create
      kind: index
      name: cred_forge_db.clients.client_id_1
      path: collections[0].indexes[0]
      seconds: 0.041
      statement: '{"createIndexes": "clients", "indexes": [{"key": {"client_id": 1}, "name": "client_id_1"}]}'
diff:
  description: One entry for each change, with the object before and after.
  returned: in diff mode
  type: list
  elements: dict
index_names:
  description: For every declared index that existed already or could not have its usual name, the name that it goes by.
  returned: always
  type: dict
  sample: {"collections[0].indexes[0]": client_id_1}
unmanaged:
  description: What is there and not declared.
  returned: always
  type: dict
  sample: {collections: [old_usage], indexes: [clients.legacy_1]}
violations:
  description: Collections whose documents do not satisfy a validator that is new or stricter.
  returned: always
  type: list
  elements: dict
  sample: [{collection: cred_forge_db.usage, documents: 3, examples: ["a", "c"]}]
progress:
  description:
    - How far index builds were, every ten seconds. The same lines go to the system log of the host while the module
      runs.
  returned: always
  type: list
  elements: str
server:
  description: The server. Empty when O(assume_empty) avoided the connection.
  returned: always
  type: dict
  sample: {engine: mongodb, version: 7.0.14, replica_set: rs0, profile: mongodb-7.0}
statistics:
  description: Number of commands sent, and seconds spent on reading the live state and on planning.
  returned: always
  type: dict
  sample: {round_trips: 14, read_seconds: 0.012, plan_seconds: 0.004}
"""

import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._mongo import api
from ..module_utils._mongo.collections.plan import Policy
from ..module_utils._mongo.collections.run import Outcome, Settings, plan_for_empty_server, reconcile
from ..module_utils._mongo.connection import connection_argument_spec
from ..module_utils._mongo.fields import as_number
from ..module_utils._mongo.indexes import policy as index_policy
from ..module_utils._mongo.profiles.ability import ability_of
from ..module_utils._mongo.profiles.compatibility import AUTOMATIC, PROFILES, profile_of
from ..module_utils._mongo.profiles.specification import read_specification, refuse_impossible

ASSUMED_VERSION = (7, 0)


def argument_spec() -> dict[str, dict[str, t.Any]]:
    # The specification is read by our own reader: its messages name the place, collections[3].indexes[1].foo, which the
    # nested options of Ansible cannot.
    return {
        **connection_argument_spec(),
        "database": {"type": "str", "required": True},
        "collections": {"type": "list", "elements": "dict", "required": True},
        "profile": {"type": "str", "choices": list(PROFILES), "default": AUTOMATIC},
        "confirm_recreate": {"type": "list", "elements": "str", "default": []},
        "allow_rebuild": {"type": "bool", "default": False},
        "unmanaged_indexes": {"type": "str", "choices": ["report", "ignore", "hide", "drop"], "default": "report"},
        "unmanaged_collections": {"type": "str", "choices": ["report", "ignore", "drop"], "default": "report"},
        "protected": {"type": "list", "elements": "str", "default": []},
        "existing_documents": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
        "check_timeout": {"type": "int", "default": 60},
        "commit_quorum": {"type": "str"},
        "build_timeout": {"type": "int"},
        "assume_empty": {"type": "bool", "default": False},
    }


def policy_of(parameters: dict[str, t.Any]) -> Policy:
    build_options: dict[str, t.Any] = {}
    if parameters["commit_quorum"]:
        number = as_number(parameters["commit_quorum"])
        build_options["commitQuorum"] = parameters["commit_quorum"] if number is None else number
    if parameters["build_timeout"]:
        build_options["maxTimeMS"] = parameters["build_timeout"] * 1000
    protected = tuple(parameters["protected"])
    return Policy(
        indexes=index_policy.Policy(
            unmanaged=parameters["unmanaged_indexes"], protected=protected, allow_rebuild=parameters["allow_rebuild"],
            build_options=build_options,
        ),
        unmanaged=parameters["unmanaged_collections"],
        protected=protected,
        confirmed=tuple(parameters["confirm_recreate"]),
    )  # fmt: skip


def run(module: GroundworkModule) -> dict[str, t.Any]:
    parameters = module.params
    offline = module.check_mode and parameters["assume_empty"]
    if not offline:
        api.require_driver(module)
        # One notation for every value of Extended JSON, the one in which the live state is read.
        parameters["collections"] = api.one_notation(parameters["collections"], "collections")
    specs = read_specification(parameters)
    progress: list[str] = []

    def log(line: str) -> None:
        progress.append(line)
        module.log_progress(line)

    def settings(engine: str, version: tuple[int, ...]) -> Settings:
        return Settings(
            database=parameters["database"], specs=specs, ability=ability_of(engine, version),
            policy=policy_of(parameters), check_only=module.check_mode, check_seconds=parameters["check_timeout"],
            accept_violations=parameters["existing_documents"] == "accept",
            wait_seconds=parameters["connect_timeout"], log=log,
        )  # fmt: skip

    if offline:
        outcome = plan_for_empty_server(settings("mongodb", ASSUMED_VERSION))
        return result_of(module, outcome, {}, 0, progress)
    server = api.connect(parameters, "groundwork.databases.mongo_collections")
    try:
        facts = server.facts
        profile = profile_of(facts.engine, facts.version)
        if parameters["commit_quorum"] and not (facts.engine == "mongodb" and facts.replica_set):
            raise GroundworkError(
                "A commit quorum needs a replica set of MongoDB, and this server is none.", where=server.where,
                untouched="everything; nothing was written", hint="Leave commit_quorum unset.",
                code=ErrorCode.COMMIT_QUORUM,
            )
        refuse_impossible(profile, parameters["database"], specs)
        outcome = reconcile(server, settings(facts.engine, facts.version))
    finally:
        server.close()
    shown = {
        "engine": facts.engine, "version": facts.version_text, "replica_set": facts.replica_set, "profile": profile,
    }
    for warning in outcome.warnings:
        module.warn(warning)
    return result_of(module, outcome, shown, server.round_trips, progress)


def result_of(
    module: GroundworkModule, outcome: Outcome, server: dict[str, t.Any], round_trips: int, progress: list[str]
) -> dict[str, t.Any]:
    result = {
        "changed": outcome.changed,
        "actions": outcome.actions,
        "index_names": outcome.plan.kept,
        "unmanaged": {
            "collections": list(outcome.plan.unmanaged_collections),
            "indexes": list(outcome.plan.unmanaged_indexes),
        },
        "violations": outcome.violations,
        "progress": progress,
        "server": server,
        "statistics": {
            "round_trips": round_trips,
            "read_seconds": outcome.read_seconds,
            "plan_seconds": outcome.plan_seconds,
        },
    }
    if module._diff:
        result["diff"] = outcome.plan.plan.diff()
    return result


def main() -> None:
    run_module(run, argument_spec())


if __name__ == "__main__":
    main()
