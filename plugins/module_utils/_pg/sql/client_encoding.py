"""What a server takes bytes for under a ``client_encoding``, and whether that is what the file means.


psql sends the bytes of a file as they are, and the server reads them as ``client_encoding`` says. A text that was
decoded before has to become the same bytes again; where the server would read other characters than the ones that were
decoded, the script and the encoding it was read with contradict each other.
"""

from __future__ import annotations

import codecs

UTF8 = "UTF8"
SQL_ASCII = "SQL_ASCII"

#: PostgreSQL's name to Python's: the first one decodes as the server does, the others are names for the same.
_CODECS: dict[str, tuple[str, ...]] = {
    UTF8: ("utf-8",),
    "BIG5": ("big5", "cp950"),
    "EUC_CN": ("gb2312",),
    "EUC_JIS_2004": ("euc_jis_2004",),
    "EUC_JP": ("euc_jp",),
    "EUC_KR": ("euc_kr",),
    "GB18030": ("gb18030",),
    "GBK": ("gbk",),
    "ISO_8859_5": ("iso8859-5",),
    "ISO_8859_6": ("iso8859-6",),
    "ISO_8859_7": ("iso8859-7",),
    "ISO_8859_8": ("iso8859-8",),
    "JOHAB": ("johab",),
    "KOI8R": ("koi8-r",),
    "KOI8U": ("koi8-u",),
    **{
        f"LATIN{number}": (f"iso8859-{part}",)
        for number, part in enumerate((1, 2, 3, 4, 9, 10, 13, 14, 15, 16), start=1)
    },
    "SHIFT_JIS_2004": ("shift_jis_2004",),
    "SJIS": ("cp932", "shift_jis"),
    "UHC": ("cp949",),
    "WIN866": ("cp866",),
    "WIN874": ("cp874",),
    **{f"WIN{number}": (f"cp{number}",) for number in range(1250, 1259)},
}
#: Further names of the server, without the characters that it passes over.
_ALIASES = {
    "unicode": UTF8, "abc": "WIN1258", "tcvn": "WIN1258", "tcvn5712": "WIN1258", "vscii": "WIN1258", "alt": "WIN866",
    "win": "WIN1251", "win936": "GBK", "win949": "UHC", "win950": "BIG5", "win932": "SJIS", "mskanji": "SJIS",
    "shiftjis": "SJIS", "koi8": "KOI8R",
    **{f"windows{name.removeprefix('WIN')}": name for name in _CODECS if name.startswith("WIN")},
    "windows932": "SJIS", "windows936": "GBK", "windows949": "UHC", "windows950": "BIG5",
    **{
        f"iso8859{names[0].removeprefix('iso8859-')}": name
        for name, names in _CODECS.items()
        if name.startswith("LATIN")
    },
}  # fmt: skip


class MismatchError(Exception):
    """The server would read other characters than those of the text.

    :ivar position: 0-based offset of the first character in question.
    """

    def __init__(self, position: int) -> None:
        self.position = position
        super().__init__(position)


def canonical(name: str) -> str:
    """PostgreSQL's own name for an encoding, which it takes in any case and with any punctuation; else the name."""
    plain = "".join(c for c in name.lower() if c.isalnum() and c.isascii())
    if plain in _ALIASES:
        return _ALIASES[plain]
    known = (*_CODECS, SQL_ASCII)
    return next((found for found in known if found.lower().replace("_", "") == plain), name.upper())


def codec(name: str) -> str | None:
    """Python's name for one of PostgreSQL's encodings; ``None`` when Python does not know it."""
    return _CODECS[name][0] if name in _CODECS else None


def can_store(text: str, server_encoding: str) -> bool:
    """Whether a database of this encoding has every character of ``text``; True for encodings that are not known."""
    name = codec(server_encoding)
    if text.isascii() or name is None:
        return True
    try:
        text.encode(name)
    except UnicodeEncodeError:
        return False
    return True


def to_bytes(text: str, file_encoding: str, client_encoding: str, server_encoding: str) -> bytes:
    """Return what is to be sent so that the server reads ``text``: the bytes that the file has.

    :param file_encoding: Python's name of the encoding that the text was decoded with.
    :raises MismatchError: the file's bytes mean something else under ``client_encoding``.
    """
    if text.isascii():
        return text.encode("ascii")
    file_encoding = "utf-8" if file_encoding == "utf-8-sig" else codecs.lookup(file_encoding).name
    effective = server_encoding if client_encoding == SQL_ASCII else client_encoding
    if effective == SQL_ASCII:
        return _encoded(text, file_encoding)
    names = _CODECS.get(effective)
    if names is None:
        raise MismatchError(_first_beyond_ascii(text))
    try:
        raw = text.encode(file_encoding)
    except UnicodeEncodeError:
        # A placeholder's value may have characters that the file itself cannot have.
        return _encoded(text, names[0])
    if file_encoding in names:
        return raw
    try:
        if raw.decode(names[0]) == text:
            return raw
    except UnicodeDecodeError:
        pass
    raise MismatchError(_first_beyond_ascii(text))


def _encoded(text: str, name: str) -> bytes:
    try:
        return text.encode(name)
    except UnicodeEncodeError as error:
        raise MismatchError(error.start) from None


def _first_beyond_ascii(text: str) -> int:
    return next(index for index, character in enumerate(text) if not character.isascii())
