"""Clusters with members on several hosts: what the members' states mean, and what this host has to do about it."""

from __future__ import annotations

import typing as t

from ..._core.answer import Answer
from ..._core.described import Described
from ..._core.errors import GroundworkError
from ..clusters.answer import ClusterFacts
from ..clusters.model import SOCKETS
from ..replication import answer, member_settings, plan
from ..replication.names import slot_name
from . import clusters
from .declared import Cluster
from .known import Known, Topologies

# What initdb wrote into the primary's postgresql.conf, and what a standby must not have less of.
_COPIED_SETTINGS = (
    "lc_messages", "lc_monetary", "lc_numeric", "lc_time", "TimeZone", "log_timezone", "DateStyle",
    "default_text_search_config", "max_connections", "max_worker_processes", "max_wal_senders",
    "max_prepared_transactions", "max_locks_per_transaction",
)  # fmt: skip
# What the members' states may ask of this host that makes its data a copy of the primary's.
_COPIED = ("create", "rebuild")
# What the tasks need of the description of a replicated cluster, next to where it is. No secret: these lists are
# looped over, and Ansible shows the item of a task that fails.
_SHOWN = (
    "user", "slots", "purge_slots", "ca_file", "max_rate", "tablespace_mapping", "max_lag_bytes", "max_lag_seconds",
    "wait_streaming", "rebuild_method",
)  # fmt: skip


def refusals(known: Known) -> list[str]:
    """What contradicts itself in the descriptions."""
    found = []
    without = [cluster.name for cluster in known.replicated if not cluster.replication.get("password")]
    if without:
        found.append(
            f"Cluster {', '.join(without)}: replication.password is missing, which its members log in to each other "
            "with. Nothing was touched."
        )
    for cluster in known.replicated:
        members = cluster.replication["members"]
        if known.host not in members:
            found.append(
                f"{known.host} is not a member of the cluster {cluster.name}, whose replication.members are: "
                f"{', '.join(members)}. Nothing was touched."
            )
        if cluster.name not in without:
            try:
                member_settings.with_defaults(dict(cluster.replication))
            except GroundworkError as error:
                found.append(f"Cluster {cluster.name}: {error.what} Nothing was touched.")
    return found


def passfile(place: ClusterFacts) -> str:
    return f"{place.config_directory}/replication.pgpass"


def described(cluster: Cluster, place: ClusterFacts) -> dict[str, t.Any]:
    """The description of a replicated cluster with every option filled in, without its password."""
    filled = member_settings.filled_in(_open(cluster))
    if not filled["ssl_mode"] and cluster.tls.mode == "generated" and not filled["ca_file"]:
        filled["ca_file"] = f"{place.config_directory}/tls/ca.pem"
    if not filled["ssl_mode"] and cluster.tls.encrypted:
        filled["ssl_mode"] = "verify-ca" if filled["ca_file"] else "require"
    return filled


def _open(cluster: Cluster) -> dict[str, t.Any]:
    """All but the password: a vault takes its time for each reading."""
    return {name: cluster.replication[name] for name in cluster.replication if name != "password"}


def settings(known: Known, cluster: Cluster, place: ClusterFacts) -> dict[str, t.Any]:
    return member_settings.settings(
        described(cluster, place), known.host, addresses(known, cluster), cluster.port, passfile(place)
    )


def rules(known: Known, cluster: Cluster, place: ClusterFacts) -> list[dict[str, t.Any]]:
    return member_settings.rules(described(cluster, place), addresses(known, cluster), cluster.tls.encrypted)


def addresses(known: Known, cluster: Cluster) -> dict[str, str]:
    return dict((known.topologies or {})[cluster.name]["addresses"])


def replicated(known: Known) -> list[dict[str, t.Any]]:
    """Replicated clusters of this host, with what the tasks need to find them, and without secrets. ``outside`` are
    members that this run, or this batch of it, does not work on.
    """
    ports = clusters.ports(known)
    return [_item(known, cluster, place, ports[cluster.name]) for cluster, place in known.placed if cluster.replicated]


