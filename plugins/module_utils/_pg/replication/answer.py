"""The state of a member of a replicated cluster, as the controller takes it before other hosts act on it."""

from __future__ import annotations

import typing as t

from ..._core.answer import VERSION, Answer
from .control import HOT_STANDBY_SETTINGS

STATES = ("absent", "copying", "stopped", "starting", "running")
WITHOUT_DATA = ("absent", "copying")
# What MEMBER_QUERY asks for.
SETTINGS = frozenset({
    "wal_level", "max_wal_senders", "max_replication_slots", "hot_standby", "wal_log_hints", "data_checksums",
    "synchronous_standby_names", "primary_slot_name", "max_slot_wal_keep_size", "max_connections",
    "max_worker_processes", "max_prepared_transactions", "max_locks_per_transaction", "config_file",
    "data_directory", "port", "archive_mode", "lc_messages", "lc_monetary", "lc_numeric", "lc_time", "TimeZone",
    "log_timezone", "DateStyle", "default_text_search_config",
})  # fmt: skip

_LSN = r"[0-9A-F]{1,8}/[0-9A-F]{1,8}"
_IDENTIFIER = r"[0-9]{1,20}"
_TIMELINES = 2**32 - 1
_SETTING = r"[A-Za-z_][A-Za-z0-9_.]*"
# A clock that was set back makes an age negative.
_LONG = 10**10


class Left(t.TypedDict):
    """An earlier timeline, and where it was left."""

    timeline: int
    lsn: str


class Receiver(t.TypedDict):
    status: str
    sender_host: str | None
    sender_port: int | None
    slot_name: str | None
    timeline: int | None
    written_lsn: str | None
    flushed_lsn: str | None
    silent_seconds: float | None


class Sender(t.TypedDict):
    name: str
    address: str | None
    state: str
    sync_state: str
    replay_lsn: str | None
    lag_bytes: int | None
    lag_seconds: float
    slot_name: str | None


class Slot(t.TypedDict):
    name: str
    type: str
    active: bool
    temporary: bool
    restart_lsn: str | None
    wal_status: str | None
    retained_bytes: int | None


class Role(t.TypedDict):
    state: str
    role: str | None


class Member(Role, total=False):
    """See RETURN of pg_replication_info. What was not answered is missing."""

    system_identifier: str
    timeline: int
    lsn: str | None
    replay_lsn: str | None
    replay_paused: bool
    cleanly_stopped: bool
    started: str
    server_version: str
    installed_version: str
    history: list[Left]
    receiver: Receiver | None
    senders: list[Sender]
    slots: list[Slot]
    settings: dict[str, str]
    control_settings: dict[str, int]
    pending_restart: list[str]
    base_backups: int
    prepared_transactions: int
    longest_transaction_seconds: float
    archive_failing: bool


def parse(answer: Answer) -> Member | dict[str, t.Any]:
    """The member of an answer; empty where a check found none to ask.

    :raises GroundworkError: a field does not fit.
    """
    found = answer.record("member")
    return _member(found) if found and found.fields() else {}


def _member(found: Answer) -> Member:
    state = found.one_of("state", STATES)
    if state in WITHOUT_DATA:
        return {"state": state, "role": None}
    member: Member = {
        "state": state,
        "role": found.one_of("role", ("primary", "standby")),
        "system_identifier": found.text("system_identifier", _IDENTIFIER),
        "timeline": found.whole("timeline", 1, _TIMELINES),
        "lsn": found.text("lsn", _LSN, default=None),
        "control_settings": _control_settings(found.record("control_settings")),
    }
    if state == "running":
        _add_what_a_session_tells(member, found)
    else:
        member["cleanly_stopped"] = found.flag("cleanly_stopped", default=False)
    return member


def _add_what_a_session_tells(member: Member, found: Answer) -> None:
    member["replay_lsn"] = found.text("replay_lsn", _LSN, default=None)
    member["replay_paused"] = found.flag("replay_paused")
    member["started"] = found.text("started", r"[0-9T:. +-]+")
    member["server_version"] = found.text("server_version", VERSION)
    if "installed_version" in found.fields():
        member["installed_version"] = found.text("installed_version", VERSION + "|")
    member["history"] = [
        {"timeline": left.whole("timeline", 1, _TIMELINES), "lsn": left.text("lsn", _LSN)}
        for left in found.records("history")
    ]
    receiver = found.record("receiver")
    member["receiver"] = _receiver(receiver) if receiver else None
    member["senders"] = [_sender(sender) for sender in found.records("senders")]
    member["slots"] = [_slot(slot) for slot in found.records("slots")]
    member["settings"] = _settings(found.record("settings"))
    member["pending_restart"] = found.names("pending_restart", _SETTING)
    member["base_backups"] = found.whole("base_backups")
    member["prepared_transactions"] = found.whole("prepared_transactions")
    member["longest_transaction_seconds"] = found.number("longest_transaction_seconds", -_LONG)
    member["archive_failing"] = found.flag("archive_failing")


def _receiver(found: Answer) -> Receiver:
    return {
        "status": found.text("status", "[a-z]+"),
        "sender_host": found.text("sender_host", default=None),
        "sender_port": found.whole("sender_port", -1, 65535, default=None),
        "slot_name": found.text("slot_name", "[a-z0-9_]*", default=None),
        "timeline": found.whole("timeline", 0, _TIMELINES, default=None),
        "written_lsn": found.text("written_lsn", _LSN, default=None),
        "flushed_lsn": found.text("flushed_lsn", _LSN, default=None),
        "silent_seconds": found.number("silent_seconds", -_LONG, default=None),
    }


def _sender(found: Answer) -> Sender:
    return {
        "name": found.sentence("name"),
        "address": found.text("address", default=None),
        "state": found.text("state", "[a-z]+"),
        "sync_state": found.text("sync_state", "[a-z]+"),
        "replay_lsn": found.text("replay_lsn", _LSN, default=None),
        "lag_bytes": found.whole("lag_bytes", default=None),
        "lag_seconds": found.number("lag_seconds"),
        "slot_name": found.text("slot_name", "[a-z0-9_]*", default=None),
    }


def _slot(found: Answer) -> Slot:
    return {
        "name": found.text("name", "[a-z0-9_]+"),
        "type": found.one_of("type", ("physical", "logical")),
        "active": found.flag("active"),
        "temporary": found.flag("temporary"),
        "restart_lsn": found.text("restart_lsn", _LSN, default=None),
        "wal_status": found.text("wal_status", "[a-z]+", default=None),
        "retained_bytes": found.whole("retained_bytes", -(2**63), default=None),
    }


def _settings(found: Answer | None) -> dict[str, str]:
    if found is None:
        return {}
    # Any text may be a list of standbys; what is copied into a standby's file is one line.
    return {
        name: found.sentence(name) if name == "synchronous_standby_names" else found.text(name)
        for name in found.fields() if name in SETTINGS
    }  # fmt: skip


def _control_settings(found: Answer | None) -> dict[str, int]:
    if found is None:
        return {}
    return {name: found.whole(name, 0, 2**31) for name in found.fields() if name in HOT_STANDBY_SETTINGS}
