"""Pages of one batch: the same short list for every screen."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User
from core.jobs.models import Job
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger.models import AccessEntry
from imports.enums import Acceptance, BatchState, ReturnKind
from imports.models import Batch, ReturnedFile
from imports.views.batches import duration
from tests.conftest import LONG_AGO, OF_THE_MENU, OF_THE_SCOPE, person
from tests.workbooks import build, family, id_number, member

AsUser = Callable[[User], Client]
Stage = Callable[..., Batch]

# (address below the batch, method, what whoever may gets for a previewed batch)
PAGES = [
    ("", "get", 200), ("rows/", "get", 200), ("problems/", "get", 200), ("changes/", "get", 200),
    ("raw/", "get", 200), ("raw/", "post", 422), ("columns/", "get", (200, 302)),
    ("columns/", "post", (422, 302)), ("accept/", "post", 302), ("correct/", "get", 200),
    ("correct/", "post", 422), ("return/", "post", 302), ("undo/", "get", 302),
    ("undo/", "post", 302), ("apply/", "post", 302), ("discard/", "post", 302),
]  # fmt: skip
ONLY_GET = ("", "rows/", "problems/", "changes/")
ONLY_POST = ("accept/", "return/", "apply/", "discard/")


def book(name: str = "贫困人员.xlsx", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content if content is not None else build(family(1)))


def form(**changes: Any) -> dict[str, Any]:
    return {"file": book(), "partition": 2018, "region": "410324"} | changes


def carry(kind: str) -> None:
    """Do the oldest waiting job of this kind, as a worker would."""
    job = Job.objects.filter(kind=kind, state="QUEUED").earliest("pk")
    run = claim(job.pk)
    assert run is not None
    carry_out(run)


@pytest.fixture
def batch(stage: Stage) -> Batch:
    return stage(
        [*family(1), member(3, 2, 致贫原因="因懒", 证件号码="990324197001010010")], region="410324"
    )


# --- every page --------------------------------------------------------------------------------


@pytest.mark.parametrize(("below", "method", "status"), PAGES)
def test_whoever_may_gets_an_answer(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User, below: str, method: str, status: Any
) -> None:
    answer = getattr(as_user(luanchuan_clerk), method)(f"/imports/{batch.pk}/{below}")
    assert answer.status_code in (status if isinstance(status, tuple) else (status,))


@pytest.mark.parametrize(("below", "method", "_status"), PAGES)
def test_neighbour_finds_no_such_batch(
    as_user: AsUser, batch: Batch, songxian_clerk: User, below: str, method: str, _status: Any
) -> None:
    client = as_user(songxian_clerk)
    assert getattr(client, method)(f"/imports/{batch.pk}/{below}").status_code == 404
    assert getattr(client, method)(f"/imports/99999999/{below}").status_code == 404
    batch.refresh_from_db()
    assert batch.state == BatchState.STAGED


@pytest.mark.parametrize(("below", "method", "_status"), PAGES)
def test_reader_without_the_right(
    as_user: AsUser, batch: Batch, city_leader: User, below: str, method: str, _status: Any
) -> None:
    client = as_user(city_leader)
    assert getattr(client, method)(f"/imports/{batch.pk}/{below}").status_code == 403


def test_wrong_method(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    client = as_user(luanchuan_clerk)
    for below in ONLY_GET:
        assert client.post(f"/imports/{batch.pk}/{below}").status_code == 405
    for below in ONLY_POST:
        assert client.get(f"/imports/{batch.pk}/{below}").status_code == 405
    assert client.post("/imports/").status_code == 405


@pytest.mark.parametrize(("below", "method", "_status"), PAGES)
def test_a_post_from_elsewhere_is_refused(
    batch: Batch, luanchuan_clerk: User, below: str, method: str, _status: Any
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(luanchuan_clerk)
    if method == "post":
        assert client.post(f"/imports/{batch.pk}/{below}").status_code == 403


@pytest.fixture
def loads_next_door(db: None) -> User:
    """Reads 栾川县 and loads workbooks in 嵩县 only."""
    clerk = person("nextdoor", Role.COUNTY_CLERK, "410325")
    Grant.objects.create(user=clerk, role=Role.LEADER, region_prefix="410324", valid_from=LONG_AGO)
    return clerk


def test_loading_in_one_county_opens_no_batch_of_another(
    as_user: AsUser, batch: Batch, stage: Stage, loads_next_door: User
) -> None:
    own = stage(family(9), region="410325")
    client = as_user(loads_next_door)
    assert list(client.get("/imports/").context["batches"]) == [own]
    for below, method, _ in PAGES:
        assert getattr(client, method)(f"/imports/{batch.pk}/{below}").status_code == 404
    batch.refresh_from_db()
    assert batch.state == BatchState.STAGED
    assert not Job.objects.filter(kind="imports.apply").exists()
    assert client.get(f"/imports/{own.pk}/").status_code == 200
    assert client.post(f"/imports/{own.pk}/discard/").status_code == 302


# --- handing in --------------------------------------------------------------------------------


def test_upload_opens_a_batch_and_asks_for_work(
    as_user: AsUser, city: None, luanchuan_clerk: User
) -> None:
    answer = as_user(luanchuan_clerk).post("/imports/upload/", form())
    found = Batch.objects.get()
    assert answer.url == f"/imports/{found.pk}/"
    assert (found.region_prefix, found.created_by, found.state) == (
        "410324",
        luanchuan_clerk,
        "UPLOADED",
    )
    assert found.path.read_bytes()[:2] == b"PK"
    assert Job.objects.get().params == {"batch": found.pk}
    entry = AccessEntry.objects.get(act="IMPORT", subject=str(found.pk))
    assert entry.detail["step"] == "received"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": "410325"}, "选择"),
        ({"partition": 1918}, "2010"),
        ({"file": book(content=b"%PDF-1.7 nothing")}, "代码"),
        ({"file": book(content=b"")}, "空"),
    ],
)
def test_upload_that_cannot_be_taken(
    as_user: AsUser, city: None, luanchuan_clerk: User, changes: dict[str, Any], words: str
) -> None:
    answer = as_user(luanchuan_clerk).post("/imports/upload/", form(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Batch.objects.exists()


def test_a_mended_file_goes_where_the_first_one_went(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User
) -> None:
    """Whatever year and region a form may claim."""
    client = as_user(luanchuan_clerk)
    page = client.get(f"/imports/{batch.pk}/correct/")
    assert f"更正第 {batch.pk} 批" in page.content.decode()
    answer = client.post(f"/imports/{batch.pk}/correct/", form(partition=2017, region="410325"))
    mended = Batch.objects.exclude(pk=batch.pk).get()
    assert answer.url == f"/imports/{mended.pk}/"
    assert (mended.corrects_id, mended.partition, mended.region_prefix) == (
        batch.pk,
        2018,
        "410324",
    )
    assert f"更正第 {batch.pk} 批" in client.get("/imports/").content.decode()
    assert f"/imports/{mended.pk}/" in client.get(f"/imports/{batch.pk}/").content.decode()


def test_rows_left_behind_by_a_correction_are_told_on_both_pages(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User, stage: Any
) -> None:
    mended = stage(family(7), region="410324")
    Batch.objects.filter(pk=mended.pk).update(corrects=batch)
    client = as_user(luanchuan_clerk)
    words = f"第 {batch.pk} 批还有未写入的行，请先写入第 {batch.pk} 批合格的行。"
    for one in (batch, mended):
        assert words in client.get(f"/imports/{one.pk}/").content.decode()
    Batch.objects.filter(pk=batch.pk).update(state="DISCARDED")
    assert "还有未写入的行" not in client.get(f"/imports/{mended.pk}/").content.decode()


def test_batch_whose_writing_was_cancelled_offers_it_again(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User
) -> None:
    job = Job.objects.create(kind="imports.apply", queue="imports", state="CANCELLED")
    Batch.objects.filter(pk=batch.pk).update(state="APPLYING", job=job)
    page = as_user(luanchuan_clerk).get(f"/imports/{batch.pk}/").content.decode()
    assert f"/imports/{batch.pk}/apply/" in page
    assert f"/imports/{batch.pk}/discard/" in page


def test_reader_may_not_upload(as_user: AsUser, city: None, city_leader: User) -> None:
    client = as_user(city_leader)
    assert client.get("/imports/").status_code == 403
    assert client.get("/imports/upload/").status_code == 403
    assert client.post("/imports/upload/", form()).status_code == 403


def test_no_identity_number_reaches_the_job_rows(
    as_user: AsUser, city: None, luanchuan_clerk: User
) -> None:
    as_user(luanchuan_clerk).post("/imports/upload/", form())
    assert id_number(1) not in str(list(Job.objects.values()))


# --- history -----------------------------------------------------------------------------------


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for some seconds does not run out between two measurements."""
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("number", [1, 3])
def test_list_takes_the_same_queries_for_any_number(
    as_user: AsUser,
    stage: Stage,
    luanchuan_clerk: User,
    number: int,
    django_assert_num_queries: Any,
) -> None:
    for household in range(1, number + 1):
        stage(family(household), region="410324")
    client = as_user(luanchuan_clerk)
    client.get("/imports/")
    with django_assert_num_queries(7 + OF_THE_SCOPE + OF_THE_MENU):
        assert len(client.get("/imports/").context["batches"]) == number


