"""systemd is asked and told by one file, and a host without it is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.error_codes import ErrorCode
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._host import service

PLUGINS = Path(__file__).resolve().parents[5] / "plugins"
BOOTED = Path("/run/systemd/system").is_dir()


def test_nothing_else_calls_systemd():
    programs = ("/usr/bin/systemctl", "/usr/bin/systemd-run", "/usr/bin/journalctl", '"systemctl"')
    found = [
        str(path.relative_to(PLUGINS))
        for path in sorted(PLUGINS.rglob("*.py"))
        if any(program in path.read_text() for program in programs)
    ]
    assert found == ["module_utils/_host/service.py"]


@pytest.mark.skipif(BOOTED, reason="this machine is booted with systemd")
def test_a_host_that_is_not_booted_with_systemd_is_told():
    with pytest.raises(GroundworkError, match="systemd does not answer") as error:
        service.show(["shop.service"], "ActiveState")
    assert (error.value.code, error.value.untouched) == (ErrorCode.NO_SYSTEMD, "everything")


@pytest.mark.skipif(BOOTED, reason="this machine is booted with systemd")
@pytest.mark.parametrize("verb", ["start", "restart"])
def test_an_order_that_systemd_does_not_take_names_the_unit(verb):
    with pytest.raises(GroundworkError, match=f"^systemctl {verb} shop.service failed: .+") as error:
        getattr(service.Systemd("shop.service"), verb)()
    assert (error.value.code, error.value.where) == (ErrorCode.COMMAND_FAILED, "shop.service")
    assert error.value.hint == "Look at: journalctl -u shop.service"
