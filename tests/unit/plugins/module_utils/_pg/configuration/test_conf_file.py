"""Files in the form of postgresql.conf."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.configuration import conf_file, pending
from ansible_collections.groundwork.databases.plugins.module_utils._pg.settings.catalogue import postgresql_16


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("work_mem = 4MB", ("work_mem", "4MB")),
        ("work_mem 4MB # as it was", ("work_mem", "4MB")),
        ("  Work_Mem='4MB'", ("work_mem", "4MB")),
        ("log_line_prefix = '%m # it''s \\'so\\' '", ("log_line_prefix", "%m # it's 'so' ")),
        ("a.b = 'x\\ty\\\\z\\101'", ("a.b", "x\ty\\zA")),
        ("include_dir = 'conf.d'", ("include_dir", "conf.d")),
        ("archive_command = ''", ("archive_command", "")),
        ("# work_mem = 4MB", None),
        ("", None),
        ("work_mem =", None),
        ("= 3", None),
    ],
)
def test_a_line_says_what_the_server_reads(line, entry):
    found = conf_file.parse(line + "\n")
    assert [(one.name, one.text) for one in found] == ([entry] if entry else [])


@pytest.mark.parametrize(
    "text", ["", "4MB", "it's", "back\\slash", "two\nlines", "%m [%p] ", "-1", "0.9", "on", "# no"]
)
def test_what_is_written_is_read_again(text):
    content = conf_file.render({"log_line_prefix": text}, "")
    assert [entry.text for entry in conf_file.parse(content)] == [text]


def test_secrets_are_not_shown():
    content = "primary_conninfo = 'host=a password=''my secret'''\nssl_passphrase_command = 'echo x'\nwork_mem = 4MB\n"
    shown = conf_file.shown(content)
    assert "secret" not in shown and "echo" not in shown and "work_mem = 4MB" in shown


def test_a_waiting_setting_is_told_with_units():
    setting = postgresql_16().get("shared_buffers")
    assert pending.entry(setting, "16384", "1GB") == {"name": "shared_buffers", "current": "128MB", "new": "1GB"}
