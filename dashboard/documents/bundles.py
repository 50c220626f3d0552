"""Many PDFs as one file to download, written to a folder so that memory holds a few of them at a time."""

from __future__ import annotations

import io
import time
import zipfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pikepdf


class Bundle(ABC):
    suffix: ClassVar[str]
    media_type: ClassVar[str]
    # The most files that one bundle takes; None where there is no limit.
    most: ClassVar[int | None] = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    @abstractmethod
    def add(self, name: str, content: bytes) -> None: ...

    @abstractmethod
    def flush(self) -> None:
        """Called after every chunk: what was added goes to the folder."""

    @abstractmethod
    def close(self) -> Path:
        """The finished file."""


class ZipBundle(Bundle):
    """One file each. Stored as they are: PDFs are compressed already."""

    suffix = ".zip"
    media_type = "application/zip"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.path = folder / "bundle.zip"
        self._zip = zipfile.ZipFile(self.path, "w", zipfile.ZIP_STORED)
        self._names: set[str] = set()
        self._now = time.localtime()[:6]

    def add(self, name: str, content: bytes) -> None:
        info = zipfile.ZipInfo(self._unused(name), self._now)
        info.external_attr = 0o644 << 16
        self._zip.writestr(info, content)
        self.count += 1

    def flush(self) -> None:
        """Each file is written as it comes."""

    def close(self) -> Path:
        self._zip.close()
        return self.path

    def _unused(self, name: str) -> str:
        """Two numbers can come down to one file name, also where case makes no difference."""
        stem, dot, ending = name.rpartition(".")
        number = 1
        while name.lower() in self._names:
            number += 1
            name = f"{stem}-{number}{dot}{ending}"
        self._names.add(name.lower())
        return name


class MergedBundle(Bundle):
    """One PDF with a bookmark for each file. Chunks are merged by themselves, then put together.

    Putting together takes about 140 kB of memory a file, which is why there is a limit.
    """

    suffix = ".pdf"
    media_type = "application/pdf"
    most = 3000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._waiting: list[bytes] = []
        self._parts: list[Path] = []
        self._marks: list[tuple[str, int]] = []
        self._pages = 0

    def add(self, name: str, content: bytes) -> None:
        self._waiting.append(content)
        with pikepdf.open(io.BytesIO(content)) as pdf:
            self._marks.append((name.removesuffix(".pdf"), self._pages))
            self._pages += len(pdf.pages)
        self.count += 1

    def flush(self) -> None:
        if not self._waiting:
            return
        path = self.folder / f"part-{len(self._parts)}.pdf"
        with ExitStack() as opened, pikepdf.new() as merged:
            for content in self._waiting:
                merged.pages.extend(opened.enter_context(pikepdf.open(io.BytesIO(content))).pages)
            merged.save(path)
        self._parts.append(path)
        self._waiting = []

    def close(self) -> Path:
        self.flush()
        path = self.folder / "bundle.pdf"
        with ExitStack() as opened, pikepdf.new() as merged:
            for part in self._parts:
                merged.pages.extend(opened.enter_context(pikepdf.open(part)).pages)
            with merged.open_outline() as outline:
                outline.root.extend(pikepdf.OutlineItem(name, page) for name, page in self._marks)
            merged.docinfo["/Title"] = "Invoices"
            merged.save(path)
        return path


BUNDLES: dict[str, type[Bundle]] = {"zip": ZipBundle, "merged": MergedBundle}
