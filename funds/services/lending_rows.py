"""Rows of a workbook become loans: looked up at once, written at once, bad ones told apart."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.acting import acting
from core.scope import covers
from funds.enums import LoanUser
from funds.models import Loan
from funds.services.common import EDIT, UnfitError, refused
from households.models import Household, Person
from projects.services.loading import Line, Loaded

# A row that was read: where it stood, and `funds.services.lending.FIELDS` with number and name.
Told = tuple[Line, Mapping[str, Any]]


def take(*, rows: Sequence[Told], done: Loaded, by: Any) -> None:
    """Put down the loans that can be; what cannot is told in `done`. Raises UnfitError for the right.

    As with a single loan, what is wrong with the lending itself becomes a flag and is no refusal.
    """
    if not by.has_perm(EDIT):
        raise UnfitError("您没有登记小额信贷的权限。")
    households = {
        one.household_no: one
        for one in Household.objects.visible_to(by).filter(
            household_no__in={told["household_no"] for _, told in rows}
        )
        if covers(by, one.village_code, EDIT)
    }
    persons = _persons(households.values())
    contracts = {told["contract_no"] for _, told in rows}
    known = set(
        Loan.objects.filter(contract_no__in=contracts).values_list("bank", "contract_no")
    )  # fmt: skip
    made = []
    for line, told in rows:
        fields = dict(told)
        household = households.get(fields.pop("household_no"))
        key = (fields["bank"], fields["contract_no"])
        wrong = [*_wrong(fields)]
        if household is None:
            wrong.append(("户编号", "没有这一户，或不在您的权限范围内。"))
        if key in known:
            wrong.append(("合同号", "该银行的这份合同已经登记，或在表中重复。"))
        for column, text in wrong:
            done.fault(line, column, text)
        if wrong or household is None:
            continue
        known.add(key)
        person = persons.get((household.pk, fields["borrower"]))
        made.append(
            Loan(
                household=household, village_code=household.village_code, person_id=person,
                created_by=by, **fields,
            )
        )  # fmt: skip
    with acting(by=by, reason="导入小额信贷"), refused():
        Loan.objects.bulk_create(made)
    done.made = len(made)


def _persons(households: Iterable[Household]) -> dict[tuple[int, str], int | None]:
    """Members by household and name; None where a name is that of several."""
    found: dict[tuple[int, str], int | None] = {}
    rows = Person.objects.filter(household__in=list(households))
    for household, name, pk in rows.values_list("household_id", "name", "pk"):
        found[household, name] = None if (household, name) in found else pk
    return found


def _wrong(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What the database would refuse, told row by row."""
    if fields["due_on"] <= fields["lent_on"]:
        yield "到期日期", "到期日期须晚于放款日期。"
    if fields["addon"] >= fields["amount"]:
        yield "其中追加部分（元）", "追加部分须小于贷款金额。"
    if fields["user_kind"] not in ("", LoanUser.BORROWER) and not fields["user_name"]:
        yield "用款单位或个人", "用款人不是借款户时，须写明用款单位或个人。"
