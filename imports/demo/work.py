"""Some days of office work in the demo city, done with the product's own services by its demo people.

So that whoever tries the product finds something in 我的工作: changes at every level, one that came
back, a draft, a task, a notice that runs and one that has an objection.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from households.formulas import IDENTIFY
from households.models import BulkKind, Change, Decision, HouseholdYear
from households.queries.bulk import Wish
from households.services import bulk, changing, drafting, editing, procedure
from villages.models import Region

YEAR = 2018
VILLAGE, COUNTY = "410324100203", "410324"
PEOPLE = ("cunwei", "diyishuji", "chengguan", "luanchuan", "xianfupinban")
_NEEDED = 7
# Keys of what is submitted here, so that a second run is the first one again.
_NAMESPACE = UUID("7b1f4a52-6f0e-4c5c-9a0e-6f1c1f5d2a10")


class NoPeopleError(Exception):
    """The demo logins are missing, or a small demo city has too few people in the village."""


def make_work() -> dict[str, int]:
    """Do the work, all or nothing; numbers by kind. Nothing where changes are on record already."""
    people = {one.username: one for one in get_user_model().objects.filter(username__in=PEOPLE)}
    village = Region.objects.filter(code=VILLAGE).first()
    if len(people) < len(PEOPLE) or village is None:
        raise NoPeopleError
    if Change.objects.exists():
        return {}
    found = _rows()
    if len(found) < _NEEDED:
        raise NoPeopleError
    with transaction.atomic():
        rows = iter(found)
        return {
            "变更": _changes(rows, people),
            "草稿": _draft(next(rows), people["luanchuan"]),
            "任务": _task(people["xianfupinban"], people["luanchuan"]),
            "程序": _procedures(village, people),
        }


def _rows() -> list[HouseholdYear]:
    """As many households of the village as there is work for."""
    rows = HouseholdYear.objects.filter(partition_id=YEAR, village_code=VILLAGE)
    return list(rows.select_related("household").order_by("household__household_no")[:_NEEDED])


def _changes(rows: Iterator[HouseholdYear], people: dict[str, Any]) -> int:
    """Two wait for the first secretary, one for the town, two for the county; one came back."""
    secretary, town = people["diyishuji"], people["chengguan"]
    made = [
        _submit(next(rows), by=people[name], reason=reason, change=change)
        for name, reason, change in (
            ("cunwei", "入户复核，改厕已验收。", _toilet),
            ("cunwei", "入户复核，流转耕地已收回。", _farmland),
            ("cunwei", "入户复核，住房已扩建。", _house),
            ("cunwei", "入户复核，改厕已验收。", _toilet),
            ("luanchuan", "与自然资源部门数据核对。", _farmland),
            ("luanchuan", "与住建部门数据核对。", _house),
        )
    ]
    changing.decide(change=made[2], approve=True, by=secretary)
    changing.decide(change=made[3], approve=True, by=secretary)
    changing.decide(change=made[3], approve=False, reason="请补充改厕验收单。", by=town)
    return len(made)


def _submit(
    row: HouseholdYear, *, by: Any, reason: str, change: Callable[[HouseholdYear], dict[str, Any]]
) -> Change:
    number = row.household.household_no
    edit = editing.load(household_no=number, partition=YEAR, actor=by).told()
    edit["year"] |= change(row)
    return changing.submit(
        edit=edit, key=uuid5(_NAMESPACE, f"change {number}"), reason=reason, by=by
    )


def _toilet(row: HouseholdYear) -> dict[str, Any]:
    return {"has_sanitary_toilet": "false" if row.has_sanitary_toilet else "true"}


def _farmland(row: HouseholdYear) -> dict[str, Any]:
    return {"farmland_mu": str((row.farmland_mu or Decimal()) + Decimal("0.50"))}


def _house(row: HouseholdYear) -> dict[str, Any]:
    return {"house_area_m2": str((row.house_area_m2 or Decimal(60)) + 20)}


def _draft(row: HouseholdYear, clerk: Any) -> int:
    number = row.household.household_no
    edit = editing.load(household_no=number, partition=YEAR, actor=clerk).told()
    edit["year"] |= _farmland(row)
    drafting.keep(key=uuid5(_NAMESPACE, f"draft {number}"), edit=edit, seq=1, by=clerk)
    return 1


def _task(office: Any, clerk: Any) -> int:
    """Whoever lives without safe water in the county: one list, one owner, one day."""
    wish = Wish(
        kind=BulkKind.TASK,
        partition=YEAR,
        region=COUNTY,
        reason="年底前逐户核实饮水安全",
        terms={"year": YEAR, "region": VILLAGE[:9], "status": "0"},
    )
    due = timezone.localdate() + timedelta(days=20)
    bulk.carry_out(
        wish=wish,
        key=uuid5(_NAMESPACE, "task"),
        digest=bulk.preview(wish=wish, by=office).digest,
        stored={"year": YEAR, "region": VILLAGE[:9], "status": "0"},
        new_task=bulk.NewTask("核实饮水安全", owner=clerk, due_on=due),
        by=office,
    )
    return 1


def _procedures(village: Region, people: dict[str, Any]) -> int:
    """One list is in public for three days, the other's days are over and somebody objected."""
    today = timezone.localdate()
    for began, posted, names in (
        (today - timedelta(days=5), today - timedelta(days=3), ("常有田", "冯小满")),
        (today - timedelta(days=14), today - timedelta(days=10), ("曹大山",)),
    ):
        made = procedure.start(
            village=village,
            partition=YEAR,
            kind=IDENTIFY,
            on=began,
            reason="农户申请",
            applicants=[
                procedure.Applicant("一组", "一组", [{"name": name, "relation_to_head": "01"}])
                for name in names
            ],
            by=people["cunwei"],
        )
        procedure.decide(
            procedure=made,
            decision=Decision.PASS,
            reason="村民代表会议评议通过",
            on=posted,
            minutes=procedure.Minutes(31, 36, "逐户评议，赞成三十一人。"),
            by=people["diyishuji"],
        )
        notice = procedure.post_notice(
            procedure=made, place="村委会公示栏", on=posted, by=people["diyishuji"]
        )
    procedure.raise_objection(
        publicity=notice,
        raised_by="本村村民",
        words="该户有子女在外经商，请核实。",
        on=today - timedelta(days=6),
        by=people["diyishuji"],
    )
    return 2