def test_history_is_narrowed(
    as_user: AsUser, stage: Stage, luanchuan_clerk: User, city_admin: User
) -> None:
    mine, other = stage(family(1), region="410324"), stage(family(2), region="410324")
    Batch.objects.filter(pk=mine.pk).update(created_by=luanchuan_clerk)
    Batch.objects.filter(pk=other.pk).update(
        created_by=city_admin, state=BatchState.DISCARDED, partition=2017
    )
    client = as_user(luanchuan_clerk)

    def listed(**terms: Any) -> list[int]:
        return [one.pk for one in client.get("/imports/", terms).context["batches"]]

    assert listed() == [other.pk, mine.pk]
    assert listed(state="STAGED") == [mine.pk]
    assert listed(partition=2017) == [other.pk]
    assert listed(by=city_admin.pk) == [other.pk]
    assert listed(layout=mine.layout_id) == [other.pk, mine.pk]
    assert listed(state="STAGED", partition=2017) == []
    assert "没有符合条件的批次" in client.get("/imports/", {"partition": 2031}).content.decode()
    # Nonsense selects nothing in particular and breaks nothing.
    assert listed(state="x", by="1' OR 1=1", page="-1") == [other.pk, mine.pk]


def test_history_tells_who_when_and_which_file(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User
) -> None:
    text = as_user(luanchuan_clerk).get("/imports/").content.decode()
    assert f'title="{batch.sha256}"' in text
    assert batch.sha256[:8] in text
    assert "系统" in text


