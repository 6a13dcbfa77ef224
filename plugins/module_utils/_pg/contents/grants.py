"""The steps from the privileges that are held to those that are wanted, one GRANT per role and set of objects."""

from __future__ import annotations

import collections
import dataclasses
import fnmatch
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from ..quoting import PUBLIC, grantee, identifier
from . import live
from .grant_dependencies import Chains
from .model import Database, Grant, Policy
from .privileges import KINDS, Kind
from .steps import Require, SqlStep, sql_step


@dataclasses.dataclass(frozen=True)
class Target:
    """One object with the privileges on it, as they are when the grants are made."""

    kind: str
    schema: str
    identity: str
    sql: str
    owner: str
    acl: live.Acl


# What is wanted on one target: role -> privilege -> whether it may be passed on.
Wish = dict[str, dict[str, bool]]
# Targets that get the same statement. The first part says when, see Chains.order. The last part names who has to run
# it, "" for the owner.
Batch = tuple[int, str, str, str, str, tuple[str, ...], str]
GRANTS_LAST = 1


def wishes(
    database: Database,
    targets: t.Callable[[str, str], t.Sequence[Target]],
    extension_objects: set[str],
    version: int,
    problems: Problems,
    policy: Policy,
) -> tuple[dict[Target, Wish], list[str]]:
    """What every listed grant wants of every target, and the named objects that do not exist."""
    found: dict[Target, Wish] = {}
    missing: list[str] = []
    for grant in database.grants:
        candidates = targets(grant.kind, grant.schema)
        chosen, unknown = _choose(grant, candidates, extension_objects)
        for name in unknown:
            place = f"{database.name}: {grant.kind} {grant.schema}.{name}"
            missing.append(place)
            if not policy.report_missing_objects:
                problems.add(
                    f"database {database.name}",
                    f"{grant.schema}.{name} does not exist, so {grant.role} cannot get privileges on it.",
                    "Create it first (migrations), correct the name, or set missing_objects=report.",
                    ErrorCode.UNKNOWN_OBJECT,
                )
        known = set(KINDS[grant.kind].known(version))
        for target, covered in chosen:
            privileges = found.setdefault(target, {}).setdefault(grant.role, {})
            for privilege in (grant.privileges & known) if covered else ():
                privileges[privilege] = privileges.get(privilege, False) or grant.grantable
    return found, missing


def _choose(
    grant: Grant, candidates: t.Sequence[Target], extension_objects: set[str]
) -> tuple[list[tuple[Target, bool]], list[str]]:
    """The targets that a grant is about, each with whether its privileges are wanted there, and the unknown names.

    "All" leaves out what belongs to an extension, whose script set those privileges. An excluded object is one that the
    role must hold nothing on, because default privileges may well have given it something.
    """
    if grant.objects is None:
        everything = [c for c in candidates if c.sql not in extension_objects]
        return [(c, not _is_excluded(c.identity, grant.excluded)) for c in everything], []
    chosen: list[tuple[Target, bool]] = []
    unknown: list[str] = []
    for name in grant.objects:
        matching = [c for c in candidates if name in (c.identity, _bare(c.identity))]
        chosen += [(c, True) for c in matching]
        if not matching:
            unknown.append(name)
    return chosen, unknown


def _is_excluded(identity: str, patterns: t.Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (identity, _bare(identity)) for pattern in patterns)


def _bare(identity: str) -> str:
    """A function's name without its argument types; other names as they are."""
    return identity.partition("(")[0] if identity.endswith(")") else identity


def held(acl: live.Acl, role: str) -> dict[str, list[live.AclEntry]]:
    """A role's own entries by privilege; several when more than one grantor gave the same."""
    entries: dict[str, list[live.AclEntry]] = collections.defaultdict(list)
    for entry in acl:
        if entry.grantee == role:
            entries[entry.privilege].append(entry)
    return dict(entries)


def unlisted_holders(target: Target, wish: Wish) -> dict[str, list[str]]:
    """Roles that hold something on a target and were not listed for it. PUBLIC is only touched where it is listed."""
    holders: dict[str, list[str]] = {}
    for entry in target.acl:
        if entry.grantee not in wish and entry.grantee not in (PUBLIC, target.owner):
            holders.setdefault(entry.grantee, []).append(entry.privilege)
    return holders


