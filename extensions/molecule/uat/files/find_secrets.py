"""Searches everything that an account of the host, or a person at the controller, may read for the words of the vault.

``find_secrets.py VAULT OUTPUT CONTAINER...``: prints each place in which a password, or a part of it, stands, and exits
with 1. Each password begins and ends with a word of letters and digits. Escapes of Python, JSON, SQL, shells and URLs
leave such a word as it is; Base64 of a text that it is part of is looked for in its three alignments.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path

# What each host has: the journal with all its fields, what a syslog daemon and the servers wrote, all processes since
# before the first run, and what was left behind in folders for temporary files.
PLACES = {
    "journal": "journalctl --all --output=export --no-pager",
    "logs": "find /var/log -type f ! -path '*/journal/*' -exec cat {} +",
    "processes": "cat /run/processes; ps -eo args",
    "units": "systemctl show '*' --property=Environment,ExecStart",
    "temporary folders": "find /tmp /var/tmp /root/.ansible /dev/shm -type f -exec cat {} + 2>/dev/null || true",
    "statements": "cd /; if runuser -u postgres -- psql -c 'SELECT 1' >/dev/null 2>&1; then"
    " runuser -u postgres -- psql -Atc 'SELECT query FROM pg_stat_statements' -c 'SELECT query FROM pg_stat_activity';"
    " fi",
}


def words_of(vault: str) -> list[str]:
    return sorted(set(re.findall(r"Leak\d+(?:begin|end)", vault)))


def forms(word: str) -> list[bytes]:
    """The word, and the part of its Base64 that does not depend on what is next to it, in each alignment."""
    raw = word.encode()
    encoded = []
    for shift in range(3):
        text = base64.b64encode(b"." * shift + raw)
        encoded.append(text[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6])
    return [raw, *encoded]


def content_of(container: str, command: str) -> bytes:
    call = ["docker", "exec", container, "sh", "-c", command]
    done = subprocess.run(call, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{container}: {command}: {done.stderr.decode()}")
    return done.stdout


def main() -> int:
    vault, output, *containers = sys.argv[1:]
    words = words_of(Path(vault).read_text())
    if not words:
        raise SystemExit(f"{vault} has no words to look for")
    places = {f"output {output}": Path(output).read_bytes()}
    for container in containers:
        places |= {f"{name} of {container}": content_of(container, command) for name, command in PLACES.items()}
    never_empty = ("output", "journal", "processes", "units")
    empty = [name for name, content in places.items() if not content and name.startswith(never_empty)]
    found = [
        f"{name}: {word}"
        for name, content in places.items()
        for word in words
        if any(form in content for form in forms(word))
    ]
    for name in empty:
        print(f"nothing to search in {name}")
    for line in found:
        print(line)
    print(f"searched {sum(map(len, places.values()))} bytes in {len(places)} places for {len(words)} words")
    return 1 if found or empty else 0


if __name__ == "__main__":
    sys.exit(main())
