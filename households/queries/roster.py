"""The households of a village in a year, for the village's own page."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.urls import reverse

from core.scope import Actor
from households.catalog import label
from households.models import HouseholdYear
from households.queries.rows import NOTHING, STATUS_TONES
from villages.enums import Level
from villages.models import Region

# As many as a village of usual size has; of a larger one the list shows the rest.
MOST = 100


@dataclass(frozen=True, slots=True)
class Row:
    household_no: str
    head_name: str
    status: str
    tone: str
    group: str
    persons: int | None
    cause: str
    income: Decimal | None
    href: str


@dataclass(frozen=True, slots=True)
class Status:
    label: str
    tone: str
    households: int
    persons: int


def roster(region: Region, year: int, actor: Actor) -> dict[str, Any] | None:
    """Counts by status and the households by group and head; None for wider divisions."""
    if region.level != Level.VILLAGE:
        return None
    known = HouseholdYear.objects.visible_to(actor).in_year(year).filter(village_code=region.code)
    counted = known.order_by("exit_status").values_list("exit_status")
    statuses = [
        Status(label("exit_status", code), STATUS_TONES[code], households, persons or 0)
        for code, households, persons in counted.annotate(Count("pk"), Sum("member_count"))
    ]
    listed = known.select_related("household").order_by(
        "household__natural_village_name", "head_name", "pk"
    )
    chosen = listed.only(
        "partition_id", "head_name", "exit_status", "member_count", "main_cause",
        "net_income_per_capita", "household__household_no", "household__natural_village_name",
    )  # fmt: skip
    return {
        "statuses": statuses,
        "households": sum(one.households for one in statuses),
        "rows": [_row(one) for one in chosen[:MOST]],
        "href": f"{reverse('households:list')}?region={region.code}&year={year}",
    }


def _row(row: HouseholdYear) -> Row:
    return Row(
        household_no=row.household.household_no,
        head_name=row.head_name or NOTHING,
        status=label("exit_status", row.exit_status),
        tone=STATUS_TONES[row.exit_status],
        group=row.household.natural_village_name or NOTHING,
        persons=row.member_count,
        cause=label("poverty_cause", row.main_cause) or NOTHING,
        income=row.net_income_per_capita,
        href=f"{reverse('households:detail', args=[row.household.household_no])}"
        f"?year={row.partition_id}",
    )
