"""The bytes of a text file: unpacked, checked to their end, and readable as UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

from contracts.errors import DataError, DeclarationError, nearest

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
HEAD_BYTES = 1 << 16
_CHUNK = 1 << 20
_PACKED_ENDINGS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_WINDOWS_ONLY = bytes(range(0x80, 0xA0))
KNOWN = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "cp1250", "cp1251", "iso8859-2",
    "iso8859-15", "koi8-r", "mac-roman", "shift_jis", "cp932", "euc-jp", "gb18030", "big5", "euc-kr",
)  # fmt: skip
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text file as UTF-8: where it is, how it is packed, what it was, how its lines end, and how it begins."""

    path: Path
    packing: str
    encoding: str
    line_feeds: int
    lone_returns: int
    sample: str
    whole: bool

    def open(self) -> IO[bytes]:
        """Open the unpacked bytes."""
        return open_unpacked(self.path, self.packing)


@dataclass(frozen=True, kw_only=True)
class _Survey:
    utf8: bool
    line_feeds: int
    lone_returns: int
    size: int


def open_unpacked(path: Path, packing: str) -> IO[bytes]:
    """Open a file that is packed so: none, gzip or zstd."""
    if packing == "gzip":
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile reads like any file
    if packing == "zstd":
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    return path.open("rb")


def packing_of(path: Path) -> str:
    """Return how a file is packed by its first bytes; raise DataError if its ending says otherwise."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read ({error.strerror or error}). Check its rights."
        ) from None
    if not start:
        raise DataError(f"{path}: the file is empty. Export it again.")
    found = "gzip" if start.startswith(GZIP) else "zstd" if start == ZSTD else "none"
    said = _PACKED_ENDINGS.get(path.suffix.casefold())
    if found == "none" and said is not None:
        raise DataError(f"{path}: this is not a {said} file, whatever its ending says. Export it again.")
    return found


def head_of(path: Path, packing: str) -> bytes:
    """Return the first unpacked bytes; raise DataError if there are none or they are damaged."""
    try:
        with open_unpacked(path, packing) as file:
            return file.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, packing, error) from None


def read_text(path: Path, *, packing: str, declared: str | None, folder: Path) -> Text:
    """Return a file as UTF-8, through a copy in `folder` where it is written otherwise.

    declared: the encoding that the user names, None to recognise it. Raises DataError if the file is cut off,
    damaged or not in its encoding, DeclarationError if the encoding is unknown.
    """
    survey = _survey(path, packing)
    if not survey.size:
        raise DataError(f"{path}: the file is empty. Export it again.")
    head = head_of(path, packing)
    encoding = _known(declared) if declared else _recognised(head, survey)
    if encoding == "utf-16" and not _marked(head):
        encoding = _wide(head) or "utf-16-le"
    if encoding == "utf-8" and survey.utf8:
        return _text(path, packing, encoding, survey)
    copy = folder / "utf-8.txt"
    if encoding == "":
        encoding = _copy_western(path, packing, copy)
    else:
        _copy(path, packing, encoding, copy)
    return _text(copy, "none", encoding, _survey(copy, "none"))


def decoded_head(head: bytes) -> str:
    """Return the beginning of a text file as text, as well as it can be told."""
    encoding = _marked(head) or _wide(head) or "utf-8"
    try:
        return codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", errors="replace")


def _text(path: Path, packing: str, encoding: str, survey: _Survey) -> Text:
    return Text(
        path=path,
        packing=packing,
        encoding=encoding,
        line_feeds=survey.line_feeds,
        lone_returns=survey.lone_returns,
        sample=codecs.getincrementaldecoder("utf-8-sig")().decode(head_of(path, packing)),
        whole=survey.size <= HEAD_BYTES,
    )


def _chunks(path: Path, packing: str) -> Iterator[bytes]:
    """Yield the unpacked bytes to the end, so that a cut-off or damaged file is found out."""
    try:
        with open_unpacked(path, packing) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, packing, error) from None


def _damaged(path: Path, packing: str, error: Exception) -> DataError:
    if packing != "none":
        return DataError(f"{path}: the {packing} file is cut off or damaged. Copy or export it again.")
    return DataError(f"{path}: the file cannot be read ({error}). Check its rights.")


def _survey(path: Path, packing: str) -> _Survey:
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, feeds, returns, pairs, size, last = True, 0, 0, 0, 0, b""
    for chunk in _chunks(path, packing):
        size += len(chunk)
        feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
        utf8 = utf8 and _decodes(decoder, chunk)
        last = chunk[-1:]
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    return _Survey(utf8=utf8, line_feeds=feeds, lone_returns=returns - pairs, size=size)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _known(declared: str) -> str:
    """Return the codec's own name; raise DeclarationError if there is no such text encoding."""
    try:
        b"text".decode(declared, "replace")  # not every codec is one of text
        name = codecs.lookup(declared).name
    except (LookupError, ValueError):
        raise DeclarationError(
            f"The encoding '{declared}' is not known{nearest(declared, KNOWN) or '.'} "
            f"Known are {', '.join(KNOWN)} and other names of Python's codecs."
        ) from None
    return "utf-8" if name == "utf-8-sig" else name


def _recognised(head: bytes, survey: _Survey) -> str:
    """Return the encoding that the bytes show, '' for a Western one-byte encoding."""
    return _marked(head) or _wide(head) or ("utf-8" if survey.utf8 else "")


def _marked(head: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)


def _wide(head: bytes) -> str | None:
    """Return UTF-16 without a mark where every other byte of the beginning is zero."""
    half = len(head) // 2
    if half < 4:
        return None
    first, second = head[0 : 2 * half : 2].count(0) / half, head[1 : 2 * half : 2].count(0) / half
    if second > 0.4 and first < 0.05:
        return "utf-16-le"
    return "utf-16-be" if first > 0.4 and second < 0.05 else None


def _copy(path: Path, packing: str, encoding: str, copy: Path) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with copy.open("wb") as file:
        try:
            for chunk in _chunks(path, packing):
                text = decoder.decode(chunk)
                lines += text.count("\n")
                file.write(text.encode("utf-8", "replace"))
            file.write(decoder.decode(b"", True).encode("utf-8", "replace"))
        except UnicodeError as error:
            if isinstance(error, UnicodeDecodeError):
                lines += error.object[: error.start].count(b"\n")
            raise DataError(
                f"{path}, line {lines}: the text is not {encoding} there. Save it as UTF-8, or name its "
                "encoding in the mapping (encoding = …)."
            ) from None


def _copy_western(path: Path, packing: str, copy: Path) -> str:
    """Copy a Windows-1252 file (Latin-1 with €, as Excel writes it); return which of the two it is."""
    encoding = "latin-1"
    with copy.open("wb") as file:
        for chunk in _chunks(path, packing):
            if len(chunk.translate(None, _WINDOWS_ONLY)) < len(chunk):
                encoding = "windows-1252"
            try:
                file.write(chunk.decode("cp1252").encode())
            except UnicodeDecodeError:
                raise DataError(
                    f"{path}: the text is neither UTF-8 nor Windows-1252. Save it as UTF-8, or name its "
                    'encoding in the mapping, for example encoding = "shift_jis".'
                ) from None
    return encoding