def _item(known: Known, cluster: Cluster, place: ClusterFacts, port: int) -> dict[str, t.Any]:
    filled = described(cluster, place)
    members = filled["members"]
    item = {
        "name": cluster.name,
        "port": port,
        "login_host": SOCKETS,
        "data_directory": place.data_directory,
        "wal_directory": place.wal_directory,
        "config_directory": place.config_directory,
        "config_file": f"{place.config_directory}/postgresql.conf",
        "unit": place.unit,
        "start": cluster.start,
        "passfile": passfile(place),
        "members": list(members),
        "outside": [member for member in members if member not in known.batch],
        "initial_primary": filled["initial_primary"],
        "rebuild": list(filled["rebuild"]),
        "slot": slot_name(known.host),
        "ssl_mode": filled["ssl_mode"] or "prefer",
        **{name: filled[name] for name in _SHOWN},
    }
    decided = (known.topologies or {}).get(cluster.name)
    if decided:
        hosts = [decided["addresses"][member] for member in members]
        item["hosts"] = [f"[{host}]:{cluster.port}" if ":" in host else f"{host}:{cluster.port}" for host in hosts]
        item["primary"], item["action"] = decided["primary"], decided["actions"].get(known.host, "")
    return item


def outside(items: t.Iterable[Described]) -> list[dict[str, t.Any]]:
    """One for each member that this run does not work on."""
    return [{**item, "member": member} for item in items for member in item["outside"]]


def topologies(known: Known, inputs: Described) -> Topologies:
    """For every replicated cluster of this host, what the states of all its members mean, those states, and where
    the members are reached.

    :param inputs: ``hosts``, the variables of every host by its name; ``playing``, the hosts that did not fail;
        ``others``, what members outside of this run answered; ``rebuild``, hosts whose standbys may be made anew.
    :raises GroundworkError: an answer does not fit.
    """
    return {item["name"]: _topology(known, item, inputs) for item in replicated(known)}


def _topology(known: Known, item: Described, inputs: Described) -> dict[str, t.Any]:
    members, hosts = item["members"], inputs["hosts"]
    states = _states(known, item, inputs)
    allowed = [*item["rebuild"], *inputs["rebuild"]]
    decided = plan.decide(
        states,
        list(members),
        item["initial_primary"],
        rebuild=[member for member in dict.fromkeys(allowed) if member in members],
        playing=list(known.batch),
    )
    return {
        **decided.result(),
        "primary_state": states.get(decided.primary, {}),
        "states": states,
        "addresses": {member: _address(member, hosts) for member in members},
    }


def _address(member: str, hosts: Described) -> str:
    """A member that the inventory does not have is one that nothing can be asked of."""
    return (hosts[member].get("postgresql_16_address") if member in hosts else "") or member


def _states(known: Known, item: Described, inputs: Described) -> dict[str, t.Any]:
    """Of every member that answered."""
    found: dict[str, t.Any] = {}
    for member in item["members"]:
        if member in inputs["playing"] and member in known.batch:
            for result in _results(inputs["hosts"][member].get("__postgresql_16_own_members")):
                if result["postgresql_16_place"]["name"] == item["name"]:
                    found[member] = _state(result, "pg_replication_info", member)
    for result in _results(inputs["others"]):
        if result["postgresql_16_place"]["name"] == item["name"]:
            member = result["postgresql_16_place"]["member"]
            found[member] = _state(result, "pg_replication_info", member)
    return {member: state for member, state in found.items() if state}


def _results(registered: Described | None) -> t.Sequence[Described]:
    """Of a loop, each with its item as ``postgresql_16_place``."""
    return (registered or {}).get("results") or ()


