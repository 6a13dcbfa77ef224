"""Real poolers in front of the real test server."""

from __future__ import annotations

import typing as t

import pytest
from poolers import Poolers
from servers import Postgresql


@pytest.fixture
def poolers(postgresql_server: Postgresql, run_module: t.Callable[..., t.Any]) -> t.Iterator[Poolers]:
    """A configuration folder of the test's own; its processes end with the test."""
    poolers = Poolers(postgresql_server, run_module)
    yield poolers
    poolers.close()
