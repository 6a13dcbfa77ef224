"""The certificate that a server shows, compared with the one in its file."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import ssl
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def fingerprint_of_file(path: str) -> str:
    """SHA-256 of the first certificate of a PEM file, as hexadecimal digits.

    :raises GroundworkError: it cannot be read or holds none.
    """
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise GroundworkError(
            f"The certificate file cannot be read: {error.strerror}", where=path, untouched="everything",
            hint="The module runs on the host of the server, as a user that may read the file.",
        ) from None
    found = _CERTIFICATE.search(text)
    if not found:
        raise GroundworkError(
            "The file holds no certificate.", where=path, untouched="everything",
            hint="MongoDB wants the certificate and its private key in one PEM file.",
        )
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found.group(0))).hexdigest()
    except ValueError as error:
        raise GroundworkError(
            f"The certificate in the file is damaged: {error}", where=path, untouched="everything",
        ) from None


def somebody_listens(host: str, port: int, seconds: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def fingerprint_of_server(host: str, port: int, client_file: str | None, seconds: float) -> str | None:
    """SHA-256 of the certificate that the server shows, ``None`` when it shows none.

    Nothing is trusted or sent here, so nothing is verified either.

    :param client_file: certificate and key that the server may ask for.
    :raises GroundworkError: it neither shakes hands nor refuses to.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client_file:
        with contextlib.suppress(OSError, ssl.SSLError):
            context.load_cert_chain(client_file)
    try:
        with (
            socket.create_connection((host, port), timeout=seconds) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert(binary_form=True)
    except TimeoutError:
        # Taken for a server without TLS, it would be sent the login in the clear.
        raise GroundworkError(
            f"The server did not answer a TLS handshake within {seconds:g} s: nobody knows whether it speaks TLS.",
            where=f"{host}:{port}", untouched="everything; no login was sent",
            hint="See whether the host is overloaded, then run again.", code=ErrorCode.TLS_UNKNOWN,
        ) from None
    except (OSError, ssl.SSLError):
        return None
    return hashlib.sha256(shown).hexdigest() if shown else None
