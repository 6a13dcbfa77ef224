"""What a server can do in place, by engine and version.

Sources: the MongoDB manual on collMod (unique and cappedSize since 6.0, an expiry on an index without one since 5.1),
the Amazon DocumentDB documentation on index and collMod support (hidden since 5.0.2 and 8.0.1, one index per key
pattern).
"""

from __future__ import annotations

from ..collections import options
from ..collections.plan import Ability
from ..indexes import policy


def ability_of(engine: str, version: tuple[int, ...]) -> Ability:
    """The ability of a server.

    :param engine: ``mongodb`` or ``documentdb``.
    :param version: of the server; two or three numbers.
    """
    if engine == "documentdb":
        return Ability(
            indexes=policy.Ability(
                unique_in_place=False, hide=_hides(version), expiry_in_place=False, side_by_side=False
            ),
            collections=options.Ability(resize_capped=False, modify_view=version >= (8, 0)),
            builds_together=False,
        )
    return Ability(
        indexes=policy.Ability(
            unique_in_place=version >= (6, 0), hide=version >= (4, 4), expiry_in_place=version >= (5, 1),
            side_by_side=version >= (5, 0),
        ),
        collections=options.Ability(resize_capped=version >= (6, 0)),
    )


def _hides(version: tuple[int, ...]) -> bool:
    return version >= (8, 0, 1) or (5, 0, 2) <= version < (8, 0)
