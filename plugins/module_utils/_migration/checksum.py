"""Flyway's checksum: CRC32 over the UTF-8 bytes of a script's lines, without their ends (its ``ChecksumCalculator``).
"""

from __future__ import annotations

import codecs
import typing as t
import zlib

from .._core.errors import GroundworkError

_CHUNK = 1 << 20
_BOM = "\ufeff"


def checksum_of_file(stream: t.BinaryIO, encoding: str, where: str) -> int:
    """Return the checksum of a script as it stands in its file; memory use does not grow with the file.

    Only CR and LF end lines in Java's ``BufferedReader``, so leaving these two characters out is the same as joining
    lines.

    :raises GroundworkError: bytes that are not valid in ``encoding`` (Flyway decodes strictly as well).
    """
    utf8 = codecs.lookup(encoding).name == "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    value, first = 0, True
    while True:
        # A byte order mark must come whole: it is taken off the raw bytes.
        chunk = stream.read(max(_CHUNK, 4) if first else _CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise GroundworkError(
                f"The script is not valid {encoding}: {error.reason}.",
                where=where,
                untouched="the database",
                hint="Save the file in that encoding, or name its own: option encoding, or encoding= in its "
                ".conf file.",
            ) from None
        if first and text:
            first = False
            if text.startswith(_BOM):
                text, chunk = text[1:], chunk.removeprefix(codecs.BOM_UTF8)
        value = zlib.crc32(_joined_bytes(chunk if utf8 else text), value)
        if not chunk:
            return signed(value)


def checksum_of_lines(lines: t.Iterable[str]) -> int:
    """Return the checksum of text that is already decoded and without a byte order mark."""
    value = 0
    for line in lines:
        value = zlib.crc32(_joined_bytes(line), value)
    return signed(value)


def signed(value: int) -> int:
    """Return an unsigned 32-bit number as the signed one that the history table stores."""
    return value - (1 << 32) if value >> 31 else value


def _joined_bytes(text: str | bytes) -> bytes:
    raw = text if isinstance(text, bytes) else text.encode("utf-8")
    return raw.translate(None, b"\r\n")
