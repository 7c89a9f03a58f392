"""Facts of a household's year that contradict each other or the year."""

from collections.abc import Iterator, Mapping
from typing import Any

from households.checks.findings import Finding, Stated
from households.checks.income import of_income
from households.checks.words import error, query
from households.enums import EXITED, RELAPSED

MOST_OTHER_CAUSES = 2
# More members than households have as a rule.
MANY = 7
_STILL_POOR = "0"
# Nothing of these can be less than none.
MEASURED = (
    "farmland_mu", "irrigated_mu", "forest_mu", "returned_forest_mu", "orchard_mu", "grassland_mu",
    "water_surface_mu", "distance_to_main_road_km", "house_area_m2", "production_house_m2",
)  # fmt: skip


def of_household(stated: Stated) -> list[Finding]:
    """Everything found in the household's own facts, errors and queries."""
    year = stated.year
    found = [*_status(year, stated.partition), *_causes(year), *_living(year)]
    found += _size(stated)
    found += of_income(year, len(stated.members))
    return found


def _status(year: Mapping[str, Any], partition: int) -> Iterator[Finding]:
    status, exited, identified = (
        year.get(name) for name in ("exit_status", "exit_year", "identified_year")
    )
    if not status:
        yield error("IMP21", "year.exit_status", "脱贫状态")
    if status in EXITED and not exited:
        yield error("REQ26", "year.exit_year")
    if exited and _is_odd(exited, identified, partition, status):
        yield error("EXT01", "year.exit_year")
    if identified and identified > partition:
        yield error("ENT02", "year.identified_year")
    if status == _STILL_POOR and exited:
        yield query("ENT03", "year.exit_year")
    if status == RELAPSED and not year.get("relapse_cause"):
        yield error("REQ27", "year.relapse_cause")


def _is_odd(exited: int, identified: int | None, partition: int, status: Any) -> bool:
    is_early = identified is not None and exited < identified
    return is_early or (status in EXITED and exited > partition)


def _causes(year: Mapping[str, Any]) -> Iterator[Finding]:
    others = year.get("other_causes") or []
    if len(others) > MOST_OTHER_CAUSES:
        yield error("IMP19", "year.other_causes", "其他致贫原因至多两项")
    if year.get("main_cause") and year["main_cause"] in others:
        yield query("ENT04", "year.other_causes")


def _living(year: Mapping[str, Any]) -> Iterator[Finding]:
    for name in MEASURED:
        value = year.get(name)
        if value is not None and value < 0:
            yield error("IMP15", f"year.{name}", "不能小于 0")
    is_dangerous, level = year.get("is_dangerous_house"), year.get("dangerous_house_level")
    if is_dangerous and not level:
        yield error("REQ19", "year.dangerous_house_level")
    if is_dangerous is False and level:
        yield query("ENT05", "year.dangerous_house_level")


def _size(stated: Stated) -> Iterator[Finding]:
    declared, counted = stated.year.get("member_count"), len(stated.members)
    if not counted:
        yield error("STR03", "members")
    elif declared is not None and declared != counted:
        yield query("STR04", "year.member_count", f"填报 {declared} 人，成员 {counted} 人")
    if (declared or counted) >= MANY:
        yield query("STR13", "year.member_count", f"{declared or counted} 人")
