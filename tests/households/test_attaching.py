"""Papers handed in: proven, sealed, once, opened by few and on record, withdrawn and never gone."""

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from accounts.enums import Role
from core import ledger, vault
from core.ledger.models import AccessEntry
from households.models import Attachment, Change, HouseholdYear, Partition, Procedure
from households.services import attaching
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.papers_handed_in import jpeg, pdf, png

As = Callable[[Any], Client]

pytestmark = pytest.mark.django_db

CARD, MINUTES = "26", "1"
OPENING = {"purpose": "VERIFY", "words": "核对低保证"}


@pytest.fixture
def village_official(db: None) -> Any:
    """Hands papers in; full numbers are not shown there."""
    return person("village_official", Role.VILLAGE, HOME)


@pytest.fixture
def town_clerk(db: None) -> Any:
    return person("town_clerk", Role.TOWN_CLERK, HOME[:9])


@pytest.fixture
def row(db: None) -> HouseholdYear:
    return household(code=HOME, head="何梅德")


def upload(data: bytes, name: str = "照片.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def handed_in(row: HouseholdYear, by: Any, data: bytes = b"", **changes: Any) -> Attachment:
    told = {"kind": CARD, "file": upload(data or jpeg()), "partition": row.partition_id}
    return attaching.attach(household=row.household, by=by, **{**told, **changes})


def page(row: HouseholdYear) -> str:
    return f"/households/{row.household.household_no}/attachments/"


def act(paper: Attachment, what: str) -> str:
    return f"/households/attachments/{paper.pk}/{what}/"


def form(data: bytes = b"", **changes: Any) -> dict[str, Any]:
    return {"kind": CARD, "note": "2018 年换证", "file": upload(data or jpeg()), **changes}


def reveals() -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(act=ledger.Act.REVEAL).order_by("id"))


# --- Handing in --------------------------------------------------------------------------------


def test_a_clerk_hands_in_a_photo(as_user: As, luanchuan_clerk: Any, row: HouseholdYear) -> None:
    client = as_user(luanchuan_clerk)
    response = client.post(page(row), form(jpeg(with_place=True)))
    assert (response.status_code, response["Location"]) == (302, f"{page(row)}?year=2018")
    paper = Attachment.objects.get()
    assert (paper.household_id, paper.partition_id) == (row.household_id, 2018)
    assert (paper.village_code, paper.media_type) == (HOME, "image/jpeg")
    assert paper.created_by_id == luanchuan_clerk.pk
    text = client.get(page(row)).content.decode()
    for shown in ("低保证", "2018 年换证", "附件（1 份）"):
        assert shown in text


def test_the_file_lies_sealed_under_its_hash(luanchuan_clerk: Any, row: HouseholdYear) -> None:
    paper = handed_in(row, luanchuan_clerk)
    assert paper.path == Path(settings.UPLOAD_DIR) / "attachments" / paper.sha256[:2] / (
        f"{paper.sha256}.sealed"
    )
    kept = paper.path.read_bytes()
    assert b"\xff\xd8\xff" not in kept
    assert (paper.path.stat().st_mode & 0o777) == 0o600
    body = attaching.opened(
        attachment=paper, purpose="VERIFY", words="核对低保证", request=None, by=luanchuan_clerk
    )
    assert hashlib.sha256(body).hexdigest() == paper.sha256
    assert len(body) == paper.size


def test_the_same_file_twice_is_one_file(luanchuan_clerk: Any, row: HouseholdYear) -> None:
    first = handed_in(row, luanchuan_clerk, jpeg(colour=90))
    assert handed_in(row, luanchuan_clerk, jpeg(colour=90)).pk == first.pk
    other = handed_in(household(code=HOME), luanchuan_clerk, jpeg(colour=90))
    assert (other.sha256, other.pk != first.pk) == (first.sha256, True)
    assert len(list(first.path.parent.glob(f"{first.sha256}*"))) == 1


