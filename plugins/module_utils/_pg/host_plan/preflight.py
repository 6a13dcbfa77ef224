"""What is refused before anything is touched."""

from __future__ import annotations

from ..._core.described import Described
from . import clusters, replication, tls
from .known import Known


def refusals(known: Known, inputs: Described) -> list[str]:
    """What contradicts itself in the description, and systems that this was not tried on.

    :param inputs: ``generated``, the folders of generated files as the lookup generated_files returns them, and
        ``package_version``.
    """
    found = [place["problem"] for place in inputs["generated"] if place["problem"]]
    if not isinstance(inputs["package_version"], str):
        found.append(
            f"postgresql_16_package_version is the number {inputs['package_version']}, and YAML takes 16.10 for 16.1. "
            "Write it in quotes. Nothing was touched."
        )
    return found + tls.refusals(known) + replication.refusals(known) + clusters.refusals(known)
