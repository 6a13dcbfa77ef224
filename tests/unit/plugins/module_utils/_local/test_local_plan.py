"""Which steps a local server needs, for every state it can be found in."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._local.plan import (
    DesiredServer,
    LiveServer,
    plan_server,
)

VIRGIN = {
    "installed": False,
    "missing_packages": (),
    "data": "absent",
    "running": False,
    "port": None,
    "config": None,
    "binary": None,
}
RUNNING = {
    "installed": True,
    "missing_packages": (),
    "data": "complete",
    "running": True,
    "port": 1,
    "config": "c",
    "binary": "/b",
}


def live(base, **changes):
    return LiveServer(**{**base, **changes})


def desired(state="started", **changes):
    return DesiredServer(**{"state": state, "product": "X 1", "port": 1, "config": "c", "binary": "/b", **changes})


def steps(found, wanted, *, may_install_packages=True):
    return [(step.action, step.kind) for step in plan_server(found, wanted, may_install_packages=may_install_packages)]


INSTALL = ("install", "server")
INITIALISE = ("initialise", "data folder")
CONFIGURE = ("configure", "settings")
START = ("start", "server")
STOP = ("stop", "server")
FIRST_USER = ("create", "first user")


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        pytest.param(live(VIRGIN), desired(), [INSTALL, INITIALISE, CONFIGURE, START], id="virgin"),
        pytest.param(
            live(VIRGIN),
            desired(first_user="admin"),
            [INSTALL, INITIALISE, CONFIGURE, START, FIRST_USER],
            id="first-user",
        ),
        pytest.param(live(RUNNING), desired(), [], id="converged"),
        pytest.param(live(RUNNING), desired(first_user="admin"), [], id="converged-with-first-user"),
        pytest.param(live(RUNNING, running=False), desired(), [START], id="stopped"),
        pytest.param(live(RUNNING, config="old"), desired(), [CONFIGURE, ("restart", "server")], id="reconfigured"),
        pytest.param(
            live(RUNNING, running=False, config="old"), desired(), [CONFIGURE, START], id="reconfigured-while-stopped"
        ),
        pytest.param(live(RUNNING, binary="/old"), desired(), [("restart", "server")], id="new-binary"),
        pytest.param(
            live(RUNNING, running=False, data="incomplete"),
            desired(),
            [("remove", "half-initialised data folder"), INITIALISE, START],
            id="half-initialised",
        ),
        pytest.param(
            live(RUNNING, data="incomplete"), desired(first_user="admin"), [FIRST_USER], id="running-without-first-user"
        ),
        pytest.param(
            live(RUNNING, running=False, missing_packages=("libxml2",)),
            desired(),
            [("install", "packages"), START],
            id="missing-library",
        ),
        pytest.param(live(RUNNING), desired("stopped"), [STOP], id="stop"),
        pytest.param(live(RUNNING, running=False), desired("stopped"), [], id="stop-stopped"),
        pytest.param(live(RUNNING), desired("absent"), [STOP, ("remove", "server")], id="remove"),
        pytest.param(live(VIRGIN), desired("absent"), [], id="remove-absent"),
    ],
)
def test_steps(found, wanted, expected):
    assert steps(found, wanted) == expected


def test_missing_libraries_without_root_name_the_packages():
    with pytest.raises(GroundworkError) as refused:
        steps(
            live(RUNNING, running=False, missing_packages=("libxml2", "libcurl4")),
            desired(),
            may_install_packages=False,
        )
    assert "apt-get install libxml2 libcurl4" in str(refused.value)
    assert "untouched: the server's data" in str(refused.value)
