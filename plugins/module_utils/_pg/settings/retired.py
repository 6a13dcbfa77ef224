"""Settings of other versions that somebody may still (or already) write, and what PostgreSQL 16 has instead.

Sources: the release notes of PostgreSQL 12 to 18, and appendix "Obsolete or Renamed Features" of the manual.
"""

from __future__ import annotations

REMOVED = {
    "vacuum_defer_cleanup_age": "removed in 16: use hot_standby_feedback or replication slots",
    "promote_trigger_file": "removed in 16: promote with pg_ctl promote or pg_promote()",
    "force_parallel_mode": "renamed in 16: write debug_parallel_query",
    "lc_collate": "no longer a setting in 16: the collation is chosen per database when it is created",
    "lc_ctype": "no longer a setting in 16: the character class is chosen per database when it is created",
    "stats_temp_directory": "removed in 15: statistics are kept in shared memory",
    "operator_precedence_warning": "removed in 14",
    "vacuum_cleanup_index_scale_factor": "removed in 14",
    "wal_keep_segments": "renamed in 13: write wal_keep_size, in megabytes (segments times 16)",
    "default_with_oids": "removed in 12: tables with OIDs do not exist any more",
    "standby_mode": "removed in 12: create the file standby.signal in the data folder",
    "trigger_file": "removed: promote with pg_ctl promote or pg_promote()",
}
NEWER = {
    17: """allow_alter_system commit_timestamp_buffers enable_group_by_reordering event_triggers huge_pages_status
        io_combine_limit max_notify_queue_pages multixact_member_buffers multixact_offset_buffers notify_buffers
        serializable_buffers subtransaction_buffers summarize_wal sync_replication_slots synchronized_standby_slots
        trace_connection_negotiation transaction_buffers transaction_timeout wal_summary_keep_time""",
    18: """autovacuum_vacuum_max_threshold autovacuum_worker_slots enable_distinct_reordering
        enable_self_join_elimination extension_control_path file_copy_method idle_replication_slot_timeout
        io_max_combine_limit io_max_concurrency io_method io_workers log_lock_failures max_active_replication_origins
        md5_password_warnings oauth_validator_libraries ssl_groups ssl_tls13_ciphers track_cost_delay_timing
        vacuum_max_eager_freeze_failure_rate vacuum_truncate""",
}
ADVICE = {
    **REMOVED,
    **{name: f"new in PostgreSQL {major}" for major, names in NEWER.items() for name in names.split()},
}
