"""Rows out of the product: masked at once, whole only with a second person's word."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.conf import settings as site
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant
from core.exports import services
from core.exports.models import ExportFile, ExportRelease, FileState, ReleaseState
from core.exports.services import NotAllowedError, Order, WrongStateError, region_of
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger.models import AccessEntry
from core.scope import Maintenance
from households import workbooks
from households.models import PersonYear
from households.services.assigning import assign
from tests.conftest import LONG_AGO, person
from tests.factories.households import NEIGHBOUR, household

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
EXPORT, LIST = reverse("households:export"), reverse("exports:list")
MASKED = {"file_format": "xlsx", "numbers": "masked", "purpose": "核对栾川县名单"}
FULL = {**MASKED, "numbers": "full"}


@pytest.fixture
def county_office() -> Any:
    """Releases exports of 栾川县."""
    return person("office", Role.COUNTY_OFFICE, "410324")


@pytest.fixture
def neighbour_office() -> Any:
    return person("neighbour", Role.COUNTY_OFFICE, "410325")


def worked() -> Job:
    """Do the newest job as a worker does."""
    job = Job.objects.filter(kind="core.export").latest("id")
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    return job


def ended(user: Any) -> None:
    """All grants of the person end yesterday."""
    yesterday = timezone.localdate() - timedelta(days=1)
    Grant.objects.filter(user=user).update(valid_to=yesterday)


def grant(user: Any, role: Role, region: str) -> None:
    """One more grant, known at once."""
    Grant.objects.create(user=user, role=role, region_prefix=region, valid_from=LONG_AGO)
    vars(user).pop("_grants", None)
    vars(user).pop("permissions", None)


@pytest.fixture
def entrusted(luanchuan_clerk: Any, neighbour_office: Any) -> str:
    """The number of a household of the neighbour that is assigned to the clerk of 栾川县."""
    grant(luanchuan_clerk, Role.HELPER, "410325")
    row = household(code=NEIGHBOUR)
    assign(household=row.household, user=luanchuan_clerk, reason="帮扶", by=neighbour_office)
    return row.household.household_no


def cells(response: Any) -> list[list[Any]]:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def noted(act: str) -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(act=act).order_by("id"))


def ask(by: Any, **more: Any) -> ExportRelease:
    order = Order("households", {"year": 2018}, more.get("region", "410324"), "xlsx", "核对名单", 1)
    return services.ask(order=order, request=None, by=by)


# --- masked, at once ---------------------------------------------------------------------------


def test_the_form_says_what_will_be_exported(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    household(code=NEIGHBOUR)
    response = as_user(luanchuan_clerk).get(EXPORT, {"status": "poor"})
    text = response.content.decode()
    assert response.status_code == 200
    assert response.context["total"] == 1
    for words in ("共 1 户", "未脱贫", "用途", "须第二人复核"):
        assert words in text


def test_masked_rows_of_the_search_come_at_once(as_user: As, luanchuan_clerk: Any) -> None:
    row = household("exited", head="=HYPERLINK(1)")
    household()
    household(code=NEIGHBOUR)
    response = as_user(luanchuan_clerk).post(f"{EXPORT}?status=exited", MASKED)
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    mark, head, *rows = cells(response)
    assert "导出人：luanchuan（luanchuan）" in mark[0]
    assert "用途：核对栾川县名单" in mark[0]
    assert head[:3] == ["户编号", "户主姓名", "户主证件号码"]
    assert [line[0] for line in rows] == [row.household.household_no]
    assert rows[0][1] == "=HYPERLINK(1)"
    assert rows[0][2][6:14] == "********"
    assert rows[0][3] == "139****1234"
    (entry,) = noted("EXPORT")
    assert (entry.rows, entry.purpose, entry.region) == (1, "核对栾川县名单", "410324")
    assert entry.detail["terms"]["status"] == ["exited"]
    assert not ExportFile.objects.exists()


def test_masked_rows_as_csv(as_user: As, luanchuan_clerk: Any) -> None:
    row = household(head="=1+1")
    response = as_user(luanchuan_clerk).post(EXPORT, {**MASKED, "file_format": "csv"})
    assert response["Content-Type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert lines[2][:2] == [f"'{row.household.household_no}", "'=1+1"]
    assert noted("EXPORT")[0].rows == 1


def test_a_search_for_a_name_leaves_no_name_behind(as_user: As, luanchuan_clerk: Any) -> None:
    household(head="王小二")
    client = as_user(luanchuan_clerk)
    assert len(cells(client.post(f"{EXPORT}?q=王小二", MASKED))) == 3
    (entry,) = noted("EXPORT")
    assert entry.detail["terms"].get("by_name") is True
    assert "王小二" not in str(entry.detail)
    # Full numbers and background work would have to remember it.
    assert client.post(f"{EXPORT}?q=王小二", FULL).status_code == 422
    assert not ExportRelease.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": ""}, {"purpose": "无"}, {"purpose": "x" * 201}, {"file_format": "exe"}, {"numbers": "all"},
        {"purpose": "核对 13900001234 的名单"},
    ],
)  # fmt: skip
@pytest.mark.may_show_numbers("the form shows what was typed into it")
def test_a_bad_form_exports_nothing(
    as_user: As, luanchuan_clerk: Any, changes: dict[str, str]
) -> None:
    household()
    response = as_user(luanchuan_clerk).post(EXPORT, {**MASKED, **changes})
    assert response.status_code == 422
    assert not noted("EXPORT")


def test_a_bad_search_goes_back_to_the_list(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    response = as_user(luanchuan_clerk).post(f"{EXPORT}?income_below=many", MASKED)
    assert (response.status_code, response.url.partition("?")[0]) == (
        302,
        reverse("households:list"),
    )


@pytest.mark.parametrize("query", ["region=410325", "county=410325", "region=x", "region=4104"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_neighbours_rows_are_not_there(
    as_user: As, luanchuan_clerk: Any, query: str, method: str
) -> None:
    household()
    household(code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    address = f"{EXPORT}?{query}"
    asked = client.get(address) if method == "get" else client.post(address, MASKED)
    assert asked.status_code == 404


def test_export_needs_the_right(as_user: As, stranger: Any, client: Client) -> None:
    household()
    assert as_user(stranger).get(EXPORT).status_code == 403
    assert as_user(stranger).post(EXPORT, MASKED).status_code == 403
    assert client.post(EXPORT, MASKED).status_code == 302


def test_export_is_got_or_posted(as_user: As, luanchuan_clerk: Any) -> None:
    assert as_user(luanchuan_clerk).put(EXPORT).status_code == 405


def test_rows_cost_the_same_queries_for_three_as_for_one(
    as_user: As, city_leader: Any, monkeypatch: Any
) -> None:
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)
    client = as_user(city_leader)
    household(members=1)
    taken = []
    for count in (1, 3):
        client.post(EXPORT, MASKED)
        with CaptureQueriesContext(connection) as captured:
            assert len(cells(client.post(EXPORT, MASKED))) == count + 2
        taken.append(len(captured))
        household(members=1)
        household(members=1, code=NEIGHBOUR)
    assert taken[0] == taken[1]


def test_chunks_lose_and_repeat_no_row(as_user: As, city_leader: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("households.workbooks.CHUNK", 2)
    numbers = {household(members=1).household.household_no for _ in range(5)}
    rows = cells(as_user(city_leader).post(EXPORT, MASKED))[2:]
    assert len(rows) == 5
    assert {row[0] for row in rows} == numbers


# --- masked, in the background -----------------------------------------------------------------


@pytest.fixture
def many(monkeypatch: Any) -> None:
    """Two rows are many."""
    for place in ("core.exports.services", "households.views.exporting"):
        monkeypatch.setattr(f"{place}.AT_ONCE", 1)


@pytest.mark.usefixtures("many")
def test_many_rows_are_written_in_the_background(as_user: As, luanchuan_clerk: Any) -> None:
    for _ in range(2):
        household()
    household(code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    assert client.post(EXPORT, MASKED, follow=True).redirect_chain == [(LIST, 302)]
    file = ExportFile.objects.get()
    assert (file.state, file.region_prefix, file.job.queue) == ("WAITING", "410324", "exports")
    assert client.get(reverse("exports:download", args=[file.pk])).status_code == 404
    job = worked()
    assert (job.state, job.result) == (JobState.DONE, {"rows": 2})
    file.refresh_from_db()
    assert (file.state, file.rows) == (FileState.READY, 2)
    assert str(site.UPLOAD_DIR) in str(file.path)
    assert file.path.stat().st_mode & 0o077 == 0
    text = client.get(LIST).content.decode()
    assert "可下载" in text
    rows = cells(client.get(reverse("exports:download", args=[file.pk])))
    assert len(rows) == 4
    assert all("********" in row[2] for row in rows[2:])
    assert [entry.detail["step"] for entry in noted("EXPORT")] == ["made", "downloaded"]


@pytest.mark.usefixtures("many")
def test_a_file_is_the_askers_alone_and_only_while_the_rights_last(
    as_user: As, luanchuan_clerk: Any, county_office: Any
) -> None:
    for _ in range(2):
        household()
    client = as_user(luanchuan_clerk)
    client.post(EXPORT, MASKED)
    worked()
    address = reverse("exports:download", args=[ExportFile.objects.get().pk])
    assert client.get(address).status_code == 200
    assert as_user(county_office).get(address).status_code == 404
    assert client.post(address).status_code == 405
    ExportFile.objects.update(expires_at=timezone.now())
    assert client.get(address).status_code == 404
    ExportFile.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert client.get(address).status_code == 200
    ended(luanchuan_clerk)
    assert client.get(address).status_code == 404


@pytest.mark.usefixtures("many")
def test_rights_count_when_the_file_is_written(as_user: As, luanchuan_clerk: Any) -> None:
    for _ in range(2):
        household()
    as_user(luanchuan_clerk).post(EXPORT, MASKED)
    ended(luanchuan_clerk)
    job = worked()
    assert (job.state, job.error) == (JobState.FAILED, "权限已变化，不能再导出这些数据。")
    assert ExportFile.objects.get().state == FileState.FAILED


def test_no_unfinished_file_stays_when_writing_fails(
    as_user: As, luanchuan_clerk: Any, monkeypatch: Any, many: None
) -> None:
    for _ in range(2):
        household()
    as_user(luanchuan_clerk).post(EXPORT, MASKED)
    monkeypatch.setattr("core.workbooks.writing.write", lambda *_, **__: 1 / 0)
    assert worked().state == JobState.QUEUED
    assert not list((site.UPLOAD_DIR / "exports").glob("*.part"))


@pytest.mark.usefixtures("many")
def test_a_person_of_two_counties_exports_in_the_background(
    as_user: As, luanchuan_clerk: Any
) -> None:
    both = person("both", Role.COUNTY_CLERK, "410324", "410325")
    household()
    household(code=NEIGHBOUR)
    client = as_user(both)
    assert client.post(EXPORT, MASKED).url == LIST
    file = ExportFile.objects.get()
    assert (file.region_prefix, file.job.scope) == ("4103", "410324")
    assert worked().result == {"rows": 2}
    assert len(cells(client.get(reverse("exports:download", args=[file.pk])))) == 4
    # The person's own, not what else lies in the division that holds both.
    assert as_user(luanchuan_clerk).get(LIST).context["files"] == []


@pytest.mark.usefixtures("many")
def test_the_file_holds_its_region_alone(as_user: As, luanchuan_clerk: Any) -> None:
    """Rows that a later grant lets the person see besides do not ride along."""
    for _ in range(2):
        household()
    elsewhere = household(code=NEIGHBOUR).household.household_no
    client = as_user(luanchuan_clerk)
    client.post(EXPORT, MASKED)
    grant(luanchuan_clerk, Role.LEADER, "410325")
    assert worked().result == {"rows": 2}
    file = ExportFile.objects.get()
    rows = cells(client.get(reverse("exports:download", args=[file.pk])))[2:]
    assert elsewhere not in {row[0] for row in rows}


def test_a_search_with_a_place_exports_what_lies_there(
    as_user: As, luanchuan_clerk: Any, entrusted: str
) -> None:
    household()
    client = as_user(luanchuan_clerk)
    # All that the page shows, or its share in the place.
    assert entrusted in {row[0] for row in cells(client.post(EXPORT, MASKED))[2:]}
    rows = cells(client.post(f"{EXPORT}?county=410324", MASKED))[2:]
    assert len(rows) == 1
    assert entrusted not in {row[0] for row in rows}
    assert [(entry.region, entry.rows) for entry in noted("EXPORT")] == [
        ("410324", 2), ("410324", 1),
    ]  # fmt: skip


# --- whole numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.LEADER, Role.COUNTY_CLERK])
@pytest.mark.may_show_numbers("a released file holds whole numbers")
def test_whole_numbers_are_of_the_released_region_only(
    as_user: As, luanchuan_clerk: Any, city_admin: Any, entrusted: str, role: Role
) -> None:
    own = household().household.household_no
    client = as_user(luanchuan_clerk)
    assert entrusted in client.get(reverse("households:list")).content.decode()
    client.post(EXPORT, FULL)
    release = ExportRelease.objects.get()
    # What the second person is told is what the file will hold.
    assert (release.region_prefix, release.rows_estimated) == ("410324", 1)
    services.release(release=release, by=city_admin)
    # Got after the release: the neighbour's rows, without and with the right to reveal them.
    grant(luanchuan_clerk, role, "410325")
    services.use(release=release, by=luanchuan_clerk)
    assert worked().result == {"rows": 1}
    address = reverse("exports:download", args=[ExportFile.objects.get().pk])
    assert [row[0] for row in cells(client.get(address))[2:]] == [own]


def test_whole_numbers_are_those_the_person_may_reveal(luanchuan_clerk: Any) -> None:
    """Even where somebody let a wider division out."""
    household()
    household(code=NEIGHBOUR)
    grant(luanchuan_clerk, Role.LEADER, "410325")
    terms: dict[str, Any] = {"year": 2018}
    for full, found in ((False, 2), (True, 1)):
        how: dict[str, Any] = {"region": "4103", "full": full}
        assert workbooks.count(terms, luanchuan_clerk, **how) == found
        assert len(list(workbooks.lines(terms, luanchuan_clerk, **how))) == found


@pytest.mark.may_show_numbers("a released file holds whole numbers")
def test_whole_numbers_take_two_people(
    as_user: As, luanchuan_clerk: Any, county_office: Any
) -> None:
    row = household(head="张三")
    clerk, office = as_user(luanchuan_clerk), as_user(county_office)
    assert clerk.post(f"{EXPORT}?status=poor", FULL).url == LIST
    release = ExportRelease.objects.get()
    assert (release.state, release.rows_estimated) == ("ASKED", 1)
    use = reverse("exports:use", args=[release.pk])
    clerk.post(use)
    assert not ExportFile.objects.exists()
    text = office.get(LIST).content.decode()
    assert "待我复核" in text
    assert "核对栾川县名单" in text
    assert "脱贫状态：未脱贫" in text
    decide = reverse("exports:decide", args=[release.pk])
    office.post(decide, {"decision": "release"})
    release.refresh_from_db()
    assert (release.state, release.decided_by) == (ReleaseState.RELEASED, county_office)
    # The one who released cannot use it.
    assert office.post(use).status_code == 404
    clerk.post(use)
    assert worked().state == JobState.DONE
    file = ExportFile.objects.get()
    rows = cells(clerk.get(reverse("exports:download", args=[file.pk])))
    head = PersonYear.objects.heads().get(household=row.household).person
    assert rows[2][1:4] == ["张三", head.id_no, "13900001234"]
    assert f"编号：{file.pk}，含完整号码" in rows[0][0]
    # Once and no more.
    clerk.post(use)
    assert ExportFile.objects.count() == 1
    steps = [entry.detail["step"] for entry in noted("EXPORT_RELEASE")]
    assert steps == ["asked", "released", "used"]
    assert [entry.detail["full"] for entry in noted("EXPORT")] == [True, True]


def test_nobody_releases_what_they_asked_for(as_user: As, county_office: Any) -> None:
    household()
    release = ask(county_office)
    client = as_user(county_office)
    address = reverse("exports:decide", args=[release.pk])
    assert client.post(address, {"decision": "release"}).status_code == 404
    assert release not in client.get(LIST).context["to_decide"]
    with pytest.raises(NotAllowedError):
        services.release(release=release, by=county_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportRelease.objects.filter(pk=release.pk).update(
            decided_by=county_office, decided_at=timezone.now(), state=ReleaseState.RELEASED
        )


def test_a_decision_belongs_to_the_region(
    as_user: As, luanchuan_clerk: Any, neighbour_office: Any, city_admin: Any
) -> None:
    release = ask(luanchuan_clerk)
    address = reverse("exports:decide", args=[release.pk])
    decision = {"decision": "release"}
    assert as_user(neighbour_office).post(address, decision).status_code == 404
    assert as_user(luanchuan_clerk).post(address, decision).status_code == 403
    with pytest.raises(NotAllowedError):
        services.release(release=release, by=neighbour_office)
    assert as_user(city_admin).get(address).status_code == 405
    assert (
        as_user(city_admin).post(reverse("exports:decide", args=[0]), decision).status_code == 404
    )
    assert as_user(city_admin).post(address, decision).status_code == 302
    release.refresh_from_db()
    assert release.state == ReleaseState.RELEASED


def test_rows_of_two_counties_are_the_citys_to_release(county_office: Any) -> None:
    both = person("both", Role.COUNTY_CLERK, "410324", "410325")
    assert region_of(both) == "4103"
    assert region_of(both, "410324") == "410324"
    # Somebody who holds both counties does not hold the city.
    with pytest.raises(NotAllowedError):
        ask(both, region="4103")


@pytest.mark.parametrize(
    ("prefixes", "place", "region"),
    [
        (("410324",), "", "410324"),
        (("4103",), "410324100203", "410324100203"),
        (("410324",), "4103", "410324"),
        (("410324101", "410324102"), "", "410324"),
        (("410324101", "410325102"), "", "4103"),
        (("410324",), "410325", ""),
        ((), "", ""),
    ],
)
def test_the_region_of_an_export(prefixes: tuple[str, ...], place: str, region: str) -> None:
    assert region_of(Maintenance(*prefixes), place) == region


def test_a_refusal_says_why(as_user: As, luanchuan_clerk: Any, county_office: Any) -> None:
    release = ask(luanchuan_clerk)
    client = as_user(county_office)
    address = reverse("exports:decide", args=[release.pk])
    client.post(address, {"decision": "refuse"})
    release.refresh_from_db()
    assert release.state == ReleaseState.ASKED
    client.post(address, {"decision": "refuse", "remark": "用途不明"})
    release.refresh_from_db()
    assert (release.state, release.remark) == (ReleaseState.REFUSED, "用途不明")
    with pytest.raises(WrongStateError):
        services.release(release=release, by=county_office)
    with pytest.raises(WrongStateError):
        services.use(release=release, by=luanchuan_clerk)
    assert "用途不明" in as_user(luanchuan_clerk).get(LIST).content.decode()


def test_only_who_may_reveal_may_ask(as_user: As, city_leader: Any) -> None:
    household()
    response = as_user(city_leader).post(EXPORT, FULL)
    assert response.status_code == 422
    with pytest.raises(NotAllowedError):
        ask(city_leader, region="4103")


@pytest.mark.parametrize("state", ["ASKED", "RELEASED"])
def test_requests_and_releases_run_out(
    luanchuan_clerk: Any, county_office: Any, state: str
) -> None:
    release = ask(luanchuan_clerk)
    if state == "RELEASED":
        services.release(release=release, by=county_office)
    assert services.due_releases(timezone.now(), 10) == []
    assert services.expire_releases([release.pk]) == 0
    ExportRelease.objects.update(expires_at=timezone.now())
    act = services.release if state == "ASKED" else services.use
    by = county_office if state == "ASKED" else luanchuan_clerk
    with pytest.raises(WrongStateError):
        act(release=release, by=by)
    assert services.expire_releases(services.due_releases(timezone.now(), 10)) == 1
    release.refresh_from_db()
    assert release.state == ReleaseState.EXPIRED
    assert services.due_releases(timezone.now(), 10) == []


def test_the_database_wants_a_release_for_whole_numbers(luanchuan_clerk: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportFile.objects.create(
            kind="households", region_prefix="410324", file_format="xlsx", purpose="核对名单",
            is_full=True, asked_by=luanchuan_clerk, expires_at=timezone.now(),
        )  # fmt: skip


def full_file(release: ExportRelease, by: Any, **changes: Any) -> ExportFile:
    """The row of a file with whole numbers, as it stands after `use`."""
    row = {
        "kind": release.kind, "terms": release.terms, "region_prefix": release.region_prefix,
        "file_format": "xlsx", "purpose": "核对名单", "release": release, "is_full": True,
        "asked_by": by, "expires_at": timezone.now(),
    }  # fmt: skip
    return ExportFile.objects.create(**row | changes)


def test_the_database_looks_into_the_release(
    luanchuan_clerk: Any, songxian_clerk: Any, county_office: Any
) -> None:
    release = ask(luanchuan_clerk)

    def refused(**changes: Any) -> None:
        with pytest.raises(IntegrityError, match="without a release"), transaction.atomic():
            full_file(release, luanchuan_clerk, **changes)

    refused()
    services.release(release=release, by=county_office)
    refused(asked_by=songxian_clerk)
    refused(region_prefix="4103")
    refused(terms={"year": 2017})
    # Nor does a masked file become a full one, nor a full one that of a wider region.
    masked = full_file(release, songxian_clerk, is_full=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportFile.objects.filter(pk=masked.pk).update(is_full=True)
    masked.delete()
    file = full_file(release, luanchuan_clerk)
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportFile.objects.filter(pk=file.pk).update(region_prefix="4103")
    ExportFile.objects.filter(pk=file.pk).update(state=FileState.REMOVED)


def test_the_database_takes_no_refused_release(luanchuan_clerk: Any, county_office: Any) -> None:
    release = ask(luanchuan_clerk)
    services.refuse(release=release, remark="用途不明", by=county_office)
    with pytest.raises(IntegrityError, match="without a release"), transaction.atomic():
        full_file(release, luanchuan_clerk)


def test_the_list_is_a_persons_own(as_user: As, luanchuan_clerk: Any, songxian_clerk: Any) -> None:
    ask(luanchuan_clerk)
    assert len(as_user(luanchuan_clerk).get(LIST).context["asked"]) == 1
    assert as_user(songxian_clerk).get(LIST).context["asked"] == []
    assert as_user(luanchuan_clerk).post(LIST).status_code == 405


def test_the_list_takes_as_many_queries_for_three_as_for_one(
    as_user: As, luanchuan_clerk: Any, county_office: Any
) -> None:
    client = as_user(county_office)
    taken = []
    for count in (1, 3):
        while ExportRelease.objects.count() < count:
            ask(luanchuan_clerk)
        client.get(LIST)
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get(LIST).context["to_decide"]) == count
        taken.append(len(captured))
    assert taken[0] == taken[1]
