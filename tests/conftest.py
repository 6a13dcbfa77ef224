"""Makes ``ansible_collections.groundwork.databases`` importable from the checkout, for every test."""

from __future__ import annotations

import sys
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[1] / "collections"


def _add_checkout_to_ansible_collections() -> None:
    # PyPI's "ansible" ships ansible_collections as a regular package, which hides namespace portions later on the path.
    sys.path.insert(0, str(COLLECTIONS))
    import ansible_collections

    checkout = str(COLLECTIONS / "ansible_collections")
    if checkout not in list(ansible_collections.__path__):
        ansible_collections.__path__.append(checkout)


_add_checkout_to_ansible_collections()
