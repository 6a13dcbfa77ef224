"""Shared libraries that a server binary needs and this machine lacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Debian 12 and Ubuntu 22.04 name these packages alike.
PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libcrypto.so.3": "libssl3",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "liblz4.so.1": "liblz4-1",
    "liblzma.so.5": "liblzma5",
    "libossp-uuid.so.16": "libossp-uuid16",
    "libreadline.so.8": "libreadline8",
    "libssl.so.3": "libssl3",
    "libxml2.so.2": "libxml2",
    "libxslt.so.1": "libxslt1.1",
    "libexslt.so.0": "libxslt1.1",
    "libzstd.so.1": "libzstd1",
}


def missing_libraries(binaries: list[Path]) -> list[str]:
    """Sonames that the dynamic linker cannot find for the given executables and libraries."""
    existing = [str(binary) for binary in binaries if binary.is_file()]
    if not existing:
        return []
    outcome = subprocess.run(["/usr/bin/env", "ldd", *existing], capture_output=True, text=True, check=False)
    missing = {line.split()[0] for line in outcome.stdout.splitlines() if line.endswith("=> not found")}
    return sorted(missing)


def packages_for(libraries: list[str]) -> list[str]:
    """The Debian packages that hold the libraries; a library without a known package is named as it is."""
    return sorted({PACKAGES.get(library, library) for library in libraries})
