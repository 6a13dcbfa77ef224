"""TLS on both sides: plaintext is refused, a renewed certificate is shown, a wrong server is not talked to."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import typing as t
from pathlib import Path

import psycopg2
import pytest
from poolers import Poolers

PASSWORD = "tls-password"


def certificate(folder: Path, name: str) -> str:
    """A self-signed certificate with its key in one file."""
    key, crt, pem = folder / f"{name}.key", folder / f"{name}.crt", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", crt],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_text(key.read_text() + crt.read_text())
    return str(pem)


@pytest.fixture
def tls(poolers: Poolers) -> t.Iterator[tuple[Poolers, dict[str, t.Any], Path]]:
    folder = poolers.home / "tls"
    folder.mkdir()
    shown = folder / "server.pem"
    shutil.copy(certificate(folder, "first"), shown)
    for path in (folder, shown):
        poolers.account.own(path)
    options = {
        "databases": [poolers.database()],
        "users": [{"name": "app", "scram_secret": poolers.secret("app", PASSWORD)}],
        "settings": {
            "client_tls_sslmode": "require",
            "client_tls_key_file": str(shown),
            "client_tls_cert_file": str(shown),
        },
        "hba": [{"type": "hostssl", "address": "127.0.0.1/32", "method": "scram-sha-256"}],
        "listen_addresses": ["*"],
    }
    poolers.succeed(**options)
    poolers.start()
    yield poolers, options, folder


def subject(poolers: Poolers) -> str:
    """Whose certificate the pooler shows."""
    shown = subprocess.run(
        ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{poolers.port}"],
        input="", capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    return next(line for line in shown.stdout.splitlines() if line.startswith("subject"))


def test_only_with_tls(tls: tuple[Poolers, dict[str, t.Any], Path]) -> None:
    poolers, options, folder = tls
    verified = {"sslmode": "verify-full", "sslrootcert": str(folder / "first.crt")}
    with contextlib.closing(poolers.connect("app", PASSWORD, **verified)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError):
        poolers.connect("app", PASSWORD, sslmode="disable")
    assert not poolers.succeed(**options)["changed"]


def test_renewed_certificate_is_shown_and_sessions_go_on(tls: tuple[Poolers, dict[str, t.Any], Path]) -> None:
    poolers, options, folder = tls
    assert "first" in subject(poolers)
    with contextlib.closing(poolers.connect("app", PASSWORD, sslmode="require")) as session:
        shutil.copy(certificate(folder, "second"), folder / "server.pem")
        result = poolers.succeed(**options)
        assert result["processes"][0]["action"] == "reload"
        assert "second" in subject(poolers)
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert not poolers.succeed(**options)["changed"]


def test_certificate_that_does_not_fit_is_refused(tls: tuple[Poolers, dict[str, t.Any], Path]) -> None:
    poolers, options, folder = tls
    certificate(folder, "third")
    (folder / "server.pem").write_text((folder / "first.key").read_text() + (folder / "third.crt").read_text())
    result = poolers.fail(**options)
    assert result["error_code"] == "TRIAL_FAILED"
    assert "first" in subject(poolers)


def test_server_without_the_right_certificate_is_refused(tls: tuple[Poolers, dict[str, t.Any], Path]) -> None:
    """The test server has no TLS at all."""
    poolers, options, folder = tls
    options["settings"] |= {"server_tls_sslmode": "verify-full", "server_tls_ca_file": str(folder / "first.crt")}
    result = poolers.fail(**options)
    assert result["error_code"] == "SERVER_UNREACHABLE"
    assert "SSL" in result["msg"]