def test_a_damaged_file_is_mended_by_handing_it_in_again(
    luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    paper = handed_in(row, luanchuan_clerk, jpeg(colour=91))
    whole = paper.path.read_bytes()
    paper.path.write_bytes(whole[:-9])
    other = handed_in(household(code=HOME), luanchuan_clerk, jpeg(colour=91))
    assert (other.path, other.path.read_bytes()) == (paper.path, whole)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": ""}, "请选择材料类型。"),
        ({"kind": "999"}, "请选择材料类型。"),
        ({"file": ""}, "请选择文件。"),
        ({"file": upload(b"MZ\x90\x00 program", "照片.jpg")}, "只能上传"),
        ({"file": upload(jpeg()[:300])}, "图片打不开"),
        ({"file": upload(pdf(catalog=b"/A << /S /JavaScript >>"), "a.pdf")}, "脚本、动作或附件"),
        pytest.param(
            {"note": "电话 13900001234"},
            "不要填写证件号码",
            marks=pytest.mark.may_show_numbers("what was typed stands in the form again"),
        ),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear, changes: dict[str, Any], words: str
) -> None:
    response = as_user(luanchuan_clerk).post(page(row), form(**changes))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Attachment.objects.exists()


def test_a_file_that_is_too_large_is_refused(
    luanchuan_clerk: Any, row: HouseholdYear, settings: Any
) -> None:
    settings.ATTACHMENT_MAX_MB = 1
    with pytest.raises(attaching.UnfitError, match="超过 1 MB"):
        handed_in(row, luanchuan_clerk, jpeg() + b"\0" * 1024 * 1024)


def test_a_closed_year_can_still_be_proven(luanchuan_clerk: Any, row: HouseholdYear) -> None:
    Partition.objects.filter(year=2018).update(closed_at="2019-03-01T00:00:00Z")
    assert handed_in(row, luanchuan_clerk).pk


