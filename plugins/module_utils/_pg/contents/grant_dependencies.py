"""Who got a privilege through whom: what a role passed on hangs on its own grant option.

PostgreSQL refuses to take a grant option away from a role while what that role granted with it stands (or, with
CASCADE, takes that along unasked). So whatever hangs on a grant that goes has to go before it. As a role can have the
same privilege from several others, the grants form a graph, circles included, in which everything is reachable from
the owner: PostgreSQL keeps it so, and every single step has to.
"""

from __future__ import annotations

from . import live

# (privilege, role) pairs that hold a grant option.
Options = set[tuple[str, str]]


class Chains:
    """The privileges on one object as that graph.

    :param wish: for every role that is listed, its privileges and whether each may be passed on.
    """

    def __init__(self, owner: str, acl: live.Acl, wish: dict[str, dict[str, bool]]) -> None:
        self._owner = owner
        self._wish = wish
        self._standing, options = self._find_standing(acl)
        self._layers = self._find_layers(acl, options)
        self.hanging = [e for e in acl if e.grantee not in wish and e.grantee != owner and not self.stands(e)]
        """Entries of roles that are not listed which cannot stay."""

    def stands(self, entry: live.AclEntry) -> bool:
        """Whether the entry can stay as it is: its grantor keeps the right to have given it."""
        return entry in self._standing

    def order(self, entry: live.AclEntry) -> int:
        """When to revoke an entry or its grant option: the lower the earlier, always below zero."""
        return -self._layers.get(entry, 1)

    def _find_standing(self, acl: live.Acl) -> tuple[set[live.AclEntry], Options]:
        """Spread out from the owner over the grant options that stay."""
        standing: set[live.AclEntry] = set()
        options: Options = set()
        while True:
            reached = {e for e in acl if e not in standing and self._is_given(e, options)}
            if not reached:
                return standing, options
            standing |= reached
            options |= {(e.privilege, e.grantee) for e in reached if self._keeps_option(e)}

    def _find_layers(self, acl: live.Acl, options: Options) -> dict[live.AclEntry, int]:
        """The order of revoking is the opposite of one in which the grants that go could have been made, after those
        that stay."""
        layers: dict[live.AclEntry, int] = {}
        pending = [e for e in acl if not self._stays(e)]
        layer = 0
        while pending:
            layer += 1
            reached = [e for e in pending if self._is_given(e, options)] or pending
            layers |= dict.fromkeys(reached, layer)
            options = options | {(e.privilege, e.grantee) for e in reached if e.grantable}
            pending = [e for e in pending if e not in layers]
        return layers

    def _is_given(self, entry: live.AclEntry, options: Options) -> bool:
        return entry.grantor == self._owner or (entry.privilege, entry.grantor) in options

    def _keeps_option(self, entry: live.AclEntry) -> bool:
        listed = self._wish.get(entry.grantee)
        return entry.grantable and (listed is None or listed.get(entry.privilege, False))

    def _stays(self, entry: live.AclEntry) -> bool:
        """Whether nothing of the entry goes, not even its grant option."""
        listed = self._wish.get(entry.grantee)
        if not self.stands(entry) or (listed is not None and entry.privilege not in listed):
            return False
        return not entry.grantable or self._keeps_option(entry)
