"""Who benefits from a project: villages, households and persons, many at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.acting import acting
from core.scope import trim
from households.models import Household, Person
from projects.enums import BeneficiaryKind
from projects.models import Beneficiary, Project
from projects.services.common import UnfitError, refused, require_edit
from villages.models import Region


@dataclass(frozen=True)
class Helped:
    """Whom a project helps with what: a village, a household, a person, or somebody unregistered.

    Unregistered ones are told by `name` and the village they live in. Amounts in yuan.
    """

    benefit: str
    village: Region | None = None
    household: Household | None = None
    person: Person | None = None
    name: str = ""
    # Of somebody unregistered: one person, or a household by its head.
    kind: str = BeneficiaryKind.HOUSEHOLD
    expected: Decimal | None = None
    income: Decimal | None = None


def add(*, project: Project, helped: Sequence[Helped], on: date, by: Any) -> int:
    """Record whom the project helps from this day on, in one statement; returns how many.

    The database looks whether they stand in the register on that day. Raises UnfitError.
    """
    with acting(by=by, reason="登记受益对象"), refused():
        found = require_edit(project, by)
        for one in helped:
            _require_place(found, one, by)
        made = Beneficiary.objects.bulk_create(_row(found, one, on, by) for one in helped)
    return len(made)


def _require_place(project: Project, one: Helped, by: Any) -> None:
    code = _code(one)
    inside = code.startswith(trim(project.region_code))
    if not inside and not any(code.startswith(prefix) for prefix in by.region_prefixes):
        raise UnfitError("受益对象不在项目所在区划，也不在您的权限范围内。")


def _code(one: Helped) -> str:
    if one.household is not None:
        return one.household.village_code
    if one.village is None:
        raise UnfitError("请写明受益对象。")
    return one.village.code


def _row(project: Project, one: Helped, on: date, by: Any) -> Beneficiary:
    if one.name:
        kind = one.kind
    elif one.person is not None:
        kind = BeneficiaryKind.PERSON
    elif one.household is not None:
        kind = BeneficiaryKind.HOUSEHOLD
    else:
        kind = BeneficiaryKind.VILLAGE
    return Beneficiary(
        project=project, region_code=project.region_code, village_code=_code(one), kind=kind,
        village=None if one.household else one.village, household=one.household,
        person=one.person, name=one.name, benefit=one.benefit, on=on, expected=one.expected,
        income=one.income, created_by=by,
    )  # fmt: skip


def add_by_numbers(
    *, project: Project, numbers: Sequence[str], benefit: str, expected: Decimal | None = None,
    on: date, by: Any,
) -> tuple[int, list[str]]:  # fmt: skip
    """Households by their numbers, each the same; returns how many and the numbers not found.

    Only those the actor sees are found. Raises UnfitError when one of them is not in the register on
    that day.
    """
    found = Household.objects.visible_to(by).filter(household_no__in=set(numbers))
    households = list(found.order_by("household_no"))
    known = {one.household_no for one in households}
    missing = [number for number in dict.fromkeys(numbers) if number not in known]
    helped = [Helped(benefit, household=one, expected=expected) for one in households]
    return (add(project=project, helped=helped, on=on, by=by) if helped else 0), missing


def add_other(
    *, project: Project, benefit: str, on: date, by: Any, village: str = "", person_no: str = "",
    name: str = "", expected: Decimal | None = None,
) -> None:  # fmt: skip
    """A village, a person of the register by number, or an unregistered one by name and village.

    Raises UnfitError where no such village or person is known to the actor.
    """
    person, place = None, None
    if person_no:
        found = Person.objects.visible_to(by).select_related("household")
        person = found.filter(person_no=person_no).first()
        if person is None:
            raise UnfitError("没有这个人员编号，请核对。")
    else:
        villages = Region.objects.valid_on(on).visible_to(by)
        place = villages.filter(code=village, level="village").first()
        if place is None:
            raise UnfitError("没有这个村代码，或不在您的区划内。")
    one = Helped(
        benefit, village=place, household=person.household if person else None, person=person,
        name=name, expected=expected,
    )  # fmt: skip
    add(project=project, helped=[one], on=on, by=by)


def tell_incomes(*, project: Project, incomes: Mapping[str, Decimal], by: Any) -> int:
    """What the project really brought to households, by number, yuan; all or none.

    Raises UnfitError naming the numbers that are not among its households, or stand there several times.
    """
    with acting(by=by, reason="登记实际增收"), refused():
        found = require_edit(project, by)
        rows = list(
            Beneficiary.objects.visible_to(by)
            .filter(project=found, household__household_no__in=incomes, person=None)
            .select_related("household")
        )
        many = Counter(row.household.household_no for row in rows if row.household)
        wrong = [number for number in incomes if many[number] != 1]
        if wrong:
            raise UnfitError(
                f"这些户不是本项目的受益户，或登记了多项受益：{'、'.join(wrong[:20])}。"
            )
        for row in rows:
            row.income = incomes[row.household.household_no] if row.household else None
        Beneficiary.objects.bulk_update(rows, ["income"], batch_size=1000)
    return len(rows)


def tell_income(*, beneficiary: Beneficiary, income: Decimal, by: Any) -> None:
    """What it really brought, in yuan. Raises UnfitError."""
    if income < 0:
        raise UnfitError("金额不能小于 0。")
    with acting(by=by, reason="登记实际增收"), refused():
        require_edit(beneficiary.project, by)
        Beneficiary.objects.filter(pk=beneficiary.pk).update(income=income)
