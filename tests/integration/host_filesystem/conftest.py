"""An unprivileged account with a folder of its own, and what of root's it is after."""

from __future__ import annotations

import contextlib
import os
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ansible_collections.groundwork.databases.plugins.module_utils._local.account import Account, server_account
from servers import temporary_home

SECRET = "root:$6$canary"


class Attacker:
    """:ivar home: a folder that the account owns and everybody may enter."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.name = account.name
        self.home = temporary_home(account)
        os.chown(self.home, account.uid, account.gid)

    @contextlib.contextmanager
    def acting(self) -> t.Iterator[None]:
        os.setegid(self.account.gid)
        os.seteuid(self.account.uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)

    def folder(self, *parts: str) -> Path:
        with self.acting():
            made = self.home.joinpath(*parts)
            made.mkdir(parents=True, exist_ok=True)
        return made

    def file(self, path: Path, text: str = "") -> Path:
        with self.acting():
            path.write_text(text)
        return path

    def link(self, path: Path, target: Path | str) -> Path:
        with self.acting():
            path.symlink_to(target)
        return path


class Victim:
    """A folder of root's, closed, with a file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.secret = folder, folder / "shadow"
        folder.mkdir(mode=0o700)
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self._before = self._state()

    def _state(self) -> list[tuple[str, int, int, int, str]]:
        found = []
        for path in (self.folder, *sorted(self.folder.glob("**/*"))):
            facts = path.lstat()
            content = path.read_text() if path.is_file() else ""
            found.append((path.name, facts.st_uid, facts.st_gid, facts.st_mode, content))
        return found

    def assert_untouched(self) -> None:
        assert self._state() == self._before


@pytest.fixture
def attacker() -> Attacker:
    if os.geteuid() != 0:
        pytest.skip("only root has rights that another account could get at")
    return Attacker(server_account(None))


@pytest.fixture
def victim(attacker: Attacker) -> Victim:
    return Victim(temporary_home(attacker.account) / "victim")


@pytest.fixture
def secret() -> str:
    return SECRET
