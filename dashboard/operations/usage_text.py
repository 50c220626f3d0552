"""The text of a usage file, piece by piece: unpacked, in UTF-8, cut at the ends of lines, memory flat."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from dashboard.operations.errors import Refused

PIECE = 1 << 20
# No switch writes more into a record; what is longer is cut, and reported by its line.
LONGEST_LINE = 64 * 1024
GZIP = b"\x1f\x8b"
# Records of calls shrink to a twentieth. What unfolds further was made to fill the disk.
MOST_UNFOLDED = 200
UNFOLDED_FREELY = 64 << 20

Stream = BinaryIO | Iterable[bytes]


@dataclass(frozen=True)
class Piece:
    """Whole lines, each with its newline. `read` counts the bytes of the file as it came. A file that breaks
    off says so in `broken`, after all of it that could be read."""

    data: bytes
    read: int
    broken: str = ""


class BrokenOff(Exception):
    """A compressed file that ends early or is damaged; the text says which, in a clerk's words."""


def pieces(stream: Stream) -> Iterator[bytes]:
    read = getattr(stream, "read", None)
    if read is None:
        yield from stream
        return
    while piece := read(PIECE):
        yield piece


def text_pieces(stream: Stream, encoding: str) -> Iterator[Piece]:
    """The file's lines as UTF-8 with plain newlines; the last line gets its own where it has none."""
    cutter = _Cutter()
    decode = _decoder(encoding)
    read = 0
    broken = ""
    try:
        for raw, so_far in unpacked(pieces(stream)):
            read = so_far
            if lines := cutter.feed(decode(raw)):
                yield Piece(_readable(lines, encoding), read)
    except BrokenOff as fault:
        broken = str(fault)
    # Of a file that breaks off, what there is of the last line would be read as less than it was.
    rest = cutter.feed(decode(b"", final=True)) if broken else cutter.end(decode(b"", final=True))
    if rest or broken:
        yield Piece(_readable(rest, encoding), read, broken)


def unpacked(source: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """The bytes without gzip, each with how much of the file was read for it."""
    start = b""
    for piece in source:
        start += piece
        if len(start) >= len(GZIP):
            break
    read = len(start)
    if not start.startswith(GZIP):
        if start:
            yield start, read
        for piece in source:
            read += len(piece)
            yield piece, read
        return
    gunzip = _Gunzip()
    for out in gunzip.feed(start):
        yield out, read
    for piece in source:
        read += len(piece)
        for out in gunzip.feed(piece):
            yield out, read
    gunzip.end()


class _Gunzip:
    """gzip of one or several parts, unfolded at most one piece at a time."""

    def __init__(self) -> None:
        self.inflate = zlib.decompressobj(31)
        self.eaten = self.given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self.eaten += len(data)
        out = b""
        while data or len(out) == PIECE:
            if self.inflate.eof:
                data = data.lstrip(b"\0")
                if not data:
                    return
                self.inflate = zlib.decompressobj(31)
            try:
                out = self.inflate.decompress(data, PIECE)
            except zlib.error as fault:
                raise BrokenOff(
                    "From here on the compressed file is damaged; the rest is missing."
                ) from fault
            self.given += len(out)
            if self.given > UNFOLDED_FREELY and self.given > self.eaten * MOST_UNFOLDED:
                raise Refused("This compressed file unfolds to far more than usage does. It was not read.")
            if out:
                yield out
            data = self.inflate.unused_data if self.inflate.eof else self.inflate.unconsumed_tail

    def end(self) -> None:
        if not self.inflate.eof:
            raise BrokenOff("Here the compressed file ends early; the rest is missing.")


class _Decode:
    """Bytes as they are: UTF-8 and cp1252 keep newlines and delimiters where they are."""

    def __init__(self) -> None:
        self.start = b""
        self.begun = False

    def __call__(self, data: bytes, final: bool = False) -> bytes:
        if self.begun:
            return data
        self.start += data
        if len(self.start) < len(codecs.BOM_UTF8) and not final:
            return b""
        self.begun = True
        return self.start.removeprefix(codecs.BOM_UTF8)


class _DecodeWide:
    def __init__(self, encoding: str) -> None:
        self.decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self.begun = False

    def __call__(self, data: bytes, final: bool = False) -> bytes:
        text = self.decoder.decode(data, final)
        if text and not self.begun:
            self.begun = True
            text = text.removeprefix("\ufeff")
        return text.encode()


def _decoder(encoding: str) -> _Decode | _DecodeWide:
    return _DecodeWide(encoding) if encoding.startswith("utf-16") else _Decode()


class _Cutter:
    """Cuts at newlines of any kind. Of a line that is far too long only the beginning is kept."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> bytes:
        data = self.pending + data
        self.pending = b""
        if data.endswith(b"\r"):
            # Its newline may follow in the next piece.
            data, self.pending = data[:-1], b"\r"
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n") + 1
        # More than one byte too long, so that it is still seen to be too long.
        rest = data[end : end + LONGEST_LINE + 1]
        self.pending = rest + self.pending
        return data[:end]

    def end(self, data: bytes) -> bytes:
        lines = self.feed(data)
        rest = self.pending.removesuffix(b"\r")
        self.pending = b""
        return lines + rest + b"\n" if rest else lines


def _readable(data: bytes, encoding: str) -> bytes:
    """UTF-8 in any case. A line that is none is taken for Windows' own, as files put together have it."""
    if data.isascii() or encoding.startswith("utf-16"):
        return data
    if encoding == "cp1252":
        return data.decode("cp1252", "replace").encode()
    try:
        data.decode()
    except UnicodeDecodeError:
        return b"\n".join(_readable_line(line) for line in data.split(b"\n"))
    return data


def _readable_line(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").encode()
    return line
