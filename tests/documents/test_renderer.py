"""The renderer at its worst: absent, failing, hanging, talking nonsense. Never a broken file."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dashboard.documents import pdf_renderer
from dashboard.documents.pdf_renderer import PdfFailed, PdfUnavailable, render, split
from tests.documents.papers import invoice, item, pdf
from tests.support.pdf import text, title

PAGE = "<html><body>page</body></html>"


@pytest.fixture
def renderer(tmp_path, monkeypatch):
    """A program of that name which does what the test wants."""

    def put(script: str) -> Path:
        program = tmp_path / "wkhtmltopdf"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return program

    return put


def test_without_the_renderer_the_message_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PdfUnavailable, match=r"not installed on this server.*unchanged.*administrator"):
        render(PAGE)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("cat >/dev/null; echo 'Error: broken' >&2; exit 1", "broken"),
        ("exit 3", "code 3"),
        ("cat >/dev/null; echo not a pdf", "not a PDF"),
        ("cat >/dev/null; printf '%%PDF-1.4 cut off'", "not a PDF"),
        ("cat >/dev/null", "0 bytes"),
        ("kill -9 $$", "code -9"),
    ],
)
def test_a_renderer_that_fails_gives_no_file(renderer, script, reason):
    renderer(script)
    with pytest.raises(PdfFailed, match=r"could not be made.*unchanged") as failed:
        render(PAGE)
    assert reason in failed.value.reason


def test_a_renderer_that_hangs_is_ended(renderer, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf_renderer, "TIME_LIMIT", 1)
    renderer(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    began = time.monotonic()
    with pytest.raises(PdfFailed) as failed:
        render(PAGE)
    assert time.monotonic() - began < 5
    assert "did not end" in failed.value.reason
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_the_renderer_does_not_learn_our_secrets(renderer, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not for everybody")
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@host/db")
    renderer(f"env > {tmp_path}/seen; exit 1")
    with pytest.raises(PdfFailed):
        render(PAGE)
    seen = (tmp_path / "seen").read_text()
    assert "not for everybody" not in seen
    assert "password" not in seen


def test_a_pdf_is_split_by_its_pages():
    turn = "<div style='page-break-after:always'></div>"
    pages = turn.join(f"<div>sheet {number}</div>" for number in range(1, 6))
    files = split(render(f"<html><body>{pages}</body></html>"), [2, 1, 2], ["One", "Two", "Three"])
    assert [text(file).split() for file in files] == [
        ["sheet", "1", "sheet", "2"],
        ["sheet", "3"],
        ["sheet", "4", "sheet", "5"],
    ]
    assert [title(file) for file in files] == ["One", "Two", "Three"]


def test_a_pdf_with_other_pages_than_laid_out_is_refused():
    with pytest.raises(PdfFailed) as failed:
        split(pdf(invoice(item())), [2], ["One"])
    assert "1 pages where 2" in failed.value.reason