def primary_states(known: Known, hosts: Described) -> dict[str, t.Any]:
    """The primaries as they are now, for standbys to be compared with: as they were asked first, or as the task that
    kept them found them since, on this host or another.

    :raises GroundworkError: an answer does not fit.
    """
    members = {cluster.name: list(cluster.replication["members"]) for cluster in known.replicated}
    states = {name: decided["primary_state"] for name, decided in (known.topologies or {}).items()}
    for host in known.batch:
        for result in _results(hosts[host].get("__postgresql_16_primary_members")):
            asked = result["postgresql_16_place"]
            if asked["name"] in states and list(asked["members"]) == members.get(asked["name"]):
                name = asked["name"]
                state = _state(result, "pg_replication", (known.topologies or {})[name]["primary"])
                states[name] = state or states[name]
    return states


def with_primary(known: Known, hosts: Described) -> list[dict[str, t.Any]]:
    """Every replicated cluster with the state of its primary, and the settings of it that a copy starts with."""
    states, found = primary_states(known, hosts), []
    for item in replicated(known):
        state = states[item["name"]]
        if state and item.get("action") in _COPIED:
            state = _without_slot(state, item["slot"])
        settings_there = (state.get("settings") or {}).items()
        base = {name: value for name, value in settings_there if name in _COPIED_SETTINGS}
        found.append({**item, "primary_state": state, "base_settings": base})
    return found


def _without_slot(state: Described, name: str) -> dict[str, t.Any]:
    """The primary was asked before the copy, which makes its slot anew: what the old one lacked says nothing."""
    return {**state, "slots": [slot for slot in state.get("slots") or () if slot["name"] != name]}


def _state(result: Described, module: str, member: str) -> t.Any:
    """Empty for a host that could not be reached, and where a check found nothing to ask."""
    return answer.parse(Answer.of(member, module, result)) if "member" in result else {}


def copied_here(known: Known) -> list[str]:
    """Clusters that this host gets, or gets again, as copies."""
    return [name for name, decided in (known.topologies or {}).items() if decided["actions"].get(known.host) in _COPIED]


def kept_primaries(known: Known) -> list[dict[str, t.Any]]:
    """Clusters whose primary this host sees to: its own, and one outside of this run when it is the first of its
    members here.
    """
    found = []
    for item in replicated(known):
        primary, outside_members = item.get("primary"), item["outside"]
        first = next((member for member in item["members"] if member not in outside_members), "")
        if primary == known.host or (primary in outside_members and first == known.host):
            found.append(item)
    return found


def kept_standbys(known: Known) -> list[str]:
    """Clusters of which this host holds a standby; a check cannot look into one that is still to be copied."""
    found = []
    for name, decided in (known.topologies or {}).items():
        there = decided["states"].get(known.host, {}).get("state") == "running"
        kept = there and decided["actions"].get(known.host) == "keep"
        if decided["primary"] != known.host and (kept or not known.check_mode):
            found.append(name)
    return found


def standbys(known: Known) -> list[str]:
    """Clusters whose contents are those of a primary elsewhere. What all members answered decides who leads: one that
    only says so is not a primary.
    """
    found = [server.name for server in (known.services or {}).values() if server.standby]
    found += [c.name for c in known.replicated] if known.to_copy is None else list(known.to_copy)
    found += [name for name, decided in (known.topologies or {}).items() if decided["primary"] != known.host]
    return list(dict.fromkeys(found))


def held_standbys(known: Known) -> list[dict[str, t.Any]]:
    """Standbys whose restart would fail: a setting is to be lowered, and the primary has not done so yet.

    A standby does not start with less of some settings than its primary had when it wrote the WAL to be replayed.
    """
    held = []
    for name, decided in (known.topologies or {}).items():
        floors = decided["states"].get(known.host, {}).get("control_settings") or {}
        configured = (known.configuration or {}).get(name)
        if decided["primary"] == known.host or not configured:
            continue
        too_low = [
            f"{waiting.name} {waiting.new} < {floors[waiting.name]}"
            for waiting in configured.pending_restart
            if waiting.name in floors and _whole(waiting.new) < floors[waiting.name]
        ]
        if too_low:
            held.append({"name": name, "settings": too_low, "primary": decided["primary"]})
    return held


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except ValueError:
        return 0
