"""Whether a server speaks TLS is never guessed: a wrong guess would send the login in the clear."""

from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.tls import certificate


def test_a_server_that_says_nothing_is_not_taken_for_one_without_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(GroundworkError) as caught:
        certificate.fingerprint_of_server("127.0.0.1", silent.getsockname()[1], None, 0.3)
    assert caught.value.code == "TLS_UNKNOWN"
    assert "no login was sent" in str(caught.value.untouched)


def test_a_server_that_refuses_the_handshake_has_no_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def hang_up() -> None:
            plain.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert certificate.fingerprint_of_server("127.0.0.1", plain.getsockname()[1], None, 10) is None
