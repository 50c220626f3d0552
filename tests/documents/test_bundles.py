from __future__ import annotations

import zipfile

import pikepdf
import pytest

from dashboard.documents.bundles import MergedBundle, ZipBundle
from tests.documents.papers import invoice, item, pdf
from tests.support.pdf import pages


@pytest.fixture(scope="module")
def papers() -> list[bytes]:
    return [
        pdf(invoice(*(item(f"Paper {at} line {n}") for n in range(size))))
        for at, size in enumerate((1, 30, 1))
    ]


def test_a_zip_holds_each_under_a_name_of_its_own(tmp_path, papers):
    bundle = ZipBundle(tmp_path)
    for name, content in zip(("A-1.pdf", "a-1.pdf", "A-1.pdf"), papers, strict=True):
        bundle.add(name, content)
        bundle.flush()
    with zipfile.ZipFile(bundle.close()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["A-1.pdf", "a-1-2.pdf", "A-1-3.pdf"]
        assert [archive.read(name) for name in archive.namelist()] == papers
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_merged_pdf_holds_every_page_in_order_with_bookmarks(tmp_path, papers):
    bundle = MergedBundle(tmp_path)
    for at, content in enumerate(papers):
        bundle.add(f"Paper-{at}.pdf", content)
        if at == 1:
            bundle.flush()
    path = bundle.close()
    found = pages(path.read_bytes())
    alone = [len(pages(content)) for content in papers]
    assert len(found) == sum(alone)
    assert ["Paper 0" in found[0], "Paper 1" in found[1], "Paper 2" in found[-1]] == [True] * 3
    with pikepdf.open(path) as merged, merged.open_outline() as outline:
        assert [mark.title for mark in outline.root] == ["Paper-0", "Paper-1", "Paper-2"]
