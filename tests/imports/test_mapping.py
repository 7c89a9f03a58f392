"""Tables that no layout fits: a person says what the columns mean, and it is remembered near by."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from core.jobs.services import JobFailedError
from households.models import HouseholdYear, PersonYear
from imports import services
from imports.catalog import UnrecognisedError, recognise
from imports.enums import BatchState, Grain
from imports.models import Batch, HeaderSynonym, Layout, LayoutHeader
from imports.services import mapping
from imports.services.mapping import MappingError
from imports.services.staging import UnmappedError
from tests.workbooks import P2018, build, family, id_number

Load = Callable[..., Batch]

HEADS = ["门牌", "村子", "街镇", "区县", "谁", "身份号", "编码甲", "编码乙", "情形", "补了多少"]
SAID = {1: "village_code", 2: "town_code", 3: "county_code", 4: "name", 5: "id_no",
        6: "household_no", 7: "person_no", 8: "exit_status", 9: "reward_industry"}  # fmt: skip


def own_row(serial: int, **changes: Any) -> dict[str, Any]:
    row = {
        "门牌": "甲 1", "村子": "陈家门村", "街镇": "城关镇", "区县": "栾川县", "谁": "何梅德",
        "身份号": id_number(serial), "编码甲": "86300000000001", "编码乙": f"8631000000{serial:04d}",
        "情形": "未脱贫", "补了多少": "1,250",
    }  # fmt: skip
    return row | changes


@pytest.fixture
def unmapped(city: None, actor_user: User) -> Callable[..., Batch]:
    """A batch whose columns nobody has explained, as the job leaves it."""

    def run(
        rows: list[dict[str, Any]] | None = None, region: str = "410324", headers: Any = None
    ) -> Batch:
        content = build(rows or [own_row(1), own_row(2)], headers or HEADS, titles=("某县台账",))
        batch = services.receive(
            chunks=[content], file_name="某县台账.xlsx", partition=2018, region_prefix=region,
            by=actor_user,
        )  # fmt: skip
        with pytest.raises(UnmappedError) as unknown:
            services.stage(batch=batch, stage_name=f"b{batch.pk}_0")
        batch.state = BatchState.MAPPING
        batch.head = json.dumps(unknown.value.head)
        batch.save()
        return batch

    return run


@pytest.fixture
def actor_user(db: None) -> User:
    return User.objects.create(username="clerk-of-columns")


def remember(batch: Batch, by: User, **changes: Any) -> Layout:
    given: dict[str, Any] = {
        "batch": batch, "header_row": 1, "grain": Grain.PERSON, "title": "某县台账", "columns": SAID,
    }  # fmt: skip
    return mapping.remember(**given | changes, by=by)


def test_what_was_said_loads_the_file_and_is_remembered(
    unmapped: Callable[..., Batch], actor_user: User
) -> None:
    batch = unmapped()
    layout = remember(batch, actor_user)
    batch.refresh_from_db()
    assert batch.state == BatchState.UPLOADED
    assert batch.job is not None
    assert (layout.region_prefix, layout.created_by, layout.grain) == (
        "410324",
        actor_user,
        "person",
    )

    services.stage(batch=batch, stage_name=f"b{batch.pk}_1")
    batch.save()
    assert batch.layout == layout
    assert (batch.header_row, batch.header_map[0], batch.header_map[9]) == (
        2, ["门牌", ""], ["补了多少", "reward_industry"],
    )  # fmt: skip
    services.apply(batch=batch)
    assert HouseholdYear.objects.get().reward_industry == 1250
    assert PersonYear.objects.count() == 2

    again = recognise([["另一个标题"], HEADS], region_prefix="410324")
    assert (again.layout, again.header_row) == (layout, 1)


def test_heads_that_are_mostly_the_same_are_recognised(
    unmapped: Callable[..., Batch], actor_user: User
) -> None:
    layout = remember(unmapped(), actor_user)
    changed = [*HEADS[1:], "新来的一列"]
    found = recognise([changed], region_prefix="410324")
    assert found.layout == layout
    assert found.unknown == ["新来的一列"]
    with pytest.raises(UnmappedError):
        recognise([[*HEADS[4:], "甲", "乙", "丙", "丁", "戊"], ["x"] * 5], region_prefix="410324")


@pytest.mark.parametrize(
    ("region", "known"),
    [("410324", True), ("410324100", True), ("4103", False), ("410325", False), ("410322", False)],
)
def test_a_layout_stays_in_its_region(
    unmapped: Callable[..., Batch], actor_user: User, region: str, known: bool
) -> None:
    layout = remember(unmapped(), actor_user)
    head = [HEADS, ["x"] * len(HEADS)]
    if known:
        assert recognise(head, region_prefix=region).layout == layout
    else:
        with pytest.raises(UnmappedError):
            recognise(head, region_prefix=region)


def test_two_layouts_of_the_same_heads_are_chosen_between_for_good(
    unmapped: Callable[..., Batch], actor_user: User
) -> None:
    """The nearer region first; in one region what was said last, the former one retired."""
    first, city_wide = unmapped(), unmapped(region="4103")
    near = remember(first, actor_user)
    far = remember(city_wide, actor_user, columns=SAID | {0: "address"})
    for _ in range(3):
        assert recognise([HEADS], region_prefix="410324").layout == near
    assert recognise([HEADS], region_prefix="410325").layout == far

    Layout.objects.filter(pk=near.pk).update(retired_at=timezone.now())
    assert recognise([HEADS], region_prefix="410324").layout == far


def test_saying_it_anew_retires_the_former_layout(
    unmapped: Callable[..., Batch], actor_user: User
) -> None:
    batch, second = unmapped(), unmapped()
    former = remember(batch, actor_user)
    later = remember(second, actor_user, title="改过的台账")
    former.refresh_from_db()
    assert former.retired_at is not None
    assert recognise([HEADS], region_prefix="410324").layout == later


def test_a_national_export_is_not_taken_for_a_remembered_table(
    unmapped: Callable[..., Batch], actor_user: User, stage: Load
) -> None:
    remember(unmapped(), actor_user)
    assert stage(family(1), region="410324").layout_id == "P2018"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"header_row": 9}, "表头所在的行"),
        ({"grain": "nonsense"}, "每一行是什么"),
        ({"title": " "}, "版式名称"),
        ({"columns": SAID | {8: "name"}}, "对应同一指标"),
        ({"columns": SAID | {20: "phone"}}, "没有表头"),
        (
            {"columns": {at: name for at, name in SAID.items() if name != "id_no"}},
            "还缺必需的列：证件号码",
        ),
        ({"columns": SAID | {0: "no_such_fact"}}, "不属于这种表"),
        ({"grain": Grain.VILLAGE}, "不属于这种表"),
    ],
)
def test_what_makes_no_layout_is_refused_with_words(
    unmapped: Callable[..., Batch], actor_user: User, changes: dict[str, Any], words: str
) -> None:
    batch = unmapped()
    with pytest.raises(MappingError, match=words):
        remember(batch, actor_user, **changes)
    batch.refresh_from_db()
    assert batch.state == BatchState.MAPPING
    assert not Layout.objects.exclude(region_prefix="").exists()


def test_only_a_batch_that_waits_for_it_is_mapped(
    unmapped: Callable[..., Batch], actor_user: User
) -> None:
    batch = unmapped()
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.DISCARDED)
    with pytest.raises(MappingError, match="状态已变化"):
        remember(batch, actor_user)


def test_proposal_guesses_and_shows_nothing_in_full(unmapped: Callable[..., Batch]) -> None:
    HeaderSynonym.objects.create(header="谁", identifier="name", source="测试")
    proposal = mapping.suggest(unmapped())
    assert proposal.header_row == 1
    assert [column.header for column in proposal.columns] == HEADS
    assert (proposal.columns[4].identifier, proposal.columns[4].samples) == ("name", ["何**"] * 2)
    shown = str(proposal)
    assert id_number(1) not in shown
    assert "何梅德" not in shown
    assert "86300000000001" not in shown
    assert "陈家门村" in shown


@pytest.mark.usefixtures("db")
def test_choices_are_grouped_by_table() -> None:
    groups = dict(mapping.choices())
    assert ("household_no", "户编号") in groups["贫困户"]
    assert ("net_income_per_capita", "人均纯收入（元/人·年）") in groups["贫困户年度信息"]
    assert ("monthly_income", "务工月收入（元/月）") in groups["务工记录"]
    assert ("households_total", "总户数（户）") in groups["村年度信息"]
    assert dict(mapping.grains())[Grain.SPELL] == "一行一段务工"


# --- shipped layouts go first ------------------------------------------------------------------


def said_of_national(batch: Batch, headers: list[str], by: User, *, without: set[str]) -> Layout:
    """A person says anew what the columns of a recognised export are, and leaves some out."""
    batch.save()
    told = {
        at: identifier
        for at, (_, identifier) in enumerate(batch.header_map)
        if identifier and identifier not in without
    }
    return remember(batch, by, header_row=0, columns=told)


def test_what_was_said_of_a_national_export_holds_for_that_batch_alone(
    stage: Load, actor_user: User
) -> None:
    batch = stage(family(1), region="410324")
    layout = said_of_national(batch, P2018, actor_user, without={"exit_year", "has_safe_water"})
    batch.refresh_from_db()
    services.stage(batch=batch, stage_name=f"b{batch.pk}_1")
    assert batch.layout == layout
    assert "exit_year" not in dict(batch.header_map).values()
    for region in ("410324", "410324100", "4103", "410325"):
        assert stage(family(1), region=region).layout_id == "P2018"


def test_a_remembered_layout_that_drops_facts_stands_back(stage: Load, actor_user: User) -> None:
    """Also where one column more made the heads another print."""
    headers = [*P2018, "网格员"]
    batch = stage(family(1), region="410324", headers=headers)
    said_of_national(batch, headers, actor_user, without={"main_cause"})
    again = stage(family(1), region="410324", headers=headers)
    assert again.layout_id == "P2018"
    assert "main_cause" in dict(again.header_map).values()
    assert stage(family(1), region="410324", headers=[*headers, "包联"]).layout_id == "P2018"


def test_a_remembered_layout_that_reads_more_is_used_in_its_region(
    stage: Load, actor_user: User
) -> None:
    headers = [*P2018, "补了多少"]
    batch = stage(family(1), region="410324", headers=headers)
    batch.save()
    told = {at: identifier for at, (_, identifier) in enumerate(batch.header_map) if identifier}
    layout = remember(
        batch, actor_user, header_row=0, columns=told | {len(P2018): "reward_industry"}
    )
    assert stage(family(1), region="410324", headers=headers).layout == layout
    assert stage(family(1), region="4103", headers=headers).layout_id == "P2018"
    assert stage(family(1), region="410324").layout_id == "P2018"


# --- nothing of a person's is kept as a head -----------------------------------------------------


@pytest.mark.parametrize(
    ("at", "cell"),
    [
        (5, id_number(1)),
        (0, "联系电话 13900001111"),
        (0, "0379-66821234"),
        (0, "1985-03-12"),
        (0, "2018年3月"),
        (0, "6217 0000 1234 5678"),
        (0, "说明" * 31),
        (1, "陈家门村"),
    ],
)
def test_row_with_values_is_not_taken_for_heads(
    unmapped: Callable[..., Batch], actor_user: User, at: int, cell: str
) -> None:
    batch = unmapped()
    head = json.loads(batch.head)
    head[1][at] = cell
    Batch.objects.filter(pk=batch.pk).update(head=json.dumps(head))
    batch.refresh_from_db()
    with pytest.raises(MappingError, match=f"第 {at + 1} 列") as refused:
        remember(batch, actor_user)
    assert cell not in str(refused.value)
    assert not LayoutHeader.objects.filter(layout__region_prefix="410324").exists()


def test_row_of_data_is_not_taken_for_heads(
    unmapped: Callable[..., Batch], actor_user: User
) -> None:
    batch = unmapped()
    with pytest.raises(MappingError, match="像是数据"):
        remember(batch, actor_user, header_row=2)
    assert not LayoutHeader.objects.filter(layout__region_prefix="410324").exists()


def test_title_with_a_number_is_refused(unmapped: Callable[..., Batch], actor_user: User) -> None:
    with pytest.raises(MappingError, match="版式名称"):
        remember(unmapped(), actor_user, title=f"{id_number(1)} 的台账")


def test_recognised_heads_are_kept_without_values(stage: Load) -> None:
    odd = [id_number(1), "电话13900001111", "备注" * 40]
    batch = stage([member | dict.fromkeys(odd, "甲") for member in family(1)],
                  headers=[*P2018, *odd])  # fmt: skip
    kept = [header for header, _ in batch.header_map[len(P2018) :]]
    assert kept == [f"第{len(P2018) + at}列" for at in (1, 2, 3)]
    assert set(batch.problems.filter(rule="IMP03").values_list("header", flat=True)) == set(kept)


@pytest.mark.usefixtures("db")
def test_refusal_quotes_no_number() -> None:
    number = id_number(1)
    for header in (number, "13900001111"):
        HeaderSynonym.objects.create(header=header, identifier="phone", source="测试")
    with pytest.raises(UnrecognisedError, match="两列对应同一指标") as refused:
        recognise([[*P2018, number, "13900001111"]])
    assert number not in str(refused.value)
    assert "13900001111" not in str(refused.value)


def test_a_file_that_is_no_table_is_refused(stage: Load) -> None:
    with pytest.raises(JobFailedError, match="找不到表头行"):
        stage([{"甲": "1"}], headers=["甲"])
