"""Letters in Word: what they say, what a template may do, and that an issued one stays as it is."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from docx import Document

from inspections.enums.letters import Kind
from inspections.models import Finding, Letter, LetterTemplate, LetterText
from inspections.services.common import UnfitError
from inspections.services.findings import stepping
from inspections.services.letters import preparing, sending, templates, word
from tests.inspections.findings.conftest import Office
from tests.inspections.letters.conftest import AFTER

pytestmark = pytest.mark.django_db


def text_of(body: bytes) -> str:
    document = Document(io.BytesIO(body))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def made(*lines: str) -> bytes:
    """A template of these lines and a loop over the problems."""
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


PLAIN = (
    "本市{{ 文书名称 }}{{ 编号 }}", "{{ 责任单位 }}", "{{ 答复期限 }}",
    "{% for 一个 in 问题清单 %}{{ 一个.问题编号 }}{{ 一个.问题 }}{% endfor %}",
)  # fmt: skip


def test_it_says_what_is_late_to_whom_and_until_when(letter: Letter, late: Finding) -> None:
    text = text_of(templates.in_word(letter))
    for words in (
        "问题整改提示函", "栾川县〔2018〕1 号", "城关镇人民政府：", "2018 年 10 月 10 日", late.number,
        "<管网> & 水表没有验收", "王主任", "逾期 3 天", "回　　执", "整改情况",
    ):  # fmt: skip
        assert words in text
    assert "{" not in text
    assert "补充说明" not in text


def test_a_draft_says_that_it_is_one(draft: Letter) -> None:
    text = text_of(templates.in_word(draft))
    assert "栾川县草稿" in text
    assert "签发时确定" in text


@pytest.mark.parametrize("kind", Kind.values)
def test_own_templates_pass_their_own_inspection(kind: str) -> None:
    body = word.own(kind)
    assert word.inspected(body) == body
    document = Document(io.BytesIO(body))
    section = document.sections[0]
    assert (round(section.top_margin.mm), round(section.left_margin.mm)) == (37, 28)
    assert 'w:eastAsia="zh-CN"' in document.styles.element.xml


def test_a_replaced_template_makes_the_next_letter_and_not_the_last(
    letter: Letter, office: Office, late: Finding
) -> None:
    before = text_of(templates.in_word(letter))
    templates.replace(kind="REMIND", prefix="410324", body=made(*PLAIN), by=office.county)
    templates.replace(kind="SUPERVISE", prefix="410324", body=made(*PLAIN), by=office.county)
    assert text_of(templates.in_word(Letter.objects.get(pk=letter.pk))) == before
    on = AFTER + timedelta(days=20)
    (second,) = preparing.prepare(today=on, prefix="4103")
    assert text_of(templates.in_word(second)).startswith("本市问题整改督办函草稿")
    issued = sending.issue(
        letter=second, on=on, reply_due_on=on + timedelta(days=5), by=office.county
    )
    assert issued.text.template == LetterTemplate.objects.get(kind="SUPERVISE")
    assert "〔2018〕1 号" in text_of(templates.in_word(issued))


def test_the_countys_own_goes_before_the_citys(office: Office, city_admin: Any) -> None:
    ours = templates.replace(kind="REMIND", prefix="410324", body=made(*PLAIN), by=office.county)
    templates.replace(kind="REMIND", prefix="4103", body=made(*PLAIN), by=city_admin)
    assert templates.held("REMIND", "410324000000") == ours
    assert templates.held("REMIND", "410325000000") != ours
    assert templates.held("ACCOUNT", "410324000000") is None


def test_what_was_issued_stays_whatever_becomes_of_the_problem(
    letter: Letter, office: Office, late: Finding
) -> None:
    before = text_of(templates.in_word(letter))
    stepping.assign(
        finding=late, duty=stepping.Duty("另一单位", "赵主任", None, AFTER, "方案"), on=AFTER,
        by=office.county,
    )  # fmt: skip
    assert Finding.objects.get(pk=late.pk).duty_name == "赵主任"
    assert text_of(templates.in_word(Letter.objects.get(pk=letter.pk))) == before
    assert "王主任" in before


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("{{ 编号 }}",), "缺少字段"),
        ((*PLAIN, "{{ 身份证号 }}"), "不认识的字段"),
        ((*PLAIN, "{{ 编号.__class__ }}"), "不能使用函数"),
        ((*PLAIN, "{{ 编号.upper() }}"), "不能使用"),
        ((*PLAIN, "{{ 编号 * 999999999 }}"), "不能使用"),
        ((*PLAIN, "{{ 编号 ~ 编号 }}"), "不能使用赋值、函数和运算"),
        ((*PLAIN, "{% set 大 = 编号 %}{{ 大 }}"), "不能使用赋值"),
        ((*PLAIN, "{% macro 甲() %}{% endmacro %}"), "不能使用赋值"),
        ((*PLAIN, "{{ '甲'|center(99999999) }}"), "模板不能读取"),
        ((*PLAIN, "{{ 编号"), "花括号"),
        ((*PLAIN, "{% for a in 问题清单 %}{% for b in 问题清单 %}{% for c in 问题清单 %}{% endfor %}{% endfor %}{% endfor %}"), "循环超过"),
    ],
)  # fmt: skip
def test_templates_that_ask_for_more_are_refused(lines: tuple[str, ...], why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        word.inspected(made(*lines))


def altered(change: dict[str, bytes]) -> bytes:
    """The plain template with parts put in or replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made(*PLAIN))) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            if name not in change:
                after.writestr(name, before.read(name))
        for name, body in change.items():
            after.writestr(name, body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


LINK = (
    b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    b'relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/'
    b'2006/relationships/attachedTemplate" Target="http://example.org/t.dotm" '
    b'TargetMode="External"/></Relationships>'
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"PK not a zip", ".docx"),
        (b"", ".docx"),
        (altered({"word/vbaProject.bin": b"x"}), "不含宏"),
        (altered({"word/_rels/settings.xml.rels": LINK}), "外部"),
        (altered({"word/_rels/settings.xml.rels": LINK.replace(b"t.dotm", b"/hyperlink")}), "外部"),
        (
            altered({"word/_rels/settings.xml.rels": LINK.replace(b'"External"', b"'External'")}),
            "外部",
        ),
        (altered({"word/_rels/settings.xml.RELS": LINK.replace(b"p Id", b"p\nId")}), "外部"),
        (altered({"word/_rels/settings.xml.rels": b"<x"}), "损坏"),
        (altered({"word/header9.xml": b"<w:p>{% for a in b %}</w:p>"}), "正文"),
        (altered({"word/media/a.bin": bytes(30_000_000)}), "过大|.docx"),
        (bytes(word.MOST + 1), "2 MB"),
    ],
)
def test_files_that_are_no_plain_document_are_refused(body: bytes, why: str) -> None:
    with pytest.raises(UnfitError, match=why):
        word.inspected(body)


