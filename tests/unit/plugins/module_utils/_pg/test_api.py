"""What is said where the driver is missing."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg import api


def test_without_a_driver_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(api, "DRIVER_IMPORT_ERROR", "Traceback")
    with pytest.raises(GroundworkError, match="psycopg2") as raised:
        api.connect({}, "postgres", "test")
    assert raised.value.code == "NO_DRIVER"
