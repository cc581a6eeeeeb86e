"""The texts that stand in a text in another form: base64, gzip, hex, percent-encoding."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from urllib.parse import unquote

_DEPTH = 3
_DECODED_LIMIT = 1 << 20
_GZIP = b"\x1f\x8b"

# Shorter than that nothing has both a name and a password in it. What is not text does not count,
# and most words are none when they are decoded.
_SHORTEST = 12
_WORD = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
_WORD_FOR_URLS = re.compile(r"[A-Za-z0-9]*[-_][A-Za-z0-9_-]{11,}={0,2}")
_LINES = re.compile(r"(?:[A-Za-z0-9+/]{4}(?:\r?\n[ \t]{0,64})?){10,}(?:[A-Za-z0-9+/]{2,3}={1,2})?")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{2}){12,}(?![0-9A-Za-z])", re.IGNORECASE)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")


def decoded(text: str) -> Iterator[str]:
    """The texts that stand in a text in base64 or hex, out of gzip too."""
    if len(text) < _SHORTEST:
        return
    words = dict.fromkeys(match[0] for match in _WORD.finditer(text))
    if "-" in text or "_" in text:
        words |= dict.fromkeys(match[0] for match in _WORD_FOR_URLS.finditer(text))
    if "\n" in text:
        words |= dict.fromkeys(match[0] for match in _LINES.finditer(text) if "\n" in match[0])
    for word in words:
        inside = _out_of_base64(word)
        if inside is not None:
            yield inside
    for match in _HEX.finditer(text):
        inside = _as_text(bytes.fromhex(match[0]))
        if inside is not None:
            yield inside


def unescaped(text: str) -> str | None:
    """A text out of percent-encoding; None when there is none in it."""
    return unquote(text) if _PERCENT.search(text) else None


def layers(text: str) -> list[str]:
    """A text, and all that stands in it encoded, as deep as a password is searched."""
    found, last = [text], [text]
    for _ in range(_DEPTH):
        last = [inside for outer in last for inside in decoded(outer)]
        found += last
    return found


def plain(text: str) -> str:
    """A text that is base64 as a whole, out of it and of gzip; any other as it is."""
    whole = re.fullmatch(r"[A-Za-z0-9+/\s]+={0,2}\s*", text)
    inside = _out_of_base64(text) if whole else None
    return text if inside is None else inside


def _out_of_base64(text: str) -> str | None:
    word = re.sub(r"\s", "", text).rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        data = base64.b64decode(word + "=" * (-len(word) % 4))
        return _as_text(_unzipped(data) if data.startswith(_GZIP) else data)
    except (binascii.Error, zlib.error):
        return None


def _unzipped(data: bytes) -> bytes:
    """All members of a gzip file, as gunzip does it. The limit keeps a bomb small."""
    found = b""
    while data.startswith(_GZIP) and len(found) < _DECODED_LIMIT:
        member = zlib.decompressobj(31)  # 31: a gzip header and the largest window
        found += member.decompress(data, _DECODED_LIMIT - len(found))
        data = member.unused_data
    return found


def _as_text(data: bytes) -> str | None:
    """The text that bytes are in UTF-8, UTF-16 as PowerShell takes it, or Latin-1."""
    encodings = ("utf-16-le",) if data[1:2] == b"\0" else ("utf-8", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _printable(text):
            return text
    return None


def _printable(text: str) -> bool:
    return text.isprintable() or re.sub(r"[\r\n\t]", "", text).isprintable()
