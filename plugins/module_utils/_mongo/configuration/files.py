"""The two files that mongod reads at its start: the configuration and the key that members of a set share."""

from __future__ import annotations

import dataclasses
import grp
import pwd
import re
import stat
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from ..._host import filesystem
from .settings import without_secrets

# What mongod takes as a key file: 6 to 1024 characters of Base64, white space aside.
_KEY = re.compile(r"[A-Za-z0-9+/=]{6,1024}")


@dataclasses.dataclass(frozen=True)
class WantedFile:
    """A file and what it is to be.

    :param secret: whether the contents are shown to nobody.
    """

    kind: str
    path: str
    text: str
    owner: str
    group: str
    mode: int
    secret: bool = False


def plan_file(wanted: WantedFile) -> Step | None:
    """The step that brings the file to its description, ``None`` when it is there."""
    now = read_text(wanted.path)
    if now == wanted.text:
        before, after = _ownership(wanted.path), (wanted.owner, wanted.group, f"{wanted.mode:04o}")
        if before == after:
            return None
        return Step("protect", wanted.kind, wanted.path, " ".join(before), " ".join(after))
    action = "create" if now is None else "write"
    if wanted.secret:
        return Step(action, wanted.kind, wanted.path, None if now is None else "another key", "the key, not shown")
    before_text = None if now is None else without_secrets(now)
    return Step(action, wanted.kind, wanted.path, before_text, without_secrets(wanted.text))


def write_file(wanted: WantedFile) -> None:
    """Replace the file in one step; a reader never sees a half-written or an open one."""
    owner = pwd.getpwnam(wanted.owner).pw_uid, grp.getgrnam(wanted.group).gr_gid
    if read_text(wanted.path) == wanted.text:
        filesystem.set_attributes(wanted.path, mode=wanted.mode, owner=owner)
        return
    filesystem.make_directory(Path(wanted.path).parent, parents=0o755)
    filesystem.write(wanted.path, wanted.text.encode(), mode=wanted.mode, owner=owner)


def read_text(path: str) -> str | None:
    """:raises GroundworkError: root would have to follow a link that another account made."""
    found = filesystem.read(path)
    return None if found is None else found.decode()


def _ownership(path: str) -> tuple[str, str, str]:
    status = Path(path).stat()
    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return owner, group, f"{stat.S_IMODE(status.st_mode):04o}"


def check_key(content: str) -> None:
    """:raises GroundworkError: mongod would not take the key."""
    if not _KEY.fullmatch("".join(content.split())):
        raise GroundworkError(
            "The key of the replica set is not one that mongod takes.", where="keyfile_content", untouched="everything",
            hint="It has 6 to 1024 letters, digits, '+', '/' and '='; openssl rand -base64 756 makes one.",
        )


def check_same_key(path: str, content: str, data_folder: str) -> None:
    """:raises GroundworkError: the server has a key, and data, and the key is another one."""
    now = read_text(path)
    has_data = (Path(data_folder) / "WiredTiger").is_file()
    if now is None or not has_data or "".join(now.split()) == "".join(content.split()):
        return
    raise GroundworkError(
        "The host holds another key than the wanted one: with that, the server would leave its replica set.",
        where=path, untouched="everything",
        hint="Put the host's key where the controller looks for it: mongodb_7_keyfile, or the file"
        " mongodb_7_keyfile_name below mongodb_7_secrets_directory. To change the key of the whole set, set"
        " mongodb_7_replace_keyfile; members with different keys do not know each other, so that is an outage.",
        code=ErrorCode.OTHER_KEY,
    )
