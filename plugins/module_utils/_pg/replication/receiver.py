"""Whether a standby streams: the one rule that every gate, wait, report and metric goes by.

PostgreSQL calls a receiver "streaming" from the first moment of its process: before it has connected, while its request
is answered, and when the answer is a refusal, after which the next process begins the same again. The primary even
accepts a request for WAL that it has removed, and refuses it only when it reads it. How long each of that lasts depends
on the machine, so neither the status nor the time that passes proves anything. What does:

- WAL came. ``written_lsn`` is empty in a new process. A process that goes on to the next timeline keeps its old value,
  but ``flushed_lsn`` begins again at the start of the request, and the first segment of a timeline is never empty. On
  a timeline that the standby has replayed before, ``written_lsn`` counts alone: a standby that was restarted receives
  what it has already, and flushes nothing until there is more.
- Or a message without WAL came, from a primary that has nothing to send, and the receiver waits for more afterwards.
  The times of sending and receipt are one and the same instant until then. A refusal would come with that message and
  end the wait, so what the process waits for is read after the times: hence LATERAL.

A process that waits for libpq is still asking.
"""

from __future__ import annotations

import typing as t

# The exporter's query in roles/postgresql_16/files/exporter_queries.yml has the same text; a test compares them.
STREAMS = """
r.status = 'streaming' AND COALESCE(a.wait_event, '') !~ '^LibPQWalReceiver'
AND CASE WHEN r.written_lsn IS NOT NULL THEN r.flushed_lsn > r.receive_start_lsn
    OR r.received_tli <= (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery())
  ELSE r.last_msg_send_time <> r.last_msg_receipt_time AND a.wait_event = 'WalReceiverMain' END
"""
SOURCE = """
pg_catalog.pg_stat_wal_receiver AS r
LEFT JOIN LATERAL (SELECT wait_event FROM pg_catalog.pg_stat_get_activity(r.pid)) AS a ON true
"""
# One row, or none: what pg_stat_wal_receiver says, and the state as it really is.
RECEIVER = f"""
SELECT r.*, CASE WHEN r.status = 'streaming' AND ({STREAMS}) IS NOT TRUE THEN 'connecting' ELSE r.status END AS state
FROM {SOURCE}
"""  # noqa: S608 - constants


def streams(member: dict[str, t.Any]) -> bool:
    """Whether the member is a standby that receives from its primary.

    :param member: its state as ``pg_replication_info`` returns it.
    """
    return member["role"] == "standby" and (member.get("receiver") or {}).get("status") == "streaming"
