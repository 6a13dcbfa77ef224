# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of change of a collection's indexes. Pure: it sees the live indexes and decides, nothing more.

From the cheapest rung to the dearest: nothing; ``collMod``; build the new index, then drop the old one; rebuild under
the same name, which is done only when it is allowed. The server cannot hold two indexes of one name or of one
signature, so a rebuild first builds a *bridge*, an index on the same keys and one more, which serves the queries
while the name is free.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from ..change import INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND, Change, Phase, change
from ..specification import Problems
from .index import Index, differing_options, differing_signature, index_of
from .keys import MAXIMUM_FIELDS, default_name
from .spec import IndexSpec

MAXIMUM_INDEXES = 64
BRIDGE_PREFIX = "groundwork_bridge_"
IN_PLACE = frozenset({"expireAfterSeconds", "prepareUnique"})
# Parts of the signature, and what an index is called when its usual name is still taken by its predecessor.
VARIANTS = {
    "unique": "unique", "sparse": "sparse", "filter": "partial", "collation": "collation", "projection": "projection",
}  # fmt: skip
PLAIN_VARIANT = "plain"
VARIANT_MARK = "__"


@dataclasses.dataclass(frozen=True)
class Ability:
    """What the server can do.

    :param unique_in_place: ``collMod`` can make an index unique (MongoDB 6.0).
    :param hide: indexes can be hidden.
    :param expiry_in_place: ``collMod`` can give an index an expiry that it never had.
    :param side_by_side: indexes on the same keys may differ in options only.
    """

    unique_in_place: bool = True
    hide: bool = True
    expiry_in_place: bool = True
    side_by_side: bool = True


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the user allows.

    :param unmanaged: ``report``, ``ignore``, ``hide`` or ``drop``.
    :param protected: patterns of ``collection.index`` that are never hidden or dropped as unmanaged.
    :param allow_rebuild: an index may be dropped before its successor is built under the same name.
    :param build_options: further fields of every ``createIndexes``, such as ``commitQuorum``.
    """

    unmanaged: str = "report"
    protected: tuple[str, ...] = ()
    allow_rebuild: bool = False
    build_options: dict[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class IndexPlan:
    """:ivar unmanaged: names of live indexes that nobody declared. :ivar kept: declared name to the name it goes by."""

    changes: list[Change] = dataclasses.field(default_factory=list)
    unmanaged: list[str] = dataclasses.field(default_factory=list)
    kept: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Wanted:
    spec: IndexSpec
    index: Index


class Ladder:
    """Plans the indexes of one collection.

    :param namespace: ``database.collection``.
    :param collation: the collection's default collation.
    :param internal: names of live indexes that belong to the server, such as a time series' own.
    """

    def __init__(
        self,
        namespace: str,
        specs: list[IndexSpec],
        live: list[Index],
        *,
        collation: dict[str, t.Any] | None,
        ability: Ability,
        policy: Policy,
        problems: Problems,
        internal: frozenset[str] = frozenset(),
    ) -> None:
        self.namespace = namespace
        self.collection = namespace.partition(".")[2]
        self.ability = ability
        self.policy = policy
        self.problems = problems
        self.wanted = [Wanted(spec, index_of(spec.document, collation)) for spec in specs]
        self.wanted = [want for want in self.wanted if not want.index.is_primary]
        own = [index for index in live if not index.is_primary and not index.is_clustered]
        self.bridges = {index.name: index for index in own if index.name.startswith(BRIDGE_PREFIX)}
        self.live = [index for index in own if index.name not in self.bridges]
        self.internal = internal
        self.total = len(live)
        self.by_name = {index.name: index for index in self.live}
        self.matched: dict[str, Wanted] = {}
        self.replaced: set[str] = set()
        self.used_bridges: set[str] = set()
        self.taken = set(self.by_name)
        self.plan = IndexPlan()

    def climb(self) -> IndexPlan:
        """The plan; what cannot or may not be done is noted as a problem with its path."""
        by_signature = {index.signature: index for index in self.live}
        matches = [(want, by_signature.get(want.index.signature)) for want in self.wanted]
        for want, match in matches:
            if match:
                self.matched[match.name] = want
        # Names that are declared are taken before names that are made up.
        self.taken |= {want.spec.name for want in self.wanted if want.spec.named}
        for want, match in matches:
            if match:
                self._keep(want, match)
            else:
                self._introduce(want)
        self._leave()
        self._make_room()
        self.plan.changes.sort(key=lambda item: item.phase)
        return self.plan

    # Rungs 0 and 1: the index is there.

    def _keep(self, want: Wanted, match: Index) -> None:
        if match.building:
            if match.name != want.spec.name and want.spec.named:
                self._problem(want, f"it is being built under the name {match.name}: wait until that has ended")
            else:
                self._build(want, match.name, Phase.BUILD, action="await")
                self._finish_succession(want, match)
            return
        if match.name != want.spec.name and want.spec.named:
            self._rebuild(want, match, "rename", f"its name is {match.name} and an index cannot be renamed")
            return
        self.plan.kept[want.spec.path] = match.name
        self._finish_succession(want, match)
        differing = differing_options(want.index, match)
        stuck = [name for name in differing if not self._fits_in_place(name, want, match)]
        if stuck:
            self._rebuild(want, match, "rebuild", f"{', '.join(stuck)} cannot be changed in place")
            return
        settings = {name: want.index.others.get(name, False) for name in differing}
        if want.index.hidden != match.hidden:
            settings["hidden"] = want.index.hidden
        self._modify(want, match, settings)

    def _finish_succession(self, want: Wanted, match: Index) -> None:
        """Drop the predecessor that an interrupted run left beside its successor: one of the two has a made-up name."""
        for index in self.live:
            if want.spec.named or index.name in self.matched or not _is_variant(index, want):
                continue
            if VARIANT_MARK in match.name or VARIANT_MARK in index.name:
                self._drop_replaced(index, want)

    def _fits_in_place(self, name: str, want: Wanted, match: Index) -> bool:
        if name == "expireAfterSeconds":
            return name in want.index.others and (name in match.others or self.ability.expiry_in_place)
        return name in IN_PLACE

    def _modify(self, want: Wanted, match: Index, settings: dict[str, t.Any]) -> None:
        if not settings:
            return
        command = {"collMod": self.collection, "index": {"name": match.name, **settings}}
        after = {**match.shown(), **settings}
        self._add("modify", match.name, [command], Phase.MODIFY, want, before=match.shown(), after=after)

    # Rung 2: the index is not there.

    def _introduce(self, want: Wanted) -> None:
        holder = self.by_name.get(want.spec.name)
        rival = self._rival_text(want) if want.spec.kind == "text" else None
        if holder is None and rival is None:
            self._add_new(want)
        elif holder is not None and holder.name in self.matched:
            other = self.matched[holder.name]
            self._problem(
                want, f"its name {holder.name} is carried by the index of {other.spec.path}: give that one a name",
            )
        elif rival is not None and rival is not holder:
            self._replace_text(want, rival)
        elif holder is not None and self._becomes_unique(want, holder):
            self._make_unique(want, holder)
        elif holder is not None and (want.spec.named or rival or not self.ability.side_by_side):
            parts = differing_signature(want.index, holder)
            self._rebuild(want, holder, "rebuild", f"{', '.join(parts)} cannot be changed in place")
        elif holder is not None:
            self._supersede(want, holder)

    def _add_new(self, want: Wanted) -> None:
        same_keys = [index for index in self.live if index.keys == want.index.keys and index.name not in self.matched]
        if same_keys and not self.ability.side_by_side:
            self._rebuild(want, same_keys[0], "rebuild", "the server takes one index on the same keys only")
            return
        predecessors = [] if want.spec.named else [index for index in same_keys if _is_variant(index, want)]
        self._build(want, want.spec.name, Phase.BUILD)
        for index in predecessors:
            self._drop_replaced(index, want)

    def _supersede(self, want: Wanted, holder: Index) -> None:
        name = self._free_variant(want)
        self.plan.kept[want.spec.path] = name
        self._build(want, name, Phase.BUILD)
        self._drop_replaced(holder, want)

    def _free_variant(self, want: Wanted) -> str:
        parts = [word for part, word in VARIANTS.items() if part in _special_parts(want.index)]
        base = want.spec.name + VARIANT_MARK + "_".join(parts or [PLAIN_VARIANT])
        candidates = [base, *(f"{base}_{number}" for number in range(2, MAXIMUM_INDEXES + 2))]
        return next(name for name in candidates if name not in self.taken)

    def _becomes_unique(self, want: Wanted, holder: Index) -> bool:
        # MongoDB 6.0.5 ends with a fatal assertion when it is asked to make a wildcard index unique: ordinary ones
        # only.
        if not self.ability.unique_in_place or want.spec.kind is not None or not want.index.unique:
            return False
        if holder.building or holder.signature_as_unique() != want.index.signature:
            return False
        differing = [name for name in differing_options(want.index, holder) if name != "prepareUnique"]
        return all(self._fits_in_place(name, want, holder) for name in differing)

    def _make_unique(self, want: Wanted, holder: Index) -> None:
        self.matched[holder.name] = want
        self.plan.kept[want.spec.path] = holder.name
        ready = bool(holder.others.get("prepareUnique"))
        steps = [{"unique": True}] if ready else [{"prepareUnique": True}, {"unique": True}]
        undo = {"collMod": self.collection, "index": {"name": holder.name, "prepareUnique": False}}
        self._add(
            "modify", holder.name,
            [{"collMod": self.collection, "index": {"name": holder.name, **step}} for step in steps],
            Phase.MODIFY, want, before=holder.shown(), after={**holder.shown(), "unique": True},
            undo=(undo,), unique_index=want.spec.document,
        )  # fmt: skip
        settings: dict[str, t.Any] = {}
        if want.index.others.get("expireAfterSeconds") != holder.others.get("expireAfterSeconds"):
            settings["expireAfterSeconds"] = want.index.others["expireAfterSeconds"]
        if want.index.hidden != holder.hidden:
            settings["hidden"] = want.index.hidden
        self._modify(want, holder, settings)

    # Text indexes: a collection has one at most.

    def _rival_text(self, want: Wanted) -> Index | None:
        texts = [index for index in self.live if any(direction == "text" for _field, direction in index.keys)]
        return texts[0] if texts else None

    def _replace_text(self, want: Wanted, rival: Index) -> None:
        if rival.name in self.matched or (not _is_variant(rival, want) and not self._may_go(rival)):
            self._problem(
                want, f"the collection already has the text index {rival.name}, and can have one only; "
                "with unmanaged_indexes: drop and allow_rebuild: true the new one takes its place",
            )
            return
        self._rebuild(want, rival, "rebuild", f"it takes the place of the text index {rival.name}")

    def _may_go(self, index: Index) -> bool:
        return self.policy.unmanaged == "drop" and not self._is_protected(index)

    # Rung 3: the name or the signature has to become free first.

    def _rebuild(self, want: Wanted, old: Index, action: str, reason: str) -> None:
        if not self.policy.allow_rebuild:
            self._problem(
                want,
                f"the index {old.name} has to be dropped and built again: {reason}; to allow that, set "
                "allow_rebuild: true",
            )
            return
        self.matched.setdefault(old.name, want)
        self.replaced.add(old.name)
        bridge = self._bridge(want)
        if bridge:
            self.used_bridges.add(bridge["name"])
            existing = self.bridges.get(bridge["name"])
            if existing is None or existing.signature != index_of(bridge).signature:
                if existing is not None:
                    self._drop(existing, Phase.MAKE_ROOM, "")
                self._build(want, bridge["name"], Phase.BUILD, document=bridge, action="bridge")
        self._add(
            "drop", old.name, [self._drop_command(old)], Phase.DROP_REPLACED, want, before=old.shown(),
            done=frozenset({INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND}),
        )
        self._build(want, want.spec.name, Phase.REBUILD, action=action)
        if bridge:
            self._drop(index_of(bridge), Phase.DROP_BRIDGE, want.spec.path)

    def _bridge(self, want: Wanted) -> dict[str, t.Any] | None:
        """An index that serves the same queries; ``None`` for text and wildcard indexes, which have no such thing."""
        keys = dict(want.spec.document["key"])
        if want.spec.kind in ("text", "wildcard") or len(keys) >= MAXIMUM_FIELDS:
            return None
        keys["_id" if "_id" not in keys else "groundwork_bridge"] = 1
        kept = {
            name: value for name, value in want.spec.document.items()
            if name in ("sparse", "partialFilterExpression", "collation", "2dsphereIndexVersion", "bits", "min", "max")
        }
        return {"key": keys, "name": f"{BRIDGE_PREFIX}{want.spec.name}", **kept}

    # What nobody declared.

    def _leave(self) -> None:
        for name, bridge in self.bridges.items():
            if name not in self.used_bridges:
                self._drop(bridge, Phase.DROP_BRIDGE, "")
        for index in self.live:
            if index.name in self.matched or index.name in self.replaced or index.name in self.internal:
                continue
            if self.policy.unmanaged != "ignore":
                self.plan.unmanaged.append(index.name)
            if self._is_protected(index) or index.building:
                continue
            if self.policy.unmanaged == "drop":
                self._drop(index, Phase.UNMANAGED, "")
            elif self.policy.unmanaged == "hide" and self.ability.hide and not index.hidden:
                command = {"collMod": self.collection, "index": {"name": index.name, "hidden": True}}
                self._add("hide", index.name, [command], Phase.UNMANAGED, None, before=index.shown(),
                          after={**index.shown(), "hidden": True})

    def _make_room(self) -> None:
        """Keep within the server's limit at every moment; drops move ahead of builds only where that is allowed."""
        creates = sum(item.phase == Phase.BUILD and item.action in ("create", "bridge") for item in self.plan.changes)
        excess = max(self.total, 1) + creates - MAXIMUM_INDEXES
        for phase in (Phase.UNMANAGED, Phase.DROP_REPLACED):
            if phase == Phase.DROP_REPLACED and not self.policy.allow_rebuild:
                continue
            for place, item in enumerate(self.plan.changes):
                if excess > 0 and item.phase == phase and item.action == "drop":
                    self.plan.changes[place] = dataclasses.replace(item, phase=Phase.MAKE_ROOM)
                    excess -= 1
        if excess > 0:
            self.problems.add(
                self.wanted[0].spec.path.rpartition("[")[0],
                f"{self.namespace} would have {MAXIMUM_INDEXES + excess} indexes while the new ones are built, "
                f"{MAXIMUM_INDEXES} are possible; drop {excess} first, or set unmanaged_indexes: drop or "
                "allow_rebuild: true",
            )

    # Making changes.

    def _build(
        self, want: Wanted, name: str, phase: Phase, *, document: dict[str, t.Any] | None = None, action: str = "create"
    ) -> None:
        document = {**(document or want.spec.document), "name": name}
        self.taken.add(name)
        command = {"createIndexes": self.collection, "indexes": [document], **self.policy.build_options}
        self._add(action, name, [command], phase, want, after=document,
                  unique_index=document if document.get("unique") else None)

    def _drop_replaced(self, index: Index, want: Wanted) -> None:
        self.replaced.add(index.name)
        self._drop(index, Phase.DROP_REPLACED, want.spec.path)

    def _drop(self, index: Index, phase: Phase, path: str) -> None:
        self.plan.changes.append(change(
            "drop", "index", f"{self.namespace}.{index.name}", [self._drop_command(index)], before=index.shown(),
            phase=phase, collection=self.collection, path=path, done=frozenset({INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND}),
        ))  # fmt: skip

    def _drop_command(self, index: Index) -> dict[str, t.Any]:
        return {"dropIndexes": self.collection, "index": index.name}

    def _add(
        self,
        action: str,
        name: str,
        commands: list[dict[str, t.Any]],
        phase: Phase,
        want: Wanted | None,
        **fields: t.Any,
    ) -> None:
        self.plan.changes.append(change(
            action, "index", f"{self.namespace}.{name}", commands, phase=phase, collection=self.collection,
            path=want.spec.path if want else "", **fields,
        ))  # fmt: skip

    def _problem(self, want: Wanted, text: str) -> None:
        self.problems.add(want.spec.path, text)

    def _is_protected(self, index: Index) -> bool:
        return any(fnmatch.fnmatchcase(f"{self.collection}.{index.name}", pattern) for pattern in self.policy.protected)


def _special_parts(index: Index) -> list[str]:
    plain = index_of({"key": dict(index.keys), "name": index.name})
    return differing_signature(index, plain)


def _is_variant(index: Index, want: Wanted) -> bool:
    """Whether a live index is an earlier form of a declared one: same keys, and a name that nobody chose."""
    if index.keys != want.index.keys:
        return False
    words = "|".join([*VARIANTS.values(), PLAIN_VARIANT])
    usual = re.escape(default_name(want.spec.keys))
    return re.fullmatch(rf"{usual}({VARIANT_MARK}({words})(_({words}))*(_\d+)?)?", index.name) is not None
