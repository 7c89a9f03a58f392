"""Changes through review: whose turn it is, what the database refuses, closed years."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from core import vault, walls
from households.models import (
    Change,
    ChangeAct,
    ChangeState,
    ChangeStep,
    HouseholdYear,
    Partition,
    ReviewChain,
)
from households.queries import work
from households.services import changing
from households.services.changing import UnfitError
from households.services.entry_edit import Edit
from households.services.entry_state import Version, base_of
from tests.conftest import person
from tests.factories.households import HOME, household
from tests.register import city

__all__ = ["city"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def row(db: None) -> HouseholdYear:
    return household(head="张三")


class Cast:
    """Who submits and who reviews, one person each."""

    def __init__(self) -> None:
        self.cadre = person("cadre", Role.VILLAGE, HOME)
        self.secretary = person("secretary", Role.VILLAGE, HOME)
        self.town = person("town", Role.TOWN_CLERK, HOME[:9])
        self.county = person("county", Role.COUNTY_OFFICE, HOME[:6])
        self.city = person("cityoffice", Role.CITY_OFFICE, "4103")


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def edit(row: HouseholdYear, **year: str) -> dict[str, Any]:
    """An edit of these fields by somebody who has the household before them as it is."""
    seen = Edit(household_no=row.household.household_no, partition=row.partition_id)
    return {
        "household_no": row.household.household_no,
        "partition": row.partition_id,
        "version": Version.of(base_of(seen)).written(),
        "household": {},
        "year": year or {"cause_note": "因病"},
        "members": [],
        "reason": "",
    }


def submitted(row: HouseholdYear, by: User, **year: str) -> Change:
    return changing.submit(edit=edit(row, **year), key=uuid4(), reason="核实", by=by)


def note(row: HouseholdYear) -> str:
    return str(HouseholdYear.objects.get(pk=row.pk).cause_note)


def test_three_levels_then_it_takes_effect(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.cadre)
    assert (change.state, change.level, note(row)) == (ChangeState.PENDING, 12, "")
    for who, level in ((cast.secretary, 9), (cast.town, 6)):
        change = changing.decide(change=change, approve=True, by=who)
        assert (change.level, note(row)) == (level, "")
    change = changing.decide(change=change, approve=True, reason="同意", by=cast.county)
    assert (change.state, change.level, note(row)) == (ChangeState.APPLIED, None, "因病")
    acts = list(change.steps.values_list("act", "level", "created_by__username"))
    assert acts == [
        ("SUBMIT", None, "cadre"), ("APPROVE", 12, "secretary"), ("APPROVE", 9, "town"),
        ("APPROVE", 6, "county"),
    ]  # fmt: skip


def test_a_submitter_begins_at_the_own_level(row: HouseholdYear, cast: Cast) -> None:
    assert submitted(row, cast.town).level == 9
    assert submitted(row, cast.county).level == 6


def test_one_key_makes_one_change(row: HouseholdYear, cast: Cast) -> None:
    key = uuid4()
    first = changing.submit(edit=edit(row), key=key, reason="核实", by=cast.cadre)
    again = changing.submit(edit=edit(row), key=key, reason="核实", by=cast.cadre)
    assert first.pk == again.pk
    assert ChangeStep.objects.count() == 1
    with pytest.raises(UnfitError):
        changing.submit(edit=edit(row), key=key, reason="核实", by=cast.secretary)


def test_nobody_decides_out_of_turn(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.cadre)
    for who in (cast.cadre, cast.town, cast.county, person("far", Role.VILLAGE, "410324100204")):
        with pytest.raises(UnfitError):
            changing.decide(change=change, approve=True, by=who)
    changing.decide(change=change, approve=True, by=cast.secretary)
    with pytest.raises(UnfitError):
        changing.decide(change=change, approve=True, by=cast.secretary)


def test_the_database_refuses_what_code_forgets(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.cadre)

    def step(by: User, level: int, act: str = "APPROVE", reason: str = "") -> None:
        with transaction.atomic():
            ChangeStep.objects.create(
                change=change, village_code=HOME, round=1, act=act, level=level, reason=reason,
                created_by=by,
            )  # fmt: skip

    for by, level in ((cast.cadre, 12), (cast.secretary, 9)):
        with pytest.raises(IntegrityError):
            step(by, level)
    with pytest.raises(IntegrityError):
        step(cast.secretary, 12, "RETURN")
    step(cast.secretary, 12)
    Change.objects.filter(pk=change.pk).update(level=9)
    with pytest.raises(IntegrityError):
        step(cast.secretary, 9)
    for refused in (
        {"state": "APPLIED", "level": None},
        {"payload": "{}"},
        {"levels": [12]},
        {"created_by": cast.town},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Change.objects.filter(pk=change.pk).update(**refused)
    with pytest.raises(DatabaseError), transaction.atomic():
        ChangeStep.objects.update(reason="改")


def test_returned_is_corrected_and_goes_the_whole_way(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.town)
    other = person("town2", Role.TOWN_CLERK, HOME[:9])
    with pytest.raises(UnfitError):
        changing.decide(change=change, approve=False, reason=" ", by=other)
    change = changing.decide(change=change, approve=False, reason="缺材料", by=other)
    assert (change.state, work.counts(cast.town)["returned"]) == (ChangeState.RETURNED, 1)
    with pytest.raises(UnfitError):
        changing.resubmit(change=change, edit=edit(row), reason="补", by=other)
    change = changing.resubmit(
        change=change, edit=edit(row, cause_note="因学"), reason="补材料", evidence=["26"],
        by=cast.town,
    )  # fmt: skip
    assert (change.round, change.level) == (2, 9)
    # Who returned it may approve the corrected one.
    change = changing.decide(change=change, approve=True, by=other)
    changing.decide(change=change, approve=True, by=cast.county)
    assert note(row) == "因学"


def test_withdrawn_is_over(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.cadre)
    with pytest.raises(UnfitError):
        changing.withdraw(change=change, by=cast.secretary)
    change = changing.withdraw(change=change, by=cast.cadre)
    assert change.state == ChangeState.WITHDRAWN
    with pytest.raises(UnfitError):
        changing.decide(change=change, approve=True, by=cast.secretary)
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.filter(pk=change.pk).update(state="RETURNED")


def test_stale_goes_back_with_the_fields(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.county)
    HouseholdYear.objects.filter(pk=row.pk).update(cause_note="因残")
    other = person("county2", Role.COUNTY_OFFICE, HOME[:6])
    change = changing.decide(change=change, approve=True, by=other)
    assert (change.state, note(row)) == (ChangeState.RETURNED, "因残")
    last = change.steps.last()
    assert last.act == ChangeAct.STALE
    assert "致贫原因说明：空 → 因残" in last.reason


def test_chain_is_the_countys_from_its_day_on(row: HouseholdYear, cast: Cast) -> None:
    today = timezone.localdate()
    changing.set_chain(
        region_code=HOME[:6], levels=[6], valid_from=today, reason="人少", by=cast.county
    )
    before = submitted(row, cast.cadre)
    assert before.levels == [6]
    tomorrow = today + timedelta(days=1)
    changing.set_chain(
        region_code=HOME[:6], levels=[], valid_from=tomorrow, reason="试点", by=cast.city
    )
    assert work.chain_of(HOME) == [6]
    assert work.chain_of(HOME, tomorrow) == []
    assert work.chain_of("410325100201") == [12, 9, 6]
    for region, by in (("410325", cast.county), (HOME[:6], cast.town)):
        with pytest.raises(UnfitError):
            changing.set_chain(region_code=region, levels=[], valid_from=today, reason="试", by=by)
    with pytest.raises(UnfitError):
        changing.set_chain(
            region_code=HOME[:6], levels=[], valid_from=today - timedelta(days=1), reason="早",
            by=cast.county,
        )  # fmt: skip


def test_without_a_chain_it_takes_effect_at_once(row: HouseholdYear, cast: Cast) -> None:
    ReviewChain.objects.create(
        region_code=HOME[:6], levels=[], valid_from=timezone.localdate(), reason="停",
        created_by=cast.county,
    )  # fmt: skip
    assert submitted(row, cast.cadre).state == ChangeState.APPLIED
    assert note(row) == "因病"


def test_grounds_are_asked_for(row: HouseholdYear, cast: Cast) -> None:
    HouseholdYear.objects.filter(pk=row.pk).update(head_name="张三")
    with pytest.raises(UnfitError, match="没有任何变动"):
        submitted(row, cast.cadre, cause_note="")
    with pytest.raises(UnfitError, match="内容过长"):
        submitted(row, cast.cadre, cause_note="长" * 501)
    with pytest.raises(UnfitError, match="逐条说明"):
        submitted(row, cast.cadre, member_count="5")
    with pytest.raises(UnfitError, match="代码表"):
        changing.submit(edit=edit(row), key=uuid4(), reason="", evidence=["88"], by=cast.cadre)
    with pytest.raises(UnfitError, match="没有修改该户"):
        submitted(row, person("far", Role.VILLAGE, "410324100204"))
    assert changing.touches_identity([{"where": "members.0.name", "before": "张三"}])
    assert not changing.touches_identity([{"where": "members.3.name", "before": ""}])


def test_payload_is_sealed(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.cadre, phone="13900009876")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payload, summary::text FROM households_change WHERE id = %s", [change.pk]
        )
        payload, summary = cursor.fetchone()
    assert b"13900009876" not in bytes(payload)
    assert "13900009876" not in summary
    assert "13900009876" in vault.open_sealed("change_payload", payload)
    assert Change.objects.get(pk=change.pk).edit["year"] == {"phone": "13900009876"}


def test_a_batch_is_one_act(cast: Cast) -> None:
    rows = [household(), household()]
    changes = [submitted(row, cast.cadre) for row in rows]
    done = changing.decide_many(changes=changes, approve=True, by=cast.secretary)
    assert [one.level for one in done] == [9, 9]
    batches = ChangeStep.objects.filter(act="APPROVE").values_list("batch", flat=True)
    assert len(set(batches)) == 1
    assert None not in batches
    # All or none.
    late = submitted(rows[0], cast.cadre)
    with pytest.raises(UnfitError), transaction.atomic():
        changing.decide_many(changes=[*done, late], approve=True, by=cast.town)
    assert sorted(Change.objects.values_list("level", flat=True)) == [9, 9, 12]


def closed(row: HouseholdYear) -> None:
    Partition.objects.filter(year=row.partition_id).update(closed_at=timezone.now())


def correction(row: HouseholdYear, by: User) -> Change:
    return changing.submit(edit=edit(row), key=uuid4(), reason="录入错误", evidence=["26"], by=by)


def test_a_closed_year_opens_for_two_offices(row: HouseholdYear, cast: Cast) -> None:
    other = household()
    closed(row)
    with pytest.raises(UnfitError, match="已关闭"):
        submitted(row, cast.town)
    change = correction(row, cast.town)
    assert (change.kind, change.levels, change.level) == ("CORRECTION", [6, 4], 6)
    change = changing.decide(change=change, approve=True, by=cast.county)
    assert note(row) == ""
    change = changing.decide(change=change, approve=True, by=cast.city)
    assert (change.state, note(row)) == (ChangeState.APPLIED, "因病")
    # The door is shut again, also for whoever names the request.
    for name in ("", str(change.pk)):
        for one in (row, other):
            changing._name(name)
            with pytest.raises(DatabaseError, match="closed"), transaction.atomic():
                HouseholdYear.objects.filter(pk=one.pk).update(cause_note="再改")


def test_a_correction_opens_its_own_row_alone(row: HouseholdYear, cast: Cast) -> None:
    other = household()
    closed(row)
    change = correction(row, cast.town)

    def write(one: HouseholdYear) -> None:
        with transaction.atomic():
            changing._name(str(change.pk))
            HouseholdYear.objects.filter(pk=one.pk).update(cause_note="改")

    def approve(by: User, level: int) -> None:
        ChangeStep.objects.create(
            change=change, village_code=HOME, round=1, act="APPROVE", level=level, created_by=by
        )

    with pytest.raises(DatabaseError, match="closed"):
        write(row)
    approve(cast.county, 6)
    with pytest.raises(DatabaseError, match="closed"):
        write(row)
    Change.objects.filter(pk=change.pk).update(level=4)
    approve(cast.city, 4)
    with pytest.raises(DatabaseError, match="closed"):
        write(other)
    write(row)
    assert (note(row), note(other)) == ("改", "")


def test_corrections_need_grounds_in_the_database(row: HouseholdYear, cast: Cast) -> None:
    closed(row)
    facts: dict[str, Any] = {
        "kind": "CORRECTION", "state": "PENDING", "level": 6, "levels": [6, 4],
        "village_code": HOME, "household": row.household, "partition": row.partition,
        "payload": "{}", "reason": "错", "evidence": ["1"], "created_by": cast.town,
    }  # fmt: skip
    for lack in ({"reason": ""}, {"evidence": []}, {"levels": [6]}, {"household": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Change.objects.create(key=uuid4(), **facts | lack)
    Change.objects.create(key=uuid4(), **facts)


def test_both_walls_keep_changes_in_their_region(row: HouseholdYear, cast: Cast) -> None:
    change = submitted(row, cast.cadre)
    far = person("faroffice", Role.COUNTY_OFFICE, "410325")
    assert not Change.objects.visible_to(far).exists()
    with walls.scoped(far):
        assert not Change.objects.exists()
        assert not ChangeStep.objects.exists()
    with walls.scoped(cast.secretary):
        changing.decide(change=change, approve=True, by=cast.secretary)
    assert Change.objects.get().level == 9


def test_counts_take_one_statement(
    row: HouseholdYear, cast: Cast, django_assert_num_queries: Any
) -> None:
    submitted(row, cast.cadre)
    cast.secretary.prefixes_for("households.review")
    with django_assert_num_queries(1):
        assert work.counts(cast.secretary) == {
            "waiting": 1, "returned": 0, "drafts": 0, "due": 0, "all": 1,
        }  # fmt: skip
    assert work.counts(cast.cadre)["all"] == 0