# --- preview -----------------------------------------------------------------------------------


def test_preview_shows_counts_and_masks_numbers(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User
) -> None:
    client = as_user(luanchuan_clerk)
    page = client.get(f"/imports/{batch.pk}/")
    persons = next(row for row in page.context["counts"] if row["label"] == "人")
    assert [figure["count"] for figure in persons["figures"]] == [2, 0, 0, 1]
    assert "确认写入" in page.content.decode()
    text = client.get(f"/imports/{batch.pk}/problems/").content.decode()
    assert "990324197001010010" not in text
    assert "990324********0010" in text


def test_figures_open_into_rows(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    client = as_user(luanchuan_clerk)
    persons = client.get(f"/imports/{batch.pk}/").context["counts"][1]
    told = {}
    for figure in persons["figures"]:
        if figure["href"]:
            rows = client.get(figure["href"]).context["page"].rows
            told[figure["label"]] = {row.household_no for row in rows}
            assert len(rows) == figure["count"]
    assert told == {"新增": {"86300000000001"}, "退回": {"86300000000002"}}
    refused = client.get(f"/imports/{batch.pk}/rows/?kind=persons&verdict=rejected")
    assert "代码表外的取值" in refused.content.decode()
    for terms in ("kind=x", "verdict=x", "kind=persons&verdict="):
        assert client.get(f"/imports/{batch.pk}/rows/?{terms}").status_code == 404
    assert client.get(f"/imports/{batch.pk}/rows/?after=x").status_code == 200


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("number", [1, 3])
def test_rows_and_problems_take_the_same_queries_for_any_number(
    as_user: AsUser,
    stage: Stage,
    luanchuan_clerk: User,
    number: int,
    django_assert_num_queries: Any,
) -> None:
    rows = [row for n in range(1, number + 1) for row in family(n, 致贫原因="因懒")]
    found = stage(rows, region="410324")
    client = as_user(luanchuan_clerk)
    for page, queries in (("problems/", 6), ("rows/?kind=persons&verdict=rejected", 8)):
        client.get(f"/imports/{found.pk}/{page}")
        with django_assert_num_queries(queries + OF_THE_SCOPE + OF_THE_MENU):
            assert client.get(f"/imports/{found.pk}/{page}").status_code == 200


def test_problems_by_rule_and_page(as_user: AsUser, stage: Stage, luanchuan_clerk: User) -> None:
    rows = [row for n in range(1, 31) for row in family(n, 致贫原因="因懒")]
    found = stage([*rows, member(99, 50, 联系电话="6681379")], region="410324")
    client = as_user(luanchuan_clerk)
    first = client.get(f"/imports/{found.pk}/problems/", {"rule": "IMP06"})
    assert first.context["count"] == 60
    assert len(first.context["page"].rows) == 50
    rest = client.get(f"/imports/{found.pk}/problems/?{first.context['next']}")
    seen = [row["row_no"] for page in (first, rest) for row in page.context["page"].rows]
    assert len(seen) == len(set(seen)) == 60
    assert seen == sorted(seen)
    back = client.get(f"/imports/{found.pk}/problems/?{rest.context['page_previous']}")
    assert back.context["page"].rows == first.context["page"].rows
    assert client.get(f"/imports/{found.pk}/problems/?after=x&rule=%00").status_code == 200


def test_changes_are_shown_field_by_field(
    as_user: AsUser, load_rows: Stage, stage: Stage, luanchuan_clerk: User
) -> None:
    load_rows([*family(1), *family(2)], region="410324")
    rows = [*family(1, 联系电话="19900002222", 致贫原因="因残"), *family(2, 危房户="是")]
    changed = stage(rows, region="410324")
    client = as_user(luanchuan_clerk)

    def told(**terms: str) -> set[tuple[str, str, str]]:
        page = client.get(f"/imports/{changed.pk}/changes/", terms)
        return {(row.field, row.old, row.new) for row in page.context["rows"]}

    phone = ("联系电话", "*" * 11, "*" * 11)
    cause = ("主要致贫原因", "因病", "因残")
    assert {phone, cause} < told()
    assert told(field="main_cause") == {cause}
    assert told(village="410324100203") == told()
    # What is no choice narrows nothing.
    assert told(field="x", village="999999999999") == told()


def test_days_of_birth_are_shown_by_their_year(
    as_user: AsUser, load_rows: Stage, stage: Stage, luanchuan_clerk: User
) -> None:
    """Beside a masked number the day would make it whole again."""
    load_rows([member(1, 出生日期="1970-01-01")], region="410324")
    changed = stage(
        [
            member(1, 出生日期="1981-01-02"),
            member(3, 2, 出生日期="1971-03-04"),
            member(5, 3, 出生日期="1972-13-05"),
        ],
        region="410324",
    )
    client = as_user(luanchuan_clerk)
    changes = client.get(f"/imports/{changed.pk}/changes/")
    shown = {row.field: (row.old, row.new) for row in changes.context["rows"]}
    assert shown["出生日期"] == ("1970 年", "1981 年")
    problems = client.get(f"/imports/{changed.pk}/problems/")
    told = {row["rule"]: row["value"] for row in problems.context["page"].rows}
    assert told["IDN10"] == "1971 年"
    text = changes.content.decode() + problems.content.decode()
    for day in ("1970-01-01", "1981-01-02", "1971-03-04", "1972-13-05"):
        assert day not in text


def test_recognition_is_told(as_user: AsUser, stage: Stage, luanchuan_clerk: User) -> None:
    found = stage([member(1, 帮扶备注="已走访")], region="410324")
    page = as_user(luanchuan_clerk).get(f"/imports/{found.pk}/")
    columns = {column["header"]: column["fact"] for column in page.context["columns"]}
    assert columns["致贫原因"] == "主要致贫原因"
    assert [one["header"] for one in page.context["columns"] if not one["is_known"]] == ["帮扶备注"]
    text = page.content.decode()
    assert "已原样保存" in text
    assert "第 1 行" in text
    Batch.objects.filter(pk=found.pk).update(columns_appeared=["新列"], columns_vanished=["旧列"])
    text = as_user(luanchuan_clerk).get(f"/imports/{found.pk}/").content.decode()
    assert "多出：新列" in text
    assert "不再有：旧列" in text


def test_raw_rows_are_searched_by_post_alone(
    as_user: AsUser, stage: Stage, luanchuan_clerk: User
) -> None:
    found = stage([member(1, 帮扶备注="已走访两次"), member(3, 2)], region="410324")
    client = as_user(luanchuan_clerk)
    page = client.post(f"/imports/{found.pk}/raw/", {"text": "走访两"})
    assert [row.row_no for row in page.context["rows"]] == [2]
    text = page.content.decode()
    assert "<mark>已走访两次</mark>" in text
    assert id_number(1) not in text
    entry = AccessEntry.objects.filter(act="IMPORT").latest("id")
    assert entry.detail["step"] == "searched"
    assert "走访" not in str(entry.detail)
    assert (
        "没有找到" in client.post(f"/imports/{found.pk}/raw/", {"text": "没有的"}).content.decode()
    )
    assert client.post(f"/imports/{found.pk}/raw/", {"text": "一"}).status_code == 422
    assert client.get(f"/imports/{found.pk}/raw/?text=走访两").context["rows"] is None


# --- states ------------------------------------------------------------------------------------


def test_every_state_has_words(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    client = as_user(luanchuan_clerk)
    for state in BatchState:
        now = timezone.now()
        Batch.objects.filter(pk=batch.pk).update(
            state=state,
            applied_at=now,
            undone_at=now,
            refusal="工作簿带有宏。",
            refusal_code="macro",
        )
        text = client.get(f"/imports/{batch.pk}/").content.decode()
        assert state.label in text, state
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.REFUSED)
    text = client.get(f"/imports/{batch.pk}/").content.decode()
    assert "工作簿带有宏。" in text
    assert "代码 macro" in text
    assert "上传更正文件" in text


def test_a_job_that_failed_or_was_isolated_says_so(
    as_user: AsUser, city: None, luanchuan_clerk: User
) -> None:
    client = as_user(luanchuan_clerk)
    client.post("/imports/upload/", form())
    found = Batch.objects.get()
    Job.objects.update(state="QUARANTINED", error="执行进程多次中断。")
    text = client.get(f"/imports/{found.pk}/").content.decode()
    assert "已隔离" in text
    assert f"任务号 {found.job_id}" in text


def test_progress_with_the_time_that_is_left(
    as_user: AsUser, city: None, luanchuan_clerk: User
) -> None:
    client = as_user(luanchuan_clerk)
    client.post("/imports/upload/", form())
    found = Batch.objects.get()
    assert "排队中" in client.get(f"/imports/{found.pk}/").content.decode()
    since = timezone.now() - timezone.timedelta(seconds=30)
    Job.objects.update(
        state="RUNNING", lease_until=timezone.now(), phase="解析工作簿", phase_since=since,
        progress_done=100, progress_total=400,
    )  # fmt: skip
    text = client.get(f"/imports/{found.pk}/").content.decode()
    assert "解析工作簿" in text
    assert "25%" in text
    assert "约剩 2 分钟" in text


def test_durations() -> None:
    assert [duration(one) for one in (None, 0, 59, 60, 61)] == [
        "",
        "0 秒",
        "59 秒",
        "1 分钟",
        "2 分钟",
    ]


# --- deciding ----------------------------------------------------------------------------------


def test_apply_once(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    client = as_user(luanchuan_clerk)
    for _ in range(2):
        assert client.post(f"/imports/{batch.pk}/apply/").status_code == 302
    batch.refresh_from_db()
    assert batch.state == BatchState.APPLYING
    assert Job.objects.filter(kind="imports.apply").count() == 1
    entries = AccessEntry.objects.filter(act="IMPORT", subject=str(batch.pk))
    assert [entry.detail["step"] for entry in entries] == ["applied"]


def test_discard(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> None:
    as_user(luanchuan_clerk).post(f"/imports/{batch.pk}/discard/")
    batch.refresh_from_db()
    assert batch.state == BatchState.DISCARDED


def test_acceptance_with_its_consequences(
    as_user: AsUser, stage: Stage, luanchuan_clerk: User
) -> None:
    """One row of a household of two is bad: by rows one person is written, by households none."""
    rows = [member(1), member(2, 致贫原因="因病", 健康状况="未知病况"), *family(2)]
    found = stage(rows, region="410324")
    client, address = as_user(luanchuan_clerk), f"/imports/{found.pk}/"
    text = client.get(address).content.decode()
    assert "写入 2 户、3 人，退回 0 户、1 人。" in text
    assert "再退回 1 户的 1 行" in text
    client.post(f"{address}accept/", {"acceptance": Acceptance.HOUSEHOLDS})
    carry("imports.judge")
    page = client.get(address)
    persons = next(row for row in page.context["counts"] if row["label"] == "人")
    assert [figure["count"] for figure in persons["figures"]] == [2, 0, 0, 2]
    client.post(f"{address}accept/", {"acceptance": Acceptance.ALL})
    carry("imports.judge")
    text = client.get(address).content.decode()
    assert "确认写入</button>" not in text
    assert "有退回的行，现在不能写入" in text
    answer = client.post(f"{address}apply/", follow=True)
    found.refresh_from_db()
    assert found.state == BatchState.STAGED
    assert "退回" in answer.content.decode()
    assert "请选择接收方式" in client.post(f"{address}accept/", follow=True).content.decode()


def test_undo_tells_first_and_then_does(
    as_user: AsUser, load_rows: Stage, luanchuan_clerk: User
) -> None:
    found = load_rows(family(1), region="410324")
    client, address = as_user(luanchuan_clerk), f"/imports/{found.pk}/undo/"
    text = client.get(address).content.decode()
    assert "新增的 1 户 2 人移出登记" in text
    assert client.post(address).url == f"/imports/{found.pk}/"
    carry("imports.undo")
    found.refresh_from_db()
    assert found.state == BatchState.UNDONE
    assert "已撤销" in client.get(f"/imports/{found.pk}/").content.decode()


def test_undo_that_cannot_be_tells_why(
    as_user: AsUser, load_rows: Stage, luanchuan_clerk: User
) -> None:
    found = load_rows(family(1), region="410324")
    load_rows(family(1, 致贫原因="因残"), region="410324")
    client, address = as_user(luanchuan_clerk), f"/imports/{found.pk}/undo/"
    page = client.get(address)
    assert page.context["obstacles"]
    assert "现在不能撤销" in page.content.decode()
    assert "撤销本批</button>" not in page.content.decode()
    answer = client.post(address, follow=True)
    assert "现在不能撤销" in answer.content.decode()
    found.refresh_from_db()
    assert found.state == BatchState.APPLIED


# --- handing back ------------------------------------------------------------------------------


@pytest.fixture
def returned(as_user: AsUser, batch: Batch, luanchuan_clerk: User) -> ReturnedFile:
    as_user(luanchuan_clerk).post(f"/imports/{batch.pk}/return/", {"kind": ReturnKind.BAD_ROWS})
    carry("imports.return")
    return ReturnedFile.objects.get()


@pytest.mark.may_show_numbers("a workbook goes back to those who may load it")
def test_workbook_handed_back(
    as_user: AsUser, batch: Batch, returned: ReturnedFile, luanchuan_clerk: User
) -> None:
    client = as_user(luanchuan_clerk)
    address = f"/imports/{batch.pk}/returned/{returned.pk}/"
    assert address in client.get(f"/imports/{batch.pk}/").content.decode()
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert AccessEntry.objects.latest("id").detail["step"] == "downloaded"


def test_workbook_handed_back_is_not_for_others(
    as_user: AsUser, batch: Batch, returned: ReturnedFile, stage: Stage,
    songxian_clerk: User, city_leader: User, luanchuan_clerk: User,
) -> None:  # fmt: skip
    address = f"/imports/{batch.pk}/returned/{returned.pk}/"
    assert as_user(songxian_clerk).get(address).status_code == 404
    assert as_user(city_leader).get(address).status_code == 403
    client = as_user(luanchuan_clerk)
    assert client.post(address).status_code == 405
    other = stage(family(8), region="410324")
    assert client.get(f"/imports/{other.pk}/returned/{returned.pk}/").status_code == 404
    ReturnedFile.objects.update(sha256="")
    assert client.get(address).status_code == 404


def test_a_wish_for_a_workbook_is_strict(
    as_user: AsUser, batch: Batch, luanchuan_clerk: User
) -> None:
    client = as_user(luanchuan_clerk)
    for data in ({}, {"kind": "x"}, {"kind": "CHANGES", "village": "x"}):
        client.post(f"/imports/{batch.pk}/return/", data)
    assert not ReturnedFile.objects.exists()
    client.post(f"/imports/{batch.pk}/return/", {"kind": "CHANGES", "field": "main_cause"})
    assert ReturnedFile.objects.get().field == "main_cause"
    assert "生成中" in client.get(f"/imports/{batch.pk}/").content.decode()