def grant_steps(
    database: str, wanted: dict[Target, Wish], require: Require, policy: Policy, problems: Problems
) -> list[SqlStep]:
    """Revokes before grants, so that nobody holds the old and the new privileges at once."""
    batches: dict[Batch, list[Target]] = {}
    for target, wish in wanted.items():
        complete = dict(wish)
        if policy.purge_grants:
            complete.update({role: {} for role in unlisted_holders(target, wish)})
        # An owner keeps whatever it holds: it could give itself back what is taken away.
        complete[target.owner] = dict.fromkeys([*held(target.acl, target.owner), *complete.get(target.owner, ())], True)
        chains = Chains(target.owner, target.acl, complete)
        _refuse_hanging(database, target, chains, problems)
        for role, privileges in complete.items():
            for order, operation, names, actor in _differences(target, role, privileges, chains):
                ordered = tuple(KINDS[target.kind].ordered(names))
                batch = (order, operation, target.kind, target.schema, role, ordered, actor)
                batches.setdefault(batch, []).append(target)
                require(actor or target.owner, f"change privileges on {target.kind} {target.identity} of {database}")
    # Stable: within the same order things stay as they were listed.
    return [_step(database, batch, batches[batch]) for batch in sorted(batches, key=lambda batch: batch[0])]


def _refuse_hanging(database: str, target: Target, chains: Chains, problems: Problems) -> None:
    for entry in chains.hanging:
        problems.add(
            f"database {database}",
            f"{entry.grantee} has {entry.privilege} on {target.kind} {target.identity} from {entry.grantor}, "
            f"which shall no longer be able to give it.",
            f"List what {entry.grantee} must hold there (also if it is nothing), or set purge_grants.",
            ErrorCode.GRANTED_ONWARD,
        )


def _differences(
    target: Target, role: str, wish: dict[str, bool], chains: Chains
) -> t.Iterator[tuple[int, str, list[str], str]]:
    """(order, operation, privileges, who has to run it) to get one role's privileges on one target right."""
    entries = held(target.acl, role)
    for grantable in (False, True):
        # The owner can always pass everything on, without having a grant option.
        option = grantable and role != target.owner
        missing = [
            privilege
            for privilege, wanted in wish.items()
            if wanted == grantable
            and not any(chains.stands(e) and (e.grantable or not option) for e in entries.get(privilege, ()))
        ]
        if missing:
            yield GRANTS_LAST, "grant with option" if option else "grant", missing, ""
    extra: dict[tuple[int, str, str], list[str]] = {}
    for privilege, given in entries.items():
        for entry in given:
            actor = "" if entry.grantor == target.owner else entry.grantor
            if privilege not in wish or not chains.stands(entry):
                extra.setdefault((chains.order(entry), "revoke", actor), []).append(privilege)
            elif entry.grantable and not wish[privilege]:
                extra.setdefault((chains.order(entry), "revoke option", actor), []).append(privilege)
    for (order, operation, actor), names in extra.items():
        yield order, operation, names, actor


def _step(database: str, batch: Batch, targets: list[Target]) -> SqlStep:
    _order, operation, kind, schema, role, names, actor = batch
    sql = statement(KINDS[kind], operation, ", ".join(names), ", ".join(target.sql for target in targets), role)
    if actor:
        sql = f"SET LOCAL ROLE {identifier(actor)}; {sql}; RESET ROLE"
    identities = [target.identity for target in targets]
    place = f"database {database}" if kind == "database" else f"{database}: {kind} {_summary(schema, kind, identities)}"
    state = {"role": role, "privileges": list(names), "objects": identities, "grant_option": "option" in operation}
    revoking = operation.startswith("revoke")
    return sql_step(
        "revoke" if revoking else "grant",
        "privilege",
        f"{role} on {place}",
        sql,
        database=database,
        before=state if revoking else None,
        after=None if revoking else state,
    )


def _summary(schema: str, kind: str, identities: list[str]) -> str:
    if kind == "schema":
        return schema
    return f"{schema}.{identities[0]}" if len(identities) == 1 else f"in {schema} ({len(identities)})"


def statement(kind: Kind, operation: str, names: str, objects: str, role: str) -> str:
    to = grantee(role)
    return {
        "grant": f"GRANT {names} ON {kind.keyword} {objects} TO {to}",
        "grant with option": f"GRANT {names} ON {kind.keyword} {objects} TO {to} WITH GRANT OPTION",
        "revoke": f"REVOKE {names} ON {kind.keyword} {objects} FROM {to}",
        "revoke option": f"REVOKE GRANT OPTION FOR {names} ON {kind.keyword} {objects} FROM {to}",
    }[operation]
