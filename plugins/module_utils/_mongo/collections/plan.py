"""The plan of a database: from live collections and declared ones to an ordered list of changes. Pure."""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t

from ..._core.plan import Plan
from ..change import NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND, Change, Phase, change
from ..indexes import plan as ladder
from ..indexes import policy as index_policy
from ..indexes.index import Index
from ..._core.problems import Problems
from . import options
from .model import LiveCollection, is_internal
from .declared import OFF, CollectionSpec, check_duplicates


@dataclasses.dataclass(frozen=True)
class Ability:
    """What the server can do, for indexes and for collections.

    :param builds_together: one command can build several indexes of a collection.
    """

    indexes: index_policy.Ability = dataclasses.field(default_factory=index_policy.Ability)
    collections: options.Ability = dataclasses.field(default_factory=options.Ability)
    builds_together: bool = True


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the user allows.

    :param unmanaged: what happens to collections that nobody declared: ``report``, ``ignore`` or ``drop``.
    :param protected: patterns of collection names that are never dropped as unmanaged.
    :param confirmed: full names of collections that may be recreated although they hold documents.
    """

    indexes: index_policy.Policy = dataclasses.field(default_factory=index_policy.Policy)
    unmanaged: str = "report"
    protected: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DatabasePlan:
    """:param kept: path of an index to the name it goes by, where the name was left to the server or module."""

    plan: Plan
    unmanaged_collections: tuple[str, ...]
    unmanaged_indexes: tuple[str, ...]
    kept: dict[str, str]

    @property
    def changes(self) -> list[Change]:
        return [step for step in self.plan if isinstance(step, Change)]


def plan_database(
    database: str,
    specs: list[CollectionSpec],
    live: dict[str, LiveCollection],
    ability: Ability,
    policy: Policy,
    problems: Problems,
) -> DatabasePlan:
    """Every change in order. What cannot or may not be done is noted as a problem; the caller refuses to go on then."""
    changes: list[Change] = []
    unmanaged_indexes: list[str] = []
    kept: dict[str, str] = {}
    # A view can stand on a collection that is declared after it.
    for spec in sorted(specs, key=lambda item: item.kind == "view"):
        own = _plan_collection(database, spec, live.get(spec.name), ability, policy, problems)
        recreated = any(item.phase == Phase.RECREATE for item in own)
        if spec.indexes is not None:
            existing = None if recreated else live.get(spec.name)
            planned = _plan_indexes(database, spec, existing, ability, policy, problems)
            own += planned.changes
            unmanaged_indexes += [f"{spec.name}.{name}" for name in planned.unmanaged]
            kept.update(planned.kept)
        changes += sorted(own, key=lambda item: item.phase)
    unmanaged = [name for name in live if name not in {spec.name for spec in specs} and not is_internal(name)]
    if policy.unmanaged == "drop":
        changes += [_drop_unmanaged(database, live[name]) for name in unmanaged if not _is_protected(name, policy)]
    return DatabasePlan(
        Plan(tuple(changes)),
        tuple(sorted(unmanaged)) if policy.unmanaged != "ignore" else (),
        tuple(unmanaged_indexes),
        kept,
    )


def _plan_collection(
    database: str,
    spec: CollectionSpec,
    live: LiveCollection | None,
    ability: Ability,
    policy: Policy,
    problems: Problems,
) -> list[Change]:
    name = f"{database}.{spec.name}"
    if live is None:
        return [change(
            "create", spec.kind, name, [spec.create_command()], after=_shown(spec.create_command()), path=spec.path,
            phase=Phase.COLLECTION, collection=spec.name, done=frozenset({NAMESPACE_EXISTS}),
        )]  # fmt: skip
    difference = options.compare(spec, live.kind, live.options, ability.collections)
    if difference.stuck:
        return _recreate(name, spec, live, difference.stuck, policy, problems)
    return [_modify(name, spec, live, settings) for settings in difference.modify]


def _modify(name: str, spec: CollectionSpec, live: LiveCollection, settings: dict[str, t.Any]) -> Change:
    names = {"cappedSize": "size", "cappedMax": "max"}
    after = {names.get(option, option): value for option, value in settings.items()}
    if "timeseries" in after:
        after["timeseries"] = {**live.options.get("timeseries", {}), **after["timeseries"]}
    merged = {**live.options, **after}
    return change(
        "modify", live.kind, name, [{"collMod": spec.name, **settings}], path=spec.path,
        before=_shown(live.options), after=_shown({key: value for key, value in merged.items() if value != OFF}),
        phase=Phase.COLLECTION, collection=spec.name,
    )  # fmt: skip


def _recreate(
    name: str, spec: CollectionSpec, live: LiveCollection, stuck: list[str], policy: Policy, problems: Problems
) -> list[Change]:
    reason = "; ".join(stuck)
    if not spec.recreate:
        problems.add(
            spec.path,
            f"{name} cannot become what is declared: {reason}. Declare what is there, move the documents to a new "
            "collection, or set recreate: true to drop it and make it anew",
        )
    elif not (live.kind == "view" or live.empty or name in policy.confirmed):
        problems.add(
            f"{spec.path}.recreate", f"{name} holds documents, which recreating it would destroy ({reason}). "
            f"To destroy them, name it in confirm_recreate: [{name}]",
        )
    commands: list[dict[str, t.Any]] = [{"drop": spec.name}, spec.create_command()]
    return [change(
        "recreate", spec.kind, name, commands, path=spec.path, before=_shown(live.options, live.indexes),
        after=_shown(spec.create_command()), phase=Phase.RECREATE, collection=spec.name,
        done=frozenset({NAMESPACE_NOT_FOUND, NAMESPACE_EXISTS}),
    )]  # fmt: skip


def _plan_indexes(
    database: str,
    spec: CollectionSpec,
    live: LiveCollection | None,
    ability: Ability,
    policy: Policy,
    problems: Problems,
) -> index_policy.IndexPlan:
    collation = (live.options if live else spec.options).get("collation")
    indexes = list(live.indexes or ()) if live else []
    if live and collation and "collation" not in spec.options:
        check_duplicates(spec.indexes or (), collation, problems)
    return ladder.Ladder(
        f"{database}.{spec.name}", list(spec.indexes or ()), indexes, collation=collation, ability=ability.indexes,
        policy=policy.indexes, problems=problems, internal=_internal_indexes(live, indexes),
    ).climb()  # fmt: skip


def _internal_indexes(live: LiveCollection | None, indexes: list[Index]) -> frozenset[str]:
    """The index that MongoDB 6.3 and later give every time series with a meta field."""
    if live is None or live.kind != "timeseries":
        return frozenset()
    series = live.options.get("timeseries", {})
    own = ((series.get("metaField"), 1), (series.get("timeField"), 1))
    return frozenset(index.name for index in indexes if index.keys == own)


def _drop_unmanaged(database: str, live: LiveCollection) -> Change:
    return change(
        "drop", live.kind, f"{database}.{live.name}", [{"drop": live.name}], before=_shown(live.options),
        phase=Phase.UNMANAGED, collection=live.name, done=frozenset({NAMESPACE_NOT_FOUND}),
    )  # fmt: skip


def _is_protected(name: str, policy: Policy) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in policy.protected)


def _shown(document: dict[str, t.Any], indexes: t.Iterable[Index] | None = None) -> dict[str, t.Any]:
    shown = {name: value for name, value in document.items() if name not in ("create", "uuid")}
    if isinstance(shown.get("collation"), dict):
        shown["collation"] = {name: value for name, value in shown["collation"].items() if name != "version"}
    if indexes:
        shown["indexes"] = [index.shown() for index in indexes]
    return shown
