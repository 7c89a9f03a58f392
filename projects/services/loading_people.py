"""Beneficiaries from a workbook: looked up in the register for their day, written at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.acting import acting
from core.scope import covers
from households.models import Household, HouseholdYear, Person, PersonYear
from projects.enums import BeneficiaryKind, Benefit, State
from projects.models import Beneficiary, Project
from projects.services.common import EDIT, refused
from projects.services.loading import (
    NUMBER,
    Line,
    Loaded,
    amount,
    day,
    known_projects,
    require_load,
)
from villages.models import Region

HOUSEHOLD, PERSON, UNREGISTERED, VILLAGE = "户编号", "人员编号", "未登记姓名", "村代码"
BENEFIT, ON, EXPECTED, INCOME = "受益方式", "受益日期", "预计增收（元）", "实际增收（元）"
BENEFICIARY_COLUMNS = (
    NUMBER, HOUSEHOLD, PERSON, UNREGISTERED, VILLAGE, BENEFIT, ON, EXPECTED, INCOME,
)  # fmt: skip
_BY_LABEL = {str(label): code for code, label in Benefit.choices}
_ENDED = (State.REFUSED, State.CANCELLED)


@dataclass(frozen=True)
class Register:
    """What the register says of the numbers in a workbook; only what the actor sees."""

    households: Mapping[str, Household]
    persons: Mapping[str, Person]
    villages: Mapping[str, Region]
    # (household, year) and (person, household, year) that are there.
    years: frozenset[tuple[int, int]]
    member_years: frozenset[tuple[int, int, int]]

    def holds(self, household: Household, person: Person | None, on: date) -> bool:
        """Whether both stand in the register on that day, as the database asks it."""
        first = household.first_identified_on
        if (household.pk, on.year) not in self.years or (first is not None and first > on):
            return False
        if person is None:
            return True
        first = person.identified_on
        return (person.pk, household.pk, on.year) in self.member_years and (
            first is None or first <= on
        )


def load_beneficiaries(*, lines: Sequence[Line], by: Any) -> Loaded:
    """Villages (村代码 alone), households, persons, and unregistered ones by name and village."""
    require_load(by)
    done = Loaded(read=len(lines))
    projects = known_projects(lines, by)
    register = _register(lines, by)
    known = set(Beneficiary.objects.filter(project__in=projects.values()).values_list(*_KEY))
    rows = []
    for line in lines:
        made = _judged(line, projects, register, by, done)
        if made is None:
            continue
        key = tuple(getattr(made, name) for name in _KEY)
        if key in known:
            done.fault(line, NUMBER, "受益对象已经登记，或在表中重复。")
            continue
        known.add(key)
        rows.append(made)
    with acting(by=by, reason="导入受益对象"), refused():
        Beneficiary.objects.bulk_create(rows)
    done.made = len(rows)
    return done


_KEY = ("project_id", "kind", "village_id", "household_id", "person_id", "name", "benefit", "on")


def _register(lines: Sequence[Line], by: Any) -> Register:
    def told(column: str) -> set[str]:
        return {line.told(column) for line in lines} - {""}

    households = {
        one.household_no: one
        for one in Household.objects.visible_to(by).filter(household_no__in=told(HOUSEHOLD))
    }
    persons = {
        one.person_no: one
        for one in Person.objects.visible_to(by).filter(person_no__in=told(PERSON))
    }
    villages = Region.objects.filter(code__in=told(VILLAGE), level="village")
    return Register(
        households,
        persons,
        {one.code: one for one in villages},
        frozenset(_years(households.values())),
        frozenset(
            PersonYear.objects.filter(person__in=persons.values()).values_list(
                "person_id", "household_id", "partition_id"
            )
        ),
    )


def _years(households: Iterable[Household]) -> Iterable[tuple[int, int]]:
    rows = HouseholdYear.objects.filter(household__in=list(households))
    return rows.values_list("household_id", "partition_id")


def _judged(
    line: Line, projects: Mapping[str, Project], register: Register, by: Any, done: Loaded
) -> Beneficiary | None:
    project = projects.get(line.told(NUMBER))
    on, benefit = day(line.told(ON)), _BY_LABEL.get(line.told(BENEFIT))
    expected, income = amount(line.told(EXPECTED)), amount(line.told(INCOME))
    checks = (
        (NUMBER, project is None or project.state in _ENDED,
         "没有这个项目，或项目未通过、已取消，或不在您的权限范围内。"),
        (BENEFIT, benefit is None, f"只能填：{'、'.join(_BY_LABEL)}。"),
        (ON, on is None, "须是日期。"),
        (EXPECTED, bool(line.told(EXPECTED)) and expected is None, "须是金额，至多两位小数。"),
        (INCOME, bool(line.told(INCOME)) and income is None, "须是金额，至多两位小数。"),
    )  # fmt: skip
    wrong = [(column, text) for column, is_wrong, text in checks if is_wrong]
    for column, text in wrong:
        done.fault(line, column, text)
    if wrong or project is None or on is None or benefit is None:
        return None
    who = _who(line, register, on, by, done)
    if who is None:
        return None
    return Beneficiary(
        project=project, region_code=project.region_code, benefit=benefit, on=on,
        expected=expected, income=income, created_by=by, **who,
    )  # fmt: skip


def _who(line: Line, register: Register, on: date, by: Any, done: Loaded) -> dict[str, Any] | None:
    if line.told(HOUSEHOLD):
        return _registered(line, register, on, done)
    village = register.villages.get(line.told(VILLAGE))
    if village is None or not village.is_valid_on(on) or not covers(by, village.code, EDIT):
        done.fault(line, VILLAGE, "没有户编号的须填村代码，且该村在您的权限范围内。")
        return None
    name = line.told(UNREGISTERED)[:60]
    kind = BeneficiaryKind.HOUSEHOLD if name else BeneficiaryKind.VILLAGE
    return {"kind": kind, "village": village, "village_code": village.code, "name": name}


def _registered(line: Line, register: Register, on: date, done: Loaded) -> dict[str, Any] | None:
    household = register.households.get(line.told(HOUSEHOLD))
    person = register.persons.get(line.told(PERSON))
    if household is None or (line.told(PERSON) and person is None):
        done.fault(line, HOUSEHOLD if household is None else PERSON, "没有这个编号。")
        return None
    if not register.holds(household, person, on):
        done.fault(line, ON, "该日不在册；不在册的请留空户编号，填未登记姓名和村代码。")
        return None
    return {
        "kind": BeneficiaryKind.PERSON if person else BeneficiaryKind.HOUSEHOLD,
        "household": household,
        "person": person,
        "village_code": household.village_code,
    }
