"""Nothing of an own template gets out: it is refused when written, closed when printed, and the renderer's
own doors are shut as well."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from dashboard.documents.invoice_context import printed
from dashboard.documents.invoice_template import check_source, closed, page_html, stock_source
from dashboard.documents.pdf_renderer import PdfFailed, render
from dashboard.documents.sandbox import TemplateFault
from tests.documents.papers import buyer, invoice, item, seller
from tests.support import pdf

REFUSED = [
    "<script>1</script>",
    "<SCRIPT src=x>",
    "<iframe src=x></iframe>",
    "<object data=x>",
    "<embed src=x>",
    '<link rel="stylesheet" href="x">',
    '<meta name="pdfkit-page-size" content="A5">',
    '<meta http-equiv="refresh" content="0">',
    '<base href="x">',
    "<video src=x>",
    "<form action=x>",
    '<img src="https://example.com/logo.png">',
    "<img src=//example.com/logo.png>",
    "<style>body { background: url(http://example.com/x) }</style>",
    '<style>@import "x.css";</style>',
    '<img src="file:///etc/passwd">',
]


@pytest.mark.parametrize("source", REFUSED)
def test_what_reaches_outside_is_refused_with_its_line(source):
    with pytest.raises(TemplateFault) as caught:
        check_source(f"<p>one</p>\n<p>two</p>\n{source}")
    assert caught.value.line == 3
    assert "can't be used" in caught.value.reason


@pytest.mark.parametrize(
    "source",
    [
        '<meta charset="utf-8"><p>Form, link, base: words alone</p>',
        '<img src="{{ account.logo }}">',
        '<a href="#top">up</a> <b>http://www.example.com</b>',
        '<img src="data:image/png;base64,AAAA">',
    ],
)
def test_what_stays_inside_is_not(source):
    check_source(source)


class Ear:
    """Anything that connects is noted, whatever it speaks."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.heard.append(connection.recv(100))
                except OSError:
                    self.heard.append(b"")

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


@pytest.fixture
def ear() -> Iterator[Ear]:
    listening = Ear()
    yield listening
    listening.close()


def reaching_out(url: str, secret: str) -> str:
    port = url.rpartition(":")[2]
    return f"""<!DOCTYPE html><html><head>
<meta name="pdfkit-proxy" content="None"><meta name="pdfkit-enable-local-file-access" content="">
<meta http-equiv="refresh" content="0;url={url}/refresh"><base href="{url}/">
<link rel=stylesheet href="{url}/css">
<link rel="dns-prefetch" href="{url}"><style>@import url({url}/imp);
@font-face {{ font-family: x; src: url({url}/font) }}
body {{ background: url({url}/bg); font-family: x }}</style><script src="{url}/src"></script>
<script>new Image().src = "{url}/js"; document.write("RAN")</script></head>
<body onload="document.write('RAN')">visible<img src="{url}/img">
<img src="ftp://127.0.0.1:{port}/ftp">
<img srcset="{url}/set 1x"><iframe src="{url}/frame"></iframe><iframe src="file://{secret}"></iframe>
<object data="file://{secret}"></object><embed src="{url}/emb">
<video src="{url}/vid" poster="{url}/post"></video>
<input type=image src="{url}/inp"><table background="{url}/tbl"><tr><td>x</td></tr></table>
<svg><image xlink:href="{url}/svg" width="10" height="10"/></svg>
<img src="x" onerror="this.src='{url}/err'"></body></html>"""


def test_a_page_is_closed():
    made = closed(
        "<html><head><title>x</title></head><body><SCRIPT>1</SCRIPT><iframe/src=a><META name=b></body>"
    )
    assert "<SCRIPT" not in made
    assert "<x-SCRIPT>1</x-SCRIPT><x-iframe/src=a><x-META name=b>" in made
    assert made.index("Content-Security-Policy") < made.index("<title>")
    assert "Content-Security-Policy" in closed("<p>no head</p>")


def test_an_address_in_a_text_of_the_invoice_does_not_stop_the_page(ear):
    """The renderer alone would give up where a picture can't be had."""
    page = f'<html><head></head><body>visible<img src="http://127.0.0.1:{ear.port}/x"></body></html>'
    assert "visible" in pdf.said(render(closed(page)))
    assert ear.heard == []


def test_a_page_that_reaches_out_is_printed_and_reaches_nothing(ear, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("WHISPERED")
    made = render(closed(reaching_out(f"http://127.0.0.1:{ear.port}", str(secret))))
    said = pdf.said(made)
    assert "visible" in said
    assert "WHISPERED" not in said
    assert "RANvisible" not in said
    time.sleep(0.3)
    assert ear.heard == []


def test_the_renderer_alone_reaches_nothing_either(ear, tmp_path):
    """Were a way found around what closes the page, the renderer's own doors are shut."""
    secret = tmp_path / "secret.txt"
    secret.write_text("WHISPERED")
    try:
        said = pdf.said(render(reaching_out(f"http://127.0.0.1:{ear.port}", str(secret))))
    except PdfFailed:
        said = ""
    assert "WHISPERED" not in said
    time.sleep(0.3)
    assert ear.heard == []


def test_markup_in_an_invoice_is_printed_as_text():
    paper = invoice(
        item("<script>alert(1)</script> {{ totals.total }}"), customer=buyer(name="<b>Bold & Sons</b>")
    )
    made = page_html(stock_source("standard"), paper, seller(), printed(paper, seller()))
    assert "<script>" not in made
    assert "&lt;b&gt;Bold &amp; Sons&lt;/b&gt;" in made
    assert "{{totals.total}}" in pdf.said(render(made))
