"""Shared libraries that a server binary needs and this machine lacks."""

from __future__ import annotations

from pathlib import Path

from .._host import command

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
    lines = command.run(["ldd", *existing]).stdout.splitlines()
    missing = {line.split()[0] for line in lines if line.endswith("=> not found")}
    return sorted(missing)


def packages_for(libraries: list[str]) -> list[str]:
    """The Debian packages that hold the libraries; a library without a known package is named as it is."""
    return sorted({PACKAGES.get(library, library) for library in libraries})
