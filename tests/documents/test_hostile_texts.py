"""Script and markup in every text field are printed as text, and nothing is fetched."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pikepdf
import pytest

from dashboard.documents import pdf_renderer
from dashboard.documents.pdf_renderer import PdfFailed
from tests.documents.papers import buyer, html, invoice, item, pdf, seller
from tests.support.pdf import said


class Listener:
    def __init__(self) -> None:
        self.asked: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.asked.append(self.path)
                self.send_error(404)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    thread = threading.Thread(target=listening.server.serve_forever, daemon=True)
    thread.start()
    yield listening
    listening.server.shutdown()
    listening.server.server_close()
    thread.join()


def attacks(url: str) -> list[str]:
    return [
        f"<script src='{url}/s'></script>",
        f'<img src="{url}/i">',
        f"<iframe src={url}/f></iframe>",
        f"</style><link rel=stylesheet href={url}/l>",
        f"<style>@import '{url}/c';</style>",
        "<meta name='pdfkit-enable-local-file-access' content=''>",
        "<iframe src='file:///etc/passwd'></iframe>",
        "{{ style.name }}{% raw %}",
        '" onload="x',
    ]


def hostile(url: str):
    for attack in attacks(url):
        setting = seller(
            company_name=attack, address1=attack, payment_details=attack, vat_number=attack, email=attack
        )
        customer = buyer(name=attack, address1=attack, city=attack, vat_number=attack)
        yield (
            attack,
            invoice(item(attack, name=attack), customer=customer, reference=attack, notes=attack),
            setting,
        )


def test_everything_prints_as_it_was_typed_and_nothing_is_fetched(listener, monkeypatch):
    # Whatever the renderer asks for goes through the proxy: here that is the listener.
    monkeypatch.setitem(pdf_renderer._OPTIONS, "proxy", listener.url)
    for attack, paper, setting in hostile(listener.url):
        words = "".join(attack.split())
        assert said(pdf(paper, setting)).count(words) >= 5
    assert listener.asked == []


def test_the_listener_would_notice(listener, monkeypatch):
    monkeypatch.setitem(pdf_renderer._OPTIONS, "proxy", listener.url)
    with pytest.raises(PdfFailed):
        pdf_renderer.render(f"<html><body><img src='{listener.url}/x'></body></html>")
    assert listener.asked


def test_no_field_makes_an_element():
    harmless = html(invoice(item("x", name="x"), reference="x", notes="x"), seller(logo=None))
    for _, paper, setting in hostile("http://127.0.0.1:9"):
        made = html(paper, setting)
        for tag in ("<script", "<img", "<iframe", "<link", "<meta", "<style"):
            assert made.count(tag) == harmless.count(tag)


def test_a_page_can_not_open_files():
    with pytest.raises(PdfFailed):
        pdf_renderer.render("<html><body><iframe src='file:///etc/passwd'></iframe></body></html>")


def test_a_page_can_not_set_the_renderers_options():
    made = pdf_renderer.render(
        "<html><head><meta name='pdfkit-page-size' content='A7'></head><body>x</body></html>"
    )
    with pikepdf.open(io.BytesIO(made)) as whole:
        assert [int(number) for number in whole.pages[0].mediabox][2:] == [595, 842]
