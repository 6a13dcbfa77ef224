"""The state of one member of a replicated cluster, read from its server or, when that is stopped, from its folder."""

from __future__ import annotations

import re
import typing as t

from .control import format_lsn, parse_lsn
from .copying import is_unfinished
from .receiver import RECEIVER, streams
from .server import Server

if t.TYPE_CHECKING:
    from ..session import Session

# pg_control_checkpoint() knows a promotion only after the next checkpoint, the names of the WAL files at once. But
# names also stay behind after a rewind, so they count only while there is no receiver: what that asks for is on the
# timeline that the recovery has reached.
MEMBER_QUERY = f"""
SELECT json_build_object(
  'in_recovery', pg_is_in_recovery(),
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', CASE WHEN pg_is_in_recovery()
    THEN coalesce(receiver.received_tli,
                  greatest((SELECT max(('x' || substr(name, 1, 8))::bit(32)::int) FROM pg_ls_waldir()
                            WHERE name ~ '^[0-9A-F]{{24}}$'),
                           (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                           (SELECT timeline_id FROM pg_control_checkpoint())))
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
  'lsn', CASE WHEN pg_is_in_recovery()
    THEN greatest(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn()) ELSE pg_current_wal_lsn() END,
  'replay_lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END,
  'replay_paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
  'server_version', current_setting('server_version'),
  'started', pg_postmaster_start_time(),
  'pending_restart', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart),
  'settings', (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN (
    'wal_level', 'max_wal_senders', 'max_replication_slots', 'hot_standby', 'wal_log_hints', 'data_checksums',
    'synchronous_standby_names', 'primary_slot_name', 'max_slot_wal_keep_size', 'max_connections',
    'max_worker_processes', 'max_prepared_transactions', 'max_locks_per_transaction', 'config_file',
    'data_directory', 'port', 'archive_mode',
    'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'TimeZone', 'log_timezone', 'DateStyle',
    'default_text_search_config')),
  'receiver', CASE WHEN receiver.pid IS NOT NULL THEN json_build_object(
      'status', receiver.state, 'sender_host', receiver.sender_host, 'sender_port', receiver.sender_port,
      'slot_name', receiver.slot_name, 'timeline', receiver.received_tli, 'written_lsn', receiver.written_lsn,
      'flushed_lsn', receiver.flushed_lsn,
      'silent_seconds', round(extract(epoch FROM clock_timestamp() - receiver.last_msg_receipt_time)::numeric, 1)) END,
  'senders', (SELECT coalesce(json_agg(json_build_object(
      'name', s.application_name, 'address', host(s.client_addr), 'state', s.state, 'sync_state', s.sync_state,
      'replay_lsn', s.replay_lsn, 'lag_bytes', greatest(pg_wal_lsn_diff(here.lsn, s.replay_lsn), 0)::bigint,
      'lag_seconds', round(coalesce(extract(epoch FROM s.replay_lag), 0)::numeric, 3),
      'slot_name', l.slot_name) ORDER BY s.application_name), '[]')
    FROM pg_stat_replication AS s LEFT JOIN pg_replication_slots AS l ON l.active_pid = s.pid),
  'slots', (SELECT coalesce(json_agg(json_build_object(
      'name', slot_name, 'type', slot_type, 'active', active, 'temporary', temporary, 'restart_lsn', restart_lsn,
      'wal_status', wal_status, 'retained_bytes', pg_wal_lsn_diff(here.lsn, restart_lsn)::bigint)
      ORDER BY slot_name), '[]') FROM pg_replication_slots),
  'base_backups', (SELECT count(*) FROM pg_stat_progress_basebackup),
  'prepared_transactions', (SELECT count(*) FROM pg_prepared_xacts),
  'longest_transaction_seconds', (SELECT coalesce(round(max(extract(epoch FROM clock_timestamp() - xact_start))
      ::numeric, 1), 0) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
  'archive_failing', (SELECT current_setting('archive_mode') <> 'off' AND last_failed_time IS NOT NULL
      AND last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver)
)
FROM (SELECT CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn())
      ELSE pg_current_wal_lsn() END AS lsn) AS here
LEFT JOIN ({RECEIVER}) AS receiver ON true
"""  # noqa: S608 - constants

ABSENT: dict[str, t.Any] = {"state": "absent", "role": None}


def read_member(server: Server) -> dict[str, t.Any]:
    """The state of the member on this host; see RETURN of pg_replication_info.

    :raises GroundworkError: the folder or the server cannot be read.
    """
    if is_unfinished(server):
        return {**ABSENT, "state": "copying"}
    if not server.exists():
        return dict(ABSENT)
    if server.pid() is None:
        return _from_folder(server, "stopped")
    from ..api import ServerUnreachable  # needs the driver's file, which a virgin host may lack

    try:
        session = server.session("groundwork replication info")
    except ServerUnreachable as error:
        if _is_starting(str(error)):
            return _from_folder(server, "starting")
        raise
    try:
        return _from_server(server, session)
    finally:
        session.close()


def from_session(session: Session) -> dict[str, t.Any]:
    """The running member that a session is open to."""
    found = t.cast("dict[str, t.Any]", session.value(MEMBER_QUERY))
    found["state"] = "running"
    found["server_version"] = found["server_version"].split()[0]
    found["role"] = "standby" if found.pop("in_recovery") else "primary"
    found["history"] = _history(session, found["timeline"])
    return found


def _timelines_of_files(server: Server) -> list[int]:
    names = [path.name for path in (server.data / "pg_wal").iterdir()]
    return [int(name[:8], 16) for name in names if re.fullmatch(r"[0-9A-F]{24}", name)]


def _is_starting(text: str) -> bool:
    return any(
        sign in text
        for sign in ("starting up", "not yet accepting connections", "not accepting connections", "in recovery mode")
    )


def _from_folder(server: Server, state: str) -> dict[str, t.Any]:
    control = server.control()
    return {
        "state": state,
        "role": "standby" if server.is_standby() else "primary",
        "system_identifier": control.system_identifier,
        "timeline": max([control.timeline, *_timelines_of_files(server)]),
        "lsn": format_lsn(control.position),
        "cleanly_stopped": state == "stopped" and control.state.startswith("shut down"),
        "control_settings": control.settings,
    }


def _from_server(server: Server, session: Session) -> dict[str, t.Any]:
    found = from_session(session)
    found["control_settings"] = server.control().settings
    found["installed_version"] = _installed_version(server)
    return found


def _installed_version(server: Server) -> str:
    result = server.owner.run([str(server.bin / "postgres"), "--version"])
    match = re.search(r"\d+(\.\d+|\w+)", result.stdout)
    return match.group() if match else ""


def _history(session: Session, timeline: int) -> list[dict[str, t.Any]]:
    """Where each earlier timeline was left, oldest first, from the file that every promotion writes."""
    if timeline <= 1:
        return []
    text = session.value("SELECT pg_read_file(%s, true)", f"pg_wal/{timeline:08X}.history")
    lines = (line.split() for line in (text or "").splitlines())
    return [{"timeline": int(words[0]), "lsn": words[1]} for words in lines if len(words) > 1 and words[0].isdigit()]


def is_ready(member: dict[str, t.Any], first: dict[str, t.Any]) -> bool:
    """Whether there is nothing to wait for: a standby streams and has replayed what it had received at ``first``."""
    if member["state"] == "starting":
        return False
    if member["state"] != "running" or member["role"] == "primary":
        return True
    return streams(member) and parse_lsn(member["replay_lsn"] or "0/0") >= parse_lsn(first.get("lsn") or "0/0")
