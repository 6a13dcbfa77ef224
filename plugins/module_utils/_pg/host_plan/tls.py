"""Certificates and keys: which ones the controller generates, and which files of it go to the host."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.described import Described
from ..._generated import place
from ..._host.certificates import names
from ..clusters.answer import ClusterFacts
from .declared import Cluster, Tls
from .known import Known

Entry = dict[str, t.Any]
# Certificate and key are one file, so that a restart never meets one without the other; this reads both.
_CHECK = [
    "/usr/bin/python3",
    "-c",
    'import ssl, sys; ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(sys.argv[1], password="")',
    "%s",
]


def refusals(known: Known) -> list[str]:
    incomplete = [cluster.name for cluster in known.clusters.values() if not _is_complete(cluster.tls)]
    if not incomplete:
        return []
    return [
        f"Cluster {', '.join(incomplete)}: tls.mode given asks for a certificate (certificate or certificate_file) and "
        "its key (key or key_file). Nothing was touched."
    ]


def _is_complete(tls: Tls) -> bool:
    return tls.mode != "given" or all(getattr(tls, f"{name}_file") or tls.text(name) for name in ("certificate", "key"))


def generated(known: Known) -> list[str]:
    return [cluster.name for cluster in known.clusters.values() if cluster.tls.mode == "generated"]


def certificates(known: Known, address: str) -> list[dict[str, t.Any]]:
    """Option ``certificates`` of tls_certificates.

    :param address: where Ansible reaches the host.
    """
    wanted = []
    for name in generated(known):
        known_by = [known.host, address, *known.clusters[name].tls.names]
        wanted.append({"name": f"{known.host}-{name}", **names.of_certificate(known.host, known_by)})
    return wanted


def settings(cluster: Cluster, where: ClusterFacts) -> dict[str, t.Any]:
    if not cluster.tls.encrypted:
        return {"ssl": False}
    folder = f"{where.config_directory}/tls"
    signed = cluster.tls.mode == "generated" or cluster.tls.ca_file or cluster.tls.text("ca")
    return {
        "ssl": True,
        "ssl_cert_file": f"{folder}/server.pem",
        "ssl_key_file": f"{folder}/server.pem",
        "ssl_ca_file": f"{folder}/ca.pem" if signed else "",
        "ssl_min_protocol_version": cluster.tls.min_protocol_version,
    }


def controller_files(known: Known, controller: Described) -> list[str]:
    """Files of the controller to be read.

    :param controller: see :func:`entries`.
    """
    paths: list[str] = []
    for cluster in known.clusters.values():
        if cluster.tls.encrypted:
            found = _found(known, cluster, controller)
            if not _to_come(known, found):
                given = {"certificate": found.certificate_file, "key": found.key_file, "ca": found.ca_file}
                paths += [path for name, path in given.items() if path and not found.text(name)]
    return list(dict.fromkeys(paths))


def entries(known: Known, cluster: Cluster, where: ClusterFacts, controller: Described, own: Entry) -> list[Entry]:
    """Entries of host_files for one cluster.

    :param controller: what the controller has: ``contents`` of the files that :func:`controller_files` names, by their
        paths, ``certificates`` as tls_certificates returns them, and the variables that say where the inventory is.
    :param own: options of files that belong to the account of the servers.
    """
    found, contents = _found(known, cluster, controller), controller["contents"]
    folder = f"{where.config_directory}/tls"
    pem: Entry = {"path": f"{folder}/server.pem", "mode": "0600", "secret": True, **own}
    directory: Entry = {"path": folder, "state": "directory", "mode": "0700", **own}
    if _to_come(known, found):
        return [directory, {**pem, "content": "to be generated"}]
    certificate = found.text("certificate") or contents[found.certificate_file]
    key = found.text("key") or contents[found.key_file]
    written = [directory, {**pem, "content": f"{key}\n{certificate}\n", "validate": _CHECK}]
    ca = found.text("ca") or (contents[found.ca_file] if found.ca_file else "")
    return written + ([{"path": f"{folder}/ca.pem", "content": f"{ca}\n", "mode": "0600", **own}] if ca else [])


def _found(known: Known, cluster: Cluster, controller: Described) -> Tls:
    """Where the material is now: each file may be one of another role's that is moved, or has been."""
    tls = cluster.tls
    if tls.mode == "generated":
        files = controller["certificates"][f"{known.host}-{cluster.name}"]
        tls = Tls(mode=tls.mode, certificate_file=files["certificate"], key_file=files["key"], ca_file=files["ca"])
    inventory = place.from_variables(controller)
    return dataclasses.replace(
        tls,
        certificate_file=place.present_file(tls.certificate_file, inventory),
        key_file=place.present_file(tls.key_file, inventory),
        ca_file=place.present_file(tls.ca_file, inventory),
    )


def _to_come(known: Known, tls: Tls) -> bool:
    return place.is_to_come(tls.key_file, known.check_mode)
