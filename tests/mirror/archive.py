# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newer postgresql-common that PostgreSQL 16 needs on Ubuntu 22.04.

Ubuntu 22.04's own (238) writes settings that PostgreSQL 15 removed. PGDG ships a newer one in the same repository as
the server, and so does this mirror: the unchanged, distribution-independent packages of Ubuntu 24.04's release pocket,
which never changes. Debian 12's own (248) is new enough.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

from wheels import MirrorError

DEFAULT_ARCHIVE = "http://archive.ubuntu.com/ubuntu"
TIMEOUT_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Deb:
    path: str
    sha256: str


POSTGRESQL_COMMON = (
    Deb(
        "pool/main/p/postgresql-common/postgresql-common_257build1_all.deb",
        "881216334bef225c61b89f932963242e543cd44771ec24675c9efa34bb5a7095",
    ),
    Deb(
        "pool/main/p/postgresql-common/postgresql-client-common_257build1_all.deb",
        "8e59fb6fa1073e99f5f1516c5daaa9451b6056af428d4755f558c2bbd4c9c0c7",
    ),
)


def fetch(deb: Deb, cache: Path) -> Path | None:
    """The verified package in ``cache``, downloaded when it is not there; None when the archive does not answer.

    :raises MirrorError: the archive's file is another one.
    """
    cached = cache / deb.path.rpartition("/")[2]
    if cached.is_file() and hashlib.sha256(cached.read_bytes()).hexdigest() == deb.sha256:
        return cached
    url = f"{os.environ.get('GROUNDWORK_UBUNTU_ARCHIVE') or DEFAULT_ARCHIVE}/{deb.path}"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the caller's archive
            content = answer.read()
    except (urllib.error.URLError, TimeoutError):
        return None
    found = hashlib.sha256(content).hexdigest()
    if found != deb.sha256:
        raise MirrorError(f"{url} is not the pinned file: expected sha256 {deb.sha256}, got {found}")
    cache.mkdir(parents=True, exist_ok=True)
    cached.write_bytes(content)
    return cached
