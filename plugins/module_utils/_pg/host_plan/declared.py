"""The clusters of a host as its inventory describes them, every option filled in.

The only place that knows the defaults of a cluster's options on the controller: ``meta/argument_specs.yml`` documents
and validates them, but fills nothing in, and its types are not converted. What is left as it was written, as it may be
large and only one task reads it, are the contents.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.described import Described, truth

CONTENTS = ("roles", "databases", "migrations", "partitions", "row_security")


@dataclasses.dataclass(frozen=True)
class Tls:
    """:ivar texts: ``certificate``, ``key`` and ``ca`` where they are given as text. Read when they are needed only: a
    vault takes its time for each reading.
    """

    mode: str = "disabled"
    require: bool = True
    min_protocol_version: str = "TLSv1.2"
    certificate_file: str = ""
    key_file: str = ""
    ca_file: str = ""
    names: t.Sequence[str] = ()
    texts: Described = dataclasses.field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.texts.get(name) or ""

    @property
    def encrypted(self) -> bool:
        return self.mode != "disabled"


@dataclasses.dataclass(frozen=True)
class Cluster:
    """One cluster; see option ``postgresql_16_clusters`` of the role.

    :ivar replication: as it was written; empty for a cluster that stands alone.
    :ivar contents: what each option of :data:`CONTENTS` says, as it was written.
    """

    name: str
    state: str = "present"
    port: int = 5432
    data_directory: str = ""
    wal_directory: str = ""
    start: str = "auto"
    listen_addresses: t.Sequence[str] = ("localhost",)
    client_networks: t.Sequence[str] = ()
    preset: str = "mixed"
    memory_percent: int = 0
    disk: str = "ssd"
    settings: Described = dataclasses.field(default_factory=dict)
    hba: t.Sequence[Described] = ()
    hba_defaults: bool = True
    ident: t.Sequence[Described] = ()
    audit: t.Sequence[str] = ()
    tls: Tls = Tls()
    exporter_port: int = 0
    replication: Described = dataclasses.field(default_factory=dict)
    contents: t.Mapping[str, t.Sequence[Described]] = dataclasses.field(default_factory=dict)

    @property
    def replicated(self) -> bool:
        return bool(self.replication.get("members"))


_FIELDS = {field.name: field.type for field in dataclasses.fields(Cluster)}
_TLS_FIELDS = {field.name: field.type for field in dataclasses.fields(Tls)}


def read(described: t.Iterable[Described]) -> list[Cluster]:
    """All that are described, those that are to be absent included."""
    return [_cluster(each) for each in described]


def present(clusters: t.Iterable[Cluster]) -> list[Cluster]:
    return [cluster for cluster in clusters if cluster.state != "absent"]


def _cluster(described: Described) -> Cluster:
    given = _given(described, _FIELDS)
    tls = described.get("tls") or {}
    given["tls"] = Tls(**{**_given(tls, _TLS_FIELDS), "texts": tls})
    given["replication"] = described.get("replication") or {}
    given["contents"] = {name: described.get(name) or () for name in CONTENTS}
    return Cluster(**given)


def _given(described: Described, fields: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What is said, in the field's type."""
    values = {name: described.get(name) for name in fields}
    return {name: _converted(value, fields[name]) for name, value in values.items() if value is not None}


def _converted(value: t.Any, kind: t.Any) -> t.Any:
    # With postponed annotations, a field's type is its text.
    if kind == "bool":
        return truth(value)
    return int(value) if kind == "int" else value
