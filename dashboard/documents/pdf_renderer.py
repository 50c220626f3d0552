"""HTML to PDF: pdfkit, with the time limit, the closed doors and the checks that it does not have."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

import pdfkit
import pikepdf

# Seconds. Several hundred pages take five.
TIME_LIMIT = 60
_OPTIONS = {
    "page-size": "A4",
    "margin-top": "0",
    "margin-right": "0",
    "margin-bottom": "0",
    "margin-left": "0",
    "encoding": "UTF-8",
    "disable-local-file-access": "",
    "disable-javascript": "",
    "javascript-delay": "0",
    # Whatever a page might ask for goes to a port where nobody listens.
    "proxy": "http://127.0.0.1:9",
    "quiet": "",
}


class PdfError(Exception):
    """No PDF; the text is fit for a clerk to read."""


class PdfUnavailable(PdfError):
    """The renderer is not installed here."""

    def __init__(self) -> None:
        super().__init__(
            "PDFs can't be made because wkhtmltopdf is not installed on this server."
            " The invoice is unchanged. Ask your administrator to install it."
        )


class PdfFailed(PdfError):
    """The renderer ran and gave nothing that can be used. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("The PDF could not be made. The invoice is unchanged. Please try again in a moment.")


class _Kit(pdfkit.PDFKit):  # type: ignore[misc]
    """pdfkit waits for ever; this one ends the renderer when its time is up."""

    patience = TIME_LIMIT

    def to_pdf(self, path: str | None = None) -> bytes:
        done = subprocess.run(
            self.command(path),
            input=self.source.to_s().encode(),
            env=self.environ,
            capture_output=True,
            timeout=self.patience,
            check=False,
        )
        self.handle_error(done.returncode, done.stderr.decode(errors="replace"))
        return bytes(done.stdout)


def render(html: str, patience: int | None = None, *, landscape: bool = False) -> bytes:
    """The PDF of a page, within so many seconds. Raises PdfUnavailable or PdfFailed; never gives anything but
    a whole PDF."""
    binary = shutil.which("wkhtmltopdf")
    if binary is None:
        raise PdfUnavailable
    # A random prefix: otherwise <meta name="pdfkit-..."> in a page would set the renderer's options.
    configuration = pdfkit.configuration(
        wkhtmltopdf=binary, meta_tag_prefix=f"{secrets.token_hex(16)}-", environ=_environment()
    )
    try:
        options = {**_OPTIONS, "orientation": "Landscape" if landscape else "Portrait"}
        kit = _Kit(html, "string", options=options, configuration=configuration)
        kit.patience = patience or TIME_LIMIT
        made: bytes = kit.to_pdf()
    except subprocess.TimeoutExpired as error:
        raise PdfFailed(f"wkhtmltopdf did not end within {patience or TIME_LIMIT} s") from error
    except OSError as error:
        raise PdfFailed(str(error)[:1000]) from error
    if not made.startswith(b"%PDF-") or b"%%EOF" not in made[-1024:]:
        raise PdfFailed(f"wkhtmltopdf gave {len(made)} bytes that are not a PDF")
    return made


def split(made: bytes, pages: Sequence[int], titles: Sequence[str]) -> list[bytes]:
    """A PDF cut into runs of so many pages, each a whole PDF with its own title."""
    files: list[bytes] = []
    with pikepdf.open(io.BytesIO(made)) as whole:
        if len(whole.pages) != sum(pages):
            raise PdfFailed(f"{len(whole.pages)} pages where {sum(pages)} were laid out")
        start = 0
        for count, title in zip(pages, titles, strict=True):
            with pikepdf.new() as part:
                part.pages.extend(whole.pages[start : start + count])
                part.docinfo["/Title"] = title
                out = io.BytesIO()
                part.save(out)
            files.append(out.getvalue())
            start += count
    return files


def _environment() -> dict[str, str]:
    """What the renderer needs to know, and none of our secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "FONTCONFIG_PATH") if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_RUNTIME_DIR": tempfile.gettempdir(),
    }