def test_a_refused_template_leaves_nothing(office: Office) -> None:
    with pytest.raises(UnfitError):
        templates.replace(kind="REMIND", prefix="410324", body=b"x", by=office.county)
    with pytest.raises(UnfitError, match="权限"):
        templates.replace(kind="REMIND", prefix="4103", body=made(*PLAIN), by=office.county)
    assert not LetterTemplate.objects.exists()


def test_a_later_own_template_does_not_reach_an_issued_letter(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = text_of(templates.in_word(letter))
    monkeypatch.setattr(word, "own", lambda kind: made(*PLAIN))
    assert text_of(templates.in_word(letter)) == before
    assert letter.text.template is None


def test_the_same_template_has_the_same_digest() -> None:
    assert word.own(Kind.REMIND) == word.own(Kind.REMIND)


def test_words_of_an_issued_letter_cannot_be_changed(letter: Letter) -> None:
    for statement in (
        "UPDATE inspections_lettertext SET said = '{}'", "DELETE FROM inspections_lettertext",
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert LetterText.objects.get().said["责任单位"] == letter.unit


def test_nobody_issues_a_letter_without_words(draft: Letter, office: Office) -> None:
    draft.state, draft.issued_on, draft.issued_by = "ISSUED", AFTER, office.county
    draft.reply_due_on = AFTER + timedelta(days=5)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS letter_says_something IMMEDIATE")
    with pytest.raises(DatabaseError, match="put down"), transaction.atomic():
        draft.save()