def test_a_paper_belongs_to_a_year_that_the_household_has(
    luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    Partition.objects.create(year=2015)
    with pytest.raises(attaching.UnfitError, match="2015"):
        handed_in(row, luanchuan_clerk, partition=2015)


def test_a_paper_can_be_that_of_a_change(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    change = Change.objects.create(
        key=uuid4(), kind="EDIT", state="APPLIED", village_code=HOME, household=row.household,
        partition_id=2018, payload="{}", created_by=luanchuan_clerk,
    )  # fmt: skip
    assert handed_in(row, luanchuan_clerk, change=change).change_id == change.pk
    with pytest.raises(attaching.UnfitError, match="不是该户的"):
        handed_in(household(code=HOME), luanchuan_clerk, change=change)
    client, here = as_user(luanchuan_clerk), f"{page(row)}?year=2018&change={change.pk}"
    # The page of the change leads here.
    assert (
        here.replace("&", "&amp;")
        in client.get(f"/households/changes/{change.pk}/").content.decode()
    )
    assert f"归入第 {change.pk} 号变更" in client.get(here).content.decode()
    assert client.post(here, form(png()))["Location"] == here
    assert Attachment.objects.filter(change=change).count() == 2
    for wrong in ("999999", "x", "１"):
        assert client.get(f"{page(row)}?year=2018&change={wrong}").status_code == 404


def test_new_keys_reach_the_files(
    luanchuan_clerk: Any,
    row: HouseholdYear,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.UPLOAD_DIR = tmp_path
    paper = handed_in(row, luanchuan_clerk, jpeg(colour=33))
    damaged = handed_in(row, luanchuan_clerk, jpeg(colour=34))
    damaged.path.write_bytes(damaged.path.read_bytes()[:-1] + b"?")
    longer = vault.with_new_key(vault.ring())
    monkeypatch.setattr(vault, "ring", lambda: longer)
    told: list[str] = []
    assert attaching.reseal_papers(told.append) == 1
    assert paper.path.read_bytes()[1] == longer.current
    assert damaged.path.read_bytes()[1] != longer.current
    assert any(damaged.sha256 in line for line in told)
    body = attaching.opened(
        attachment=paper, purpose="VERIFY", words="核对", request=None, by=luanchuan_clerk
    )
    assert hashlib.sha256(body).hexdigest() == paper.sha256
    assert attaching.reseal_papers() == 0


# --- Who ---------------------------------------------------------------------------------------


def test_the_neighbour_finds_nothing(
    as_user: As, songxian_clerk: Any, luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    paper = handed_in(row, luanchuan_clerk)
    client = as_user(songxian_clerk)
    assert client.get(page(row)).status_code == 404
    assert client.post(page(row), form()).status_code == 404
    assert client.post(act(paper, "open"), OPENING).status_code == 404
    assert client.post(act(paper, "withdraw"), {"reason": "拍错"}).status_code == 404
    assert reveals() == []
    with pytest.raises(attaching.UnfitError, match="权限"):
        handed_in(row, songxian_clerk)
    with pytest.raises(attaching.UnfitError, match="权限"):
        attaching.withdraw(attachment=paper, reason="拍错", by=songxian_clerk)


def test_readers_without_the_right_are_refused(
    as_user: As, city_leader: Any, village_official: Any, luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    paper = handed_in(row, luanchuan_clerk)
    leader = as_user(city_leader)
    text = leader.get(page(row)).content.decode()
    assert "低保证" in text
    assert "作废</button>" not in text
    assert ">打开</button>" not in text
    assert leader.post(page(row), form()).status_code == 403
    assert leader.post(act(paper, "withdraw"), {"reason": "拍错"}).status_code == 403
    # A village official hands papers in, but full numbers are not shown there.
    official = as_user(village_official)
    assert official.post(act(paper, "open"), OPENING).status_code == 403
    assert official.post(page(row), form(png())).status_code == 302
    with pytest.raises(PermissionError):
        attaching.opened(
            attachment=paper, purpose="VERIFY", words="核对", request=None, by=village_official
        )


def test_strangers_and_nobody_find_nothing(as_user: As, stranger: Any, row: HouseholdYear) -> None:
    assert as_user(stranger).get(page(row)).status_code == 403
    assert Client().get(page(row)).status_code == 302


def test_what_is_not_there_is_not_found(as_user: As, luanchuan_clerk: Any) -> None:
    client = as_user(luanchuan_clerk)
    household(code=HOME)
    for address in ("/households/8639999999999/attachments/", "/households/a%20b/attachments/"):
        assert client.get(address).status_code == 404
    assert client.get("/households/procedures/999/attachments/").status_code == 404
    for what in ("open", "withdraw"):
        assert client.post(f"/households/attachments/999/{what}/", OPENING).status_code == 404


def test_other_methods_are_refused(as_user: As, luanchuan_clerk: Any, row: HouseholdYear) -> None:
    paper, client = handed_in(row, luanchuan_clerk), as_user(luanchuan_clerk)
    assert client.get(act(paper, "open")).status_code == 405
    assert client.get(act(paper, "withdraw")).status_code == 405
    assert client.delete(page(row)).status_code == 405


# --- Opening -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "how"),
    [(jpeg(), "image/jpeg", "inline"), (png(), "image/png", "inline"), (pdf(), "application/pdf", "attachment")],
)  # fmt: skip
def test_a_paper_is_shown_by_itself_and_put_on_record(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear, data: bytes, kind: str, how: str
) -> None:
    paper = handed_in(row, luanchuan_clerk, data)
    before = len(reveals())
    response = as_user(luanchuan_clerk).post(act(paper, "open"), OPENING)
    assert (response.status_code, response["Content-Type"]) == (200, kind)
    assert hashlib.sha256(response.content).hexdigest() == paper.sha256
    assert response["Content-Disposition"].startswith(how)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store"
    policy = response["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    (entry,) = reveals()[before:]
    assert (entry.subject, entry.region) == (row.household.household_no, HOME)
    assert entry.purpose == "信息核对与更正：核对低保证"
    assert entry.detail == {"year": 2018, "attachment": paper.pk, "kind": CARD}


def test_without_a_reason_nothing_is_shown(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    paper, before = handed_in(row, luanchuan_clerk), len(reveals())
    response = as_user(luanchuan_clerk).post(act(paper, "open"), {"purpose": "", "words": ""})
    assert response.status_code == 422
    assert "请写明具体事由。" in response.content.decode()
    assert len(reveals()) == before


def test_nothing_is_shown_that_cannot_be_noted(
    luanchuan_clerk: Any, row: HouseholdYear, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = handed_in(row, luanchuan_clerk)

    def broken(*args: Any, **kwargs: Any) -> int:
        raise DatabaseError("ledger gone")

    monkeypatch.setattr(ledger, "note", broken)
    with pytest.raises(DatabaseError, match="ledger gone"):
        attaching.opened(
            attachment=paper, purpose="VERIFY", words="核对", request=None, by=luanchuan_clerk
        )


@pytest.mark.parametrize("damage", ["gone", "altered", "another"])
def test_a_damaged_file_is_not_shown(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear, damage: str
) -> None:
    paper = handed_in(row, luanchuan_clerk, jpeg(colour=10 + len(damage)))
    if damage == "gone":
        paper.path.unlink()
    elif damage == "altered":
        sealed = bytearray(paper.path.read_bytes())
        sealed[-1] ^= 1
        paper.path.write_bytes(sealed)
    else:
        other = handed_in(row, luanchuan_clerk, png(), kind=MINUTES)
        paper.path.write_bytes(other.path.read_bytes())
    response = as_user(luanchuan_clerk).post(act(paper, "open"), OPENING, follow=True)
    assert response["Content-Type"].startswith("text/html")
    assert "请联系管理员" in response.content.decode()


# --- Withdrawing -------------------------------------------------------------------------------


def test_a_paper_is_withdrawn_with_a_reason_and_stays(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    paper, client = handed_in(row, luanchuan_clerk), as_user(luanchuan_clerk)
    assert client.post(act(paper, "withdraw"), {"reason": ""}).status_code == 302
    assert Attachment.objects.get().withdrawn_at is None
    client.post(act(paper, "withdraw"), {"reason": "拍成了别家的"})
    paper.refresh_from_db()
    assert (paper.withdrawn_by_id, paper.withdrawn_reason) == (luanchuan_clerk.pk, "拍成了别家的")
    assert paper.path.exists()
    text = client.get(page(row)).content.decode()
    assert "已作废（1 份）" in text
    assert "拍成了别家的" in text
    response = client.post(act(paper, "withdraw"), {"reason": "再来"}, follow=True)
    assert "已经作废" in response.content.decode()
    # What was withdrawn can be handed in again.
    assert handed_in(row, luanchuan_clerk).pk != paper.pk


def test_the_database_lets_nothing_be_exchanged(luanchuan_clerk: Any, row: HouseholdYear) -> None:
    paper = handed_in(row, luanchuan_clerk)
    attaching.withdraw(attachment=paper, reason="拍错", by=luanchuan_clerk)
    mine = Attachment.objects.filter(pk=paper.pk)
    for change in (
        {"sha256": "0" * 64}, {"kind": MINUTES}, {"withdrawn_reason": "别的"},
        {"withdrawn_at": None, "withdrawn_by": None, "withdrawn_reason": ""},
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="stays as it was"), transaction.atomic():
            mine.update(**change)
    with pytest.raises(DatabaseError, match="stays as it was"), transaction.atomic():
        connection.cursor().execute("DELETE FROM households_attachment")


@pytest.mark.parametrize(
    "changes",
    [
        {"household": None},
        {"sha256": "x"},
        {"size": 0},
        {"media_type": "text/html"},
        {"withdrawn_reason": "无人"},
    ],
)
def test_the_database_wants_a_whole_row(
    luanchuan_clerk: Any, row: HouseholdYear, changes: dict[str, Any]
) -> None:
    fields = {
        "household": row.household, "village_code": HOME, "partition_id": 2018, "kind": CARD,
        "media_type": "image/png", "sha256": "0" * 64, "size": 1, "created_by": luanchuan_clerk,
    }  # fmt: skip
    with pytest.raises(DatabaseError), transaction.atomic():
        Attachment.objects.create(**fields | changes)


# --- Of procedures, and what a page costs --------------------------------------------------------


@pytest.fixture
def procedure(row: HouseholdYear, luanchuan_clerk: Any) -> Procedure:
    return Procedure.objects.create(
        village=row.village, village_code=HOME, partition_id=2018, kind="REMOVE", position=1,
        step="APPRAISAL", started_on="2018-09-03", created_by=luanchuan_clerk,
    )  # fmt: skip


def test_minutes_are_handed_in_with_a_procedure(
    as_user: As,
    village_official: Any,
    town_clerk: Any,
    songxian_clerk: Any,
    city_leader: Any,
    procedure: Procedure,
) -> None:
    where = f"/households/procedures/{procedure.pk}/attachments/"
    official = as_user(village_official)
    assert official.post(where, form(kind=MINUTES)).status_code == 302
    paper = Attachment.objects.get()
    assert (paper.procedure_id, paper.household_id) == (procedure.pk, None)
    assert "附件（1 份）" in official.get(where).content.decode()
    assert where in official.get(f"/households/procedures/{procedure.pk}/").content.decode()
    assert as_user(songxian_clerk).get(where).status_code == 404
    assert as_user(songxian_clerk).post(where, form()).status_code == 404
    assert as_user(city_leader).get(where).status_code == 200
    assert as_user(city_leader).post(where, form()).status_code == 403
    assert official.put(where).status_code == 405
    response = as_user(town_clerk).post(act(paper, "open"), OPENING)
    assert response.status_code == 200
    assert reveals()[-1].subject_kind == "procedure"
    assert Image.open(BytesIO(response.content)).size == (60, 80)
    assert as_user(town_clerk).post(act(paper, "withdraw"), {"reason": "拍错"}).status_code == 302
    paper.refresh_from_db()
    assert paper.withdrawn_by_id == town_clerk.pk


def test_a_page_costs_the_same_with_one_paper_and_three(
    as_user: As, luanchuan_clerk: Any, row: HouseholdYear
) -> None:
    client, costs = as_user(luanchuan_clerk), []
    for colour in (1, 2, 3):
        handed_in(row, luanchuan_clerk, png(colour=colour))
        client.get(page(row))
        with CaptureQueriesContext(connection) as told:
            client.get(page(row))
        costs.append(len(told))
    assert costs[0] == costs[2]


def test_a_household_that_moved_takes_its_papers_along(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any, row: HouseholdYear
) -> None:
    paper = handed_in(row, luanchuan_clerk)
    other = household(code=NEIGHBOUR).village
    type(row.household).objects.filter(pk=row.household_id).update(
        village=other, village_code=NEIGHBOUR
    )
    paper.refresh_from_db()
    assert paper.village_code == NEIGHBOUR
    # Whoever reads the former years hands nothing in and opens nothing any more.
    client = as_user(luanchuan_clerk)
    assert "附件（0 份）" in client.get(page(row)).content.decode()
    assert client.post(page(row), form()).status_code == 404
    assert client.post(act(paper, "open"), OPENING).status_code == 404
    assert as_user(songxian_clerk).post(act(paper, "open"), OPENING).status_code == 200
