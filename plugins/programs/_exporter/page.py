"""Samples in the text format of Prometheus."""

from __future__ import annotations

import typing as t


class Page:
    """What one scrape answers, each metric's samples together."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, name: str, kind: str, value: t.Any, /, **labels: t.Any) -> None:
        """One sample; ``None`` is one that the server does not have. A label may have any name, ``self`` too."""
        if value is None:
            return
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines = self._lines.setdefault(name, [f"# TYPE {name} {kind}"])
        lines.append(f"{name}{'{' + shown + '}' if shown else ''} {float(value):.17g}")

    def gauge(self, name: str, value: t.Any, /, **labels: t.Any) -> None:
        self.add(name, "gauge", value, **labels)

    def counter(self, name: str, value: t.Any, /, **labels: t.Any) -> None:
        self.add(name, "counter", value, **labels)

    def text(self) -> str:
        return "".join(line + "\n" for lines in self._lines.values() for line in lines)


def _escaped(text: t.Any) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
