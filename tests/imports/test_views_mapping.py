"""The page on which a person says what the columns of a file mean."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from core.jobs.models import Job
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from imports.enums import BatchState, Grain
from imports.models import Batch, Layout
from tests.imports.test_mapping import HEADS, SAID, own_row
from tests.workbooks import build, family, id_number

AsUser = Callable[[User], Client]
Stage = Callable[..., Batch]


def carry(kind: str) -> None:
    """Do the oldest waiting job of this kind, as a worker would."""
    run = claim(Job.objects.filter(kind=kind, state="QUEUED").earliest("pk").pk)
    assert run is not None
    carry_out(run)


@pytest.fixture
def clerk(as_user: AsUser, luanchuan_clerk: User) -> Client:
    return as_user(luanchuan_clerk)


@pytest.fixture
def batch(clerk: Client, city: None) -> Batch:
    """A table of the county's own, handed in through the page and read by a job."""
    content = build([own_row(1), own_row(2)], HEADS, titles=("某县台账",))
    file = SimpleUploadedFile("某县台账.xlsx", content)
    clerk.post("/imports/upload/", {"file": file, "partition": 2018, "region": "410324"})
    carry("imports.stage")
    found = Batch.objects.get()
    assert found.state == BatchState.MAPPING
    return found


def answers(**changes: Any) -> dict[str, Any]:
    said = {f"column_{index}": fact for index, fact in SAID.items()}
    return said | {"header_row": "2", "grain": Grain.PERSON, "title": "本县台账"} | changes


def test_the_batch_leads_there(clerk: Client, batch: Batch) -> None:
    text = clerk.get(f"/imports/{batch.pk}/").content.decode()
    assert "没有认出这种表头" in text
    assert f"/imports/{batch.pk}/columns/" in text


def test_first_rows_are_masked_and_suggestions_chosen(clerk: Client, batch: Batch) -> None:
    page = clerk.get(f"/imports/{batch.pk}/columns/")
    text = page.content.decode()
    assert id_number(1) not in text
    assert page.context["header_row"] == 2
    assert [column["header"] for column in page.context["columns"]] == HEADS
    assert [row["is_head"] for row in page.context["sample"]][:2] == [False, True]
    # Facts stand in groups, for a list that works without scripts.
    assert '<optgroup label="' in text
    other = clerk.get(f"/imports/{batch.pk}/columns/", {"header_row": 3})
    assert other.context["header_row"] == 3
    for odd in ("0", "x", "99999", "٣", ""):
        assert clerk.get(f"/imports/{batch.pk}/columns/", {"header_row": odd}).status_code == 200


def test_remembered_and_read_again(clerk: Client, batch: Batch) -> None:
    answer = clerk.post(f"/imports/{batch.pk}/columns/", answers())
    assert answer.status_code == 302, answer.context["form"].errors
    carry("imports.stage")
    batch.refresh_from_db()
    assert (batch.state, batch.layout.title) == (BatchState.STAGED, "本县台账")
    assert dict(batch.header_map)["门牌"] == ""
    assert dict(batch.header_map)["编码甲"] == "household_no"
    # The next file with these heads needs nobody.
    content = build([own_row(3)], HEADS, titles=("某县台账",))
    file = SimpleUploadedFile("另一份.xlsx", content)
    clerk.post("/imports/upload/", {"file": file, "partition": 2018, "region": "410324"})
    carry("imports.stage")
    later = Batch.objects.latest("pk")
    assert (later.state, later.layout_id) == (BatchState.STAGED, batch.layout_id)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column_6": ""}, "户编号"),
        ({"column_0": "name"}, "同一指标"),
        ({"title": ""}, "必填"),
        ({"title": f"张三 {id_number(5)}"}, "个人号码"),
        ({"grain": "x"}, "有效的选项"),
        ({"column_1": "nothing"}, "有效的选项"),
        ({"header_row": "0"}, "1"),
    ],
)
@pytest.mark.may_show_numbers("a form shows again what was typed into it")
def test_what_makes_no_layout_is_said(
    clerk: Client, batch: Batch, changes: dict[str, Any], words: str
) -> None:
    answer = clerk.post(f"/imports/{batch.pk}/columns/", answers(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Layout.objects.exclude(created_by=None).exists()
    batch.refresh_from_db()
    assert batch.state == BatchState.MAPPING


def test_a_preview_can_be_mapped_anew(clerk: Client, stage: Stage, luanchuan_clerk: User) -> None:
    found = stage(family(1), region="410324")
    page = clerk.get(f"/imports/{found.pk}/columns/")
    fields = {one.html_name: one.value() or "" for one in page.context["form"]}
    index = next(
        column["number"] - 1 for column in page.context["columns"] if column["header"] == "民族"
    )
    fields[f"column_{index}"] = ""
    assert clerk.post(f"/imports/{found.pk}/columns/", fields).status_code == 302
    carry("imports.stage")
    found.refresh_from_db()
    assert found.state == BatchState.STAGED
    assert dict(found.header_map)["民族"] == ""
    assert found.layout.created_by == luanchuan_clerk


def test_not_while_somebody_works_on_it(clerk: Client, batch: Batch) -> None:
    for state in (BatchState.APPLIED, BatchState.DISCARDED, BatchState.UPLOADED):
        changes = {"state": state}
        if state == BatchState.APPLIED:
            changes["applied_at"] = batch.created_at
        Batch.objects.filter(pk=batch.pk).update(**changes)
        assert clerk.get(f"/imports/{batch.pk}/columns/").status_code == 302
        assert clerk.post(f"/imports/{batch.pk}/columns/", answers()).status_code == 302
    assert not Layout.objects.exclude(created_by=None).exists()
