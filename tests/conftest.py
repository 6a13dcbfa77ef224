"""For every test: the collection is imported from the checkout, and no property is judged by the clock."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

COLLECTIONS = Path(__file__).resolve().parents[1] / "collections"


def _add_checkout_to_ansible_collections() -> None:
    # PyPI's "ansible" ships ansible_collections as a regular package, which hides namespace portions later on the path.
    sys.path.insert(0, str(COLLECTIONS))
    import ansible_collections

    checkout = str(COLLECTIONS / "ansible_collections")
    if checkout not in list(ansible_collections.__path__):
        ansible_collections.__path__.append(checkout)


_add_checkout_to_ansible_collections()

# How long an example takes says how busy the machine is, not whether the property holds.
settings.register_profile("without_a_clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without_a_clock")
