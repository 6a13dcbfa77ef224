"""Names for indexes whose usual name is still taken by their predecessor, such as ``a_1__sparse``."""

from __future__ import annotations

import re
import typing as t

from .index import Index, differing_signature, index_of
from .keys import Keys, default_name

# Parts of the signature, and the word for each in a name.
WORDS = {
    "unique": "unique", "sparse": "sparse", "filter": "partial", "collation": "collation", "projection": "projection",
}  # fmt: skip
PLAIN = "plain"
MARK = "__"


def free_variant(name: str, index: Index, taken: t.Container[str]) -> str:
    """A name for an index that cannot have its usual one: that one, and what is special about the index."""
    plain = index_of({"key": dict(index.keys), "name": name})
    special = differing_signature(index, plain)
    base = name + MARK + "_".join([word for part, word in WORDS.items() if part in special] or [PLAIN])
    number = 1
    candidate = base
    while candidate in taken:
        number += 1
        candidate = f"{base}_{number}"
    return candidate


def is_variant(index: Index, declared_keys: Keys, keys: Keys) -> bool:
    """Whether a live index is an earlier form of a declared one: same keys, and a name that nobody chose.

    :param declared_keys: as they are declared; the usual name is made of them.
    :param keys: the same in the server's form.
    """
    if index.keys != keys:
        return False
    words = "|".join([*WORDS.values(), PLAIN])
    usual = re.escape(default_name(declared_keys))
    return re.fullmatch(rf"{usual}({MARK}({words})(_({words}))*(_\d+)?)?", index.name) is not None
