"""Paper: pages, feet, marks; nothing fetched; a clear word where the libraries are missing."""

import builtins
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.template import engines

from core import papers, scans
from tests.paper import inflated, sizes, words

pytestmark = pytest.mark.unit

AT = datetime(2018, 12, 20, 1, 30, tzinfo=UTC)
HEADS = [("序号", "c-1"), ("户编号", ""), ("户主", "")]


@pytest.fixture(autouse=True)
def plain_storage(settings: Any) -> None:
    """Addresses of static files without the list that `collectstatic` writes."""
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


def table(rows: int, printed: papers.Printed | None = None) -> dict[str, Any]:
    cells = [[str(number), f"8630000{number:07}", "何梅德"] for number in range(1, rows + 1)]
    return {
        "title": "赤土村贫困户花名册", "about": "2018 年度", "heads": HEADS, "rows": cells,
        "printed": printed,
    }  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A template that says what the test says."""

    def make(text: str) -> papers.Printed:
        template = engines["django"].from_string(text)
        monkeypatch.setattr(papers, "render_to_string", lambda _, context: template.render(context))
        return papers.Printed("", AT)

    return make


def test_a_list_repeats_its_head_on_each_landscape_page() -> None:
    document = papers.document("papers/table.html", table(90))
    assert len(document.pages) > 1
    assert set(sizes(document)) == {(297, 210)}
    for page in document.pages:
        assert "户编号" in words(page)
    told = [word for page in document.pages for word in words(page)]
    assert sum(word.startswith("8630000") for word in told) == 90


def test_the_foot_says_who_when_what_for_and_which_page() -> None:
    printed = papers.Printed("何秀英（chitudian）", AT, "入户核查", "何秀英 2018-12-20")
    document = papers.document("papers/table.html", table(90, printed))
    last = len(document.pages)
    for number, page in enumerate(document.pages, 1):
        text = "".join(words(page))
        assert "打印人：何秀英（chitudian）" in text
        assert "打印时间：2018-12-20 09:30" in text
        assert "用途：入户核查" in text
        assert f"第 {number} 页，共 {last} 页" in text
        assert text.count("何秀英 2018-12-20") == 3


def test_without_who_printed_there_is_no_foot() -> None:
    (page,) = papers.document("papers/table.html", table(1)).pages
    assert "打印" not in "".join(words(page))


def test_a_pdf_has_its_fonts_and_title() -> None:
    body = papers.pdf("papers/table.html", table(3))
    assert body.startswith(b"%PDF-1.")
    assert body.rstrip().endswith(b"%%EOF")
    # Chinese is embedded: a printer of its own has no such font.
    inside = b"".join(inflated(body))
    assert b"/FontFile" in inside
    assert b"Noto-Sans-CJK-SC" in inside.replace(b"NotoSansCJKsc", b"Noto-Sans-CJK-SC")
    # What the product prints may be handed in again.
    assert scans.read(body).media_type == scans.PDF
    document = papers.document("papers/table.html", table(3))
    assert document.metadata.title == "赤土村贫困户花名册"
    assert document.metadata.lang == "zh-CN"


@pytest.mark.parametrize(
    "text",
    [
        '<img src="http://192.0.2.1/a.png">',
        '<img src="file:///etc/passwd">',
        '<link rel="stylesheet" href="/static/css/app.css">',
        '<object data="https://192.0.2.1/a.svg"></object>',
    ],
)
def test_nothing_is_fetched(written: Any, text: str) -> None:
    written(f"<html><body>{text}</body></html>")
    with pytest.raises(papers.ForeignAddressError):
        papers.document("any.html", {})


def test_the_layout_says_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    papers.pdf("papers/table.html", table(2, papers.Printed("何秀英", AT, "核对", "何秀英")))
    assert [record.name for record in caplog.records] == []


def test_what_people_typed_is_text(written: Any) -> None:
    written("<html><body><p>{{ name }}</p></body></html>")
    (page,) = papers.document("any.html", {"name": '<img src="http://192.0.2.1/">'}).pages
    assert '<img src="http://192.0.2.1/">' in "".join(words(page))


def test_a_machine_without_the_libraries_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(papers.PapersUnavailableError, match=r"libpango-1\.0-0"):
        papers.document("papers/table.html", table(1))


def test_a_file_is_not_kept_by_any_cache() -> None:
    answer = papers.answer(b"%PDF-", "花名册")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment; ")
