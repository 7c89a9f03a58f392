"""Pages of letters: what each shows to whom, and each act by its form."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.ledger.models import AccessEntry
from inspections.enums.findings import State
from inspections.models import Accountability, Finding, Letter, LetterTemplate
from inspections.queries import letters
from inspections.services.letters import preparing, sending
from tests.inspections.findings.conftest import DAY, Office, entered
from tests.inspections.letters.conftest import AFTER
from tests.inspections.letters.test_word import PLAIN, made

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


def body_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def third(office: Office, late: Finding) -> Accountability:
    """The ladder climbed to its end."""
    for days in (3, 20, 40):
        on = AFTER + timedelta(days=days)
        (draft,) = preparing.prepare(today=on, prefix="4103")
        sending.issue(letter=draft, on=on, reply_due_on=on + timedelta(days=9), by=office.county)
    return Accountability.objects.get()


def test_from_draft_to_answer_by_its_forms(draft: Letter, office: Office, as_user: SignIn) -> None:
    client, page = as_user(office.county), f"/letters/{draft.pk}/"
    assert "确认签发" in body_of(client, page)
    assert client.post(f"{page}words/", {"words": "请县长督办"}).status_code == 302
    due = timezone.localdate() + timedelta(days=9)
    told = {"on": timezone.localdate(), "reply_due_on": due}
    assert client.post(f"{page}issue/", told).status_code == 302
    assert (
        client.post(f"{page}receive/", {"name": "张主任", "on": timezone.localdate()}).status_code
        == 302
    )
    assert (
        client.post(f"{page}reply/", {"words": "月底完成", "on": timezone.localdate()}).status_code
        == 302
    )
    body = body_of(client, page)
    for words in (
        f"〔{timezone.localdate().year}〕1 号",
        "请县长督办",
        "张主任",
        "月底完成",
        "已答复",
    ):
        assert words in body
    assert "确认签发" not in body


def test_unfit_forms_come_back_with_words(draft: Letter, office: Office, as_user: SignIn) -> None:
    client, page = as_user(office.county), f"/letters/{draft.pk}/"
    for act, told, why in (
        ("issue", {}, "class=\"why\""),
        ("issue", {"on": timezone.localdate()}, "没有适用的答复期限规定"),
        ("issue", {"on": "2999-01-01"}, "日期不能晚于今天"),
        ("issue", {"on": "2018-09-30", "reply_due_on": "2018-09-01"}, "答复期限须晚于签发日期"),
        ("drop", {}, "class=\"why\""),
        ("receive", {"name": "张", "on": "2018-10-09"}, "不能办理这一步"),
    ):  # fmt: skip
        answer = client.post(f"{page}{act}/", told)
        assert answer.status_code == 422, act
        assert why in answer.content.decode(), act
    assert Letter.objects.get().state == "PREPARED"


def test_a_draft_can_be_dropped_with_a_reason(
    draft: Letter, office: Office, as_user: SignIn
) -> None:
    client = as_user(office.county)
    assert client.post(f"/letters/{draft.pk}/drop/", {"why": "已当面督促"}).status_code == 302
    assert "已当面督促" in body_of(client, f"/letters/{draft.pk}/")


def test_list_counts_are_lists(letter: Letter, office: Office, as_user: SignIn) -> None:
    office.take(entered(office.county, fact="另一个"), State.ASSIGNED, DAY)
    preparing.prepare(today=AFTER, prefix="4103")
    client = as_user(office.county)
    answer = client.get("/letters/")
    assert [one["one"].state for one in answer.context["rows"]] == ["PREPARED", "ISSUED"]
    for _, label, many, query in answer.context["tallies"]:
        assert f"共 {many} 份文书" in body_of(client, f"/letters/?{query}"), label
    for query, many in (("kind=REMIND", 2), ("unit=城关", 2), ("year=2018", 1), ("region=410325", 0),
                        ("issued_from=2018-10-02", 0), ("state=ISSUED", 1)):  # fmt: skip
        assert f"共 {many} 份文书" in body_of(client, f"/letters/?{query}"), query


def test_answers_of_a_day_in_the_calendar_are_the_list_they_lead_to(
    letter: Letter, office: Office, as_user: SignIn
) -> None:
    due = letter.reply_due_on
    assert due is not None
    for user in (office.county, office.village):
        client = as_user(user)
        link = f"/letters/?standing=unanswered&amp;reply_due={due:%Y-%m-%d}"
        assert f'{link}">答复 1</a>' in body_of(client, f"/findings/calendar/?month={due:%Y-%m}")
        assert "共 1 份文书" in body_of(client, link.replace("&amp;", "&"))
        day_after = f"/letters/?standing=unanswered&reply_due={due + timedelta(days=1):%Y-%m-%d}"
        assert "共 0 份文书" in body_of(client, day_after)


def test_pages_of_the_list_meet(office: Office, as_user: SignIn) -> None:
    for at in range(5):
        finding = entered(office.county)
        office.take(finding, State.ASSIGNED, DAY, duty=_duty(f"单位{at}"))
    preparing.prepare(today=AFTER, prefix="4103")
    visible = letters.visible(office.county)
    pages = [letters.page(visible, size=2)]
    while pages[-1].after:
        pages.append(letters.page(visible, pages[-1].after, size=2))
    seen = [[one.pk for one in page.rows] for page in pages]
    assert [len(rows) for rows in seen] == [2, 2, 1]
    keys = [key for rows in seen for key in rows]
    assert sorted(keys, reverse=True) == keys
    back = [pages[-1]]
    while back[-1].before:
        back.append(letters.page(visible, before=back[-1].before, size=2))
    assert [[one.pk for one in page.rows] for page in back] == seen[::-1]
    assert pages[0].before == ""


def _duty(unit: str) -> Any:
    from inspections.services.findings.stepping import Duty

    return Duty(unit, "王主任", due_on=date(2018, 9, 28), due_source="方案")


def test_several_are_confirmed_all_or_none(
    office: Office, as_user: SignIn, city_admin: User
) -> None:
    from inspections.services.findings import deadlines

    for unit in ("甲局", "乙局"):
        office.take(entered(office.county), State.ASSIGNED, DAY, duty=_duty(unit))
    preparing.prepare(today=AFTER, prefix="4103")
    keys = list(Letter.objects.values_list("pk", flat=True))
    client = as_user(office.county)
    assert "一份也没有签发" in _followed(client, "/letters/bulk/", letter=keys)
    assert not Letter.objects.filter(number__isnull=False).exists()
    deadlines.set_rule(
        region_prefix="4103", days=20, reply_days=5, valid_from=date(2018, 1, 1), source="方案",
        by=city_admin,
    )  # fmt: skip
    from exits.services import holidays_published

    holidays_published.take_over([timezone.localdate().year], by=None)
    assert "已签发 2 份文书" in _followed(client, "/letters/bulk/", letter=keys)
    assert sorted(Letter.objects.values_list("number", flat=True)) == [1, 2]
    assert "有的已由他人办理" in _followed(client, "/letters/bulk/", letter=keys)
    assert "请选择要签发的文书" in _followed(client, "/letters/bulk/")


def _followed(client: Client, path: str, **told: Any) -> str:
    return str(client.post(path, told, follow=True).content.decode())


def test_drafts_are_written_at_once_and_once(
    late: Finding, office: Office, as_user: SignIn
) -> None:
    client = as_user(office.county)
    assert "1 份文书待确认" in _followed(client, "/letters/prepare/")
    assert "没有需要新拟的文书" in _followed(client, "/letters/prepare/")
    assert Letter.objects.count() == 1


def test_word_and_pdf_are_handed_out_and_noted(
    letter: Letter, office: Office, as_user: SignIn
) -> None:
    noted = AccessEntry.objects.filter(act="PRINT", subject_kind="letter")
    before = noted.count()
    client = as_user(office.county)
    answer = client.get(f"/letters/{letter.pk}/word/")
    assert answer["Content-Type"].endswith("wordprocessingml.document")
    assert answer.content.startswith(b"PK")
    answer = client.get(f"/letters/{letter.pk}/pdf/")
    assert answer.content.startswith(b"%PDF")
    assert noted.count() == before + 2


def test_paper_has_the_slip_on_a_page_of_its_own(letter: Letter) -> None:
    from core import papers
    from inspections.services.letters import templates

    document = papers.document(
        "papers/letter.html",
        {
            "said": templates.said_by(letter),
            "answer": "整改情况", "is_draft": False,
        },
    )  # fmt: skip
    assert len(document.pages) == 2


def test_the_third_opens_a_record_that_is_concluded_once(
    late: Finding, office: Office, as_user: SignIn
) -> None:
    record = third(office, late)
    client, page = as_user(office.county), f"/letters/accountability/{record.pk}/"
    assert "待登记" in body_of(client, "/letters/accountability/")
    told = {
        "organ": "县纪委监委", "outcome": "TALK", "persons": 0, "on": timezone.localdate(),
        "words": "已谈话",
    }  # fmt: skip
    answer = client.post(page, told)
    assert answer.status_code == 422
    for why in ("请填写处理了多少人", "请填写处理文号"):
        assert why in answer.content.decode()
    told |= {"persons": 2, "document": "〔2018〕5 号"}
    assert client.post(page, told).status_code == 302
    assert client.post(page, told).status_code == 422
    body = body_of(client, "/letters/accountability/")
    assert "共 1 件，处理 2 人" in body
    assert "谈话提醒" in body_of(client, f"/letters/{record.letter_id}/")


def test_a_template_is_replaced_and_can_be_taken_back_out(office: Office, as_user: SignIn) -> None:
    client = as_user(office.county)
    assert "系统自带" in body_of(client, "/letters/templates/")
    assert client.get("/letters/templates/REMIND/").content.startswith(b"PK")
    assert client.get("/letters/templates/NIX/").status_code == 404
    told = {"kind": "REMIND", "place": "410324", "note": "县办格式"}
    answer = client.post("/letters/templates/", told | {"file": SimpleUploadedFile("a.docx", b"x")})
    assert answer.status_code == 422
    assert "请上传 .docx 文件" in answer.content.decode()
    file = SimpleUploadedFile("a.docx", made(*PLAIN))
    assert client.post("/letters/templates/", told | {"file": file}).status_code == 302
    assert LetterTemplate.objects.get().note == "县办格式"
    assert "县办格式" in body_of(client, "/letters/templates/")
    assert client.get("/letters/templates/REMIND/?place=410324").content.startswith(b"PK")
    # The neighbour's is not handed out, nor the city's.
    for place in ("410325", "4103", "x"):
        assert client.get(f"/letters/templates/REMIND/?place={place}").status_code == 404


def test_a_village_sees_the_letter_about_its_problem_and_no_file(
    letter: Letter, office: Office, as_user: SignIn
) -> None:
    client = as_user(office.village)
    assert letter.unit in body_of(client, f"/letters/{letter.pk}/")
    assert client.get(f"/letters/{letter.pk}/word/").status_code == 404
    assert "签发" not in body_of(client, f"/letters/{letter.pk}/").split("所列问题")[1]


@pytest.mark.parametrize("part", ["", "word/", "pdf/"])
def test_the_neighbour_does_not_have_it(
    letter: Letter, songxian_clerk: User, as_user: SignIn, part: str
) -> None:
    assert as_user(songxian_clerk).get(f"/letters/{letter.pk}/{part}").status_code == 404
    assert as_user(songxian_clerk).get(f"/letters/999/{part}").status_code == 404


@pytest.mark.parametrize("act", ["words", "issue", "drop", "receive", "reply"])
def test_who_only_reads_acts_on_none(
    draft: Letter, city_leader: User, office: Office, as_user: SignIn, act: str
) -> None:
    path = f"/letters/{draft.pk}/{act}/"
    assert as_user(city_leader).post(path).status_code == 403
    assert as_user(office.county).get(path).status_code == 405


def test_as_many_queries_for_three(office: Office, as_user: SignIn) -> None:
    client = as_user(office.county)

    def asked(units: tuple[str, ...]) -> int:
        for unit in units:
            office.take(entered(office.county), State.ASSIGNED, DAY, duty=_duty(unit))
        preparing.prepare(today=AFTER, prefix="4103")
        client.get("/letters/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/letters/")
        return len(queries)

    assert asked(("甲局",)) == asked(("乙局", "丙局"))
