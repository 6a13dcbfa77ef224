"""The ladder of change of a collection's indexes. Pure: it sees the live indexes and decides, nothing more.

From the cheapest rung to the dearest: nothing; ``collMod``; build the new index, then drop the old one; rebuild under
the same name, which is done only when it is allowed. The server cannot hold two indexes of one name or of one
signature, so a rebuild first builds a *bridge*, an index on the same keys and one more, which serves the queries
while the name is free.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t

from ..._core.problems import Problems
from ..change import INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND, Phase, change
from .declared import IndexSpec
from .index import Index, differing_options, differing_signature, index_of
from .keys import MAXIMUM_FIELDS
from .policy import Ability, IndexPlan, Policy, Wanted
from .variant import MARK, free_variant, is_variant

MAXIMUM_INDEXES = 64
BRIDGE_PREFIX = "groundwork_bridge_"
IN_PLACE = frozenset({"expireAfterSeconds", "prepareUnique"})


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
        self.collation = collation
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
        # Signatures that are there, or will be, while something is rebuilt: the server refuses a second index of any.
        self.serving = {index.signature for index in self.live} | {want.index.signature for want in self.wanted}
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
            if want.spec.named or index.name in self.matched or self._is_protected(index):
                continue
            marked = MARK in match.name or MARK in index.name
            if marked and self._is_variant(index, want):
                self._drop_replaced(index, want)

    def _fits_in_place(self, name: str, want: Wanted, match: Index) -> bool:
        if name == "expireAfterSeconds":
            return name in want.index.others and (name in match.others or self.ability.expiry_in_place)
        return name in IN_PLACE

    def _modify(self, want: Wanted, match: Index, settings: dict[str, t.Any]) -> None:
        if not settings:
            return
        # The server takes prepareUnique only by itself.
        alone = {name: value for name, value in settings.items() if name == "prepareUnique"}
        rest = {name: value for name, value in settings.items() if name != "prepareUnique"}
        commands = [
            {"collMod": self.collection, "index": {"name": match.name, **part}} for part in (rest, alone) if part
        ]
        after = {**match.shown(), **settings}
        self._add("modify", match.name, commands, Phase.MODIFY, want, before=match.shown(), after=after)

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
        predecessors = [] if want.spec.named else [index for index in same_keys if self._is_variant(index, want)]
        self._build(want, want.spec.name, Phase.BUILD)
        for index in predecessors:
            self._drop_replaced(index, want)

    def _supersede(self, want: Wanted, holder: Index) -> None:
        name = free_variant(want.spec.name, want.index, self.taken)
        self.plan.kept[want.spec.path] = name
        self._build(want, name, Phase.BUILD)
        self._drop_replaced(holder, want)

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
        if rival.name in self.matched or not (self._is_variant(rival, want) or self._may_go(rival)):
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
        bridge = self._lay_bridge(want)
        self._add(
            "drop", old.name, [self._drop_command(old)], Phase.DROP_REPLACED, want, before=old.shown(),
            done=frozenset({INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND}),
        )
        self._build(want, want.spec.name, Phase.REBUILD, action=action)
        if bridge:
            self._drop(bridge, Phase.DROP_BRIDGE, want.spec.path)

    def _lay_bridge(self, want: Wanted) -> Index | None:
        """Plan the bridge of a rebuild; ``None`` when there can be none, or when something else serves as one."""
        document = self._bridge(want)
        if document is None:
            return None
        bridge = index_of(document, self.collation)
        if bridge.signature in self.serving:
            return None
        self.serving.add(bridge.signature)
        left = next((index for index in self.bridges.values() if index.signature == bridge.signature), None)
        if left is not None:
            self.used_bridges.add(left.name)
            return left
        if bridge.name in self.bridges:
            self.used_bridges.add(bridge.name)
            self._drop(self.bridges[bridge.name], Phase.MAKE_ROOM, "")
        self._build(want, bridge.name, Phase.BUILD, document=document, action="bridge")
        return bridge

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

    def _is_variant(self, index: Index, want: Wanted) -> bool:
        return is_variant(index, want.spec.keys, want.index.keys)

    def _is_protected(self, index: Index) -> bool:
        return any(fnmatch.fnmatchcase(f"{self.collection}.{index.name}", pattern) for pattern in self.policy.protected)
