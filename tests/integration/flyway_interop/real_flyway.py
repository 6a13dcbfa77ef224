"""The real Flyway, from Maven Central, in one JVM per release."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / ".cache" / "flyway"
#: Profiles of ``pom.xml``. Those between the oldest and the newest behave like one of the two, so they run on demand.
EVERY_RELEASE = ("flyway-9", "flyway-10", "flyway-11", "flyway-12", "flyway-13")
RELEASES = EVERY_RELEASE if os.environ.get("GROUNDWORK_EVERY_FLYWAY") else (EVERY_RELEASE[0], EVERY_RELEASE[-1])
_NEEDED_JAVA = 17
_PACKAGES = "as root on Debian or Ubuntu: apt-get install openjdk-17-jdk-headless maven"


def reason_to_skip() -> str:
    """What this machine lacks to run Flyway; empty when it has all."""
    if not shutil.which("java"):
        return f"Flyway needs Java {_NEEDED_JAVA}; {_PACKAGES}"
    shown = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    match = re.search(r'version "(\d+)', shown)
    if not match or int(match.group(1)) < _NEEDED_JAVA:
        return f"Flyway needs Java {_NEEDED_JAVA} and this is {shown.splitlines()[0]}; {_PACKAGES}"
    if not shutil.which("mvn") and not all(_folder(release).is_dir() for release in RELEASES):
        return f"Flyway is downloaded by Maven; {_PACKAGES}"
    return ""


def _folder(release: str) -> Path:
    """Where the jars are; the name changes with the pinned versions."""
    return CACHE / f"{release}-{hashlib.sha256((HERE / 'pom.xml').read_bytes()).hexdigest()[:12]}"


def jars(release: str) -> Path:
    """The folder with the release's jars, downloaded on first use.

    :raises RuntimeError: Maven could not fetch them.
    """
    folder = _folder(release)
    if not folder.is_dir():
        partial = folder.with_suffix(".partial")
        command = ["mvn", "-B", "-q", "-f", str(HERE / "pom.xml"), "-P", release, "dependency:copy-dependencies"]
        done = subprocess.run([*command, f"-DoutputDirectory={partial}"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"Maven could not fetch {release}:\n{done.stdout}{done.stderr}")
        partial.rename(folder)
    return folder


class Flyway:
    """One release; ``run`` takes Flyway's own property names."""

    def __init__(self, release: str) -> None:
        self.release = release
        folder = jars(release)
        self._log = open(CACHE / f"{release}.log", "wb")  # noqa: SIM115
        memory = ["-Xmx256m", "-XX:TieredStopAtLevel=1"]
        self._process = subprocess.Popen(
            ["java", *memory, "-cp", f"{folder}/*", str(HERE / "FlywayRunner.java")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )

    def run(self, command: str, properties: dict[str, str]) -> dict[str, t.Any]:
        """Run ``migrate``, ``validate``, ``info``, ``baseline`` or ``repair`` and return what came of it."""
        assert self._process.stdin and self._process.stdout
        quote = urllib.parse.quote_plus
        pairs = {"command": command, **properties}.items()
        print(" ".join(f"{quote(name)}={quote(value)}" for name, value in pairs), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            sys.stderr.write(Path(self._log.name).read_text(encoding="utf-8"))
            raise RuntimeError(f"{self.release} died")
        return t.cast("dict[str, t.Any]", json.loads(line))

    def stop(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._log.close()
