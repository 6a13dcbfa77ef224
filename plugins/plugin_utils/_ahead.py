"""What the roles' tasks read their plans through, for the action of a role's first module to import.

Ansible imports an action once, before it forks a worker for each task and host; a filter, and all that it needs, once
in every worker.
"""

from __future__ import annotations

from ..filter import host_answer, mongo_host_plan, pg_host_plan, pgbouncer_host_plan, scram_sha_256

FILTERS = (host_answer, mongo_host_plan, pg_host_plan, pgbouncer_host_plan, scram_sha_256)
