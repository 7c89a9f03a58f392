"""Small loans: put down as the bank lent them, and what happens to them afterwards."""

from datetime import date
from decimal import Decimal
from typing import Any

from core.acting import acting
from funds.enums import LoanEventKind
from funds.models import Loan, LoanEvent
from funds.services.common import EDIT, UnfitError, refused, require
from households.models import Household, Person

# What may be put right afterwards; whose loan it is stays.
FIELDS = (
    "bank", "contract_no", "amount", "addon", "lent_on", "due_on", "rate", "subsidy_rate", "use",
    "is_productive", "user_kind", "user_name",
)  # fmt: skip


def lend(*, household: Household, borrower: str, fields: dict[str, Any], by: Any) -> Loan:
    """Put down a loan to a household; `fields` are values of `FIELDS`.

    The borrower is looked for among its members by name; a name that fits nobody, or several, stays
    a name. What is wrong with the loan becomes a flag, not a refusal: the money is out already.
    """
    with acting(by=by, reason=f"登记小额信贷：{fields['contract_no']}"), refused():
        require(household.village_code, EDIT, by)
        found = Person.objects.filter(household=household, name=borrower)[:2]
        made = Loan.objects.create(
            household=household, village_code=household.village_code, borrower=borrower,
            person=found[0] if len(found) == 1 else None, created_by=by, **fields,
        )  # fmt: skip
    made.refresh_from_db()
    return made


def amend(*, loan: Loan, fields: dict[str, Any], by: Any) -> Loan:
    """Put right what was told wrongly; the old image stays in the history, flags are judged anew."""
    with acting(by=by, reason=f"更正小额信贷：{loan.contract_no}"), refused():
        require(loan.village_code, EDIT, by)
        found = Loan.objects.select_for_update().get(pk=loan.pk)
        for name in FIELDS:
            setattr(found, name, fields[name])
        found.save(update_fields=FIELDS)
    found.refresh_from_db()
    return found


def note(
    *, loan: Loan, kind: str, on: date, reason: str, by: Any, amount: Decimal = Decimal(0),
    until: date | None = None,
) -> LoanEvent:  # fmt: skip
    """Principal repaid, term extended, interest subsidised, loss compensated. Raises UnfitError."""
    if kind == LoanEventKind.EXTEND and until is None:
        raise UnfitError("请填写展期后的到期日期。")
    if kind != LoanEventKind.EXTEND and amount <= 0:
        raise UnfitError("金额必须大于 0。")
    is_extension = kind == LoanEventKind.EXTEND
    with acting(by=by, reason=f"{LoanEventKind(kind).label}：{loan.contract_no}"), refused():
        require(loan.village_code, EDIT, by)
        return LoanEvent.objects.create(
            loan=loan, village_code=loan.village_code, kind=kind, on=on, reason=reason,
            amount=Decimal(0) if is_extension else amount, until=until if is_extension else None,
            created_by=by,
        )  # fmt: skip


def undo(*, event: LoanEvent, reason: str, by: Any) -> LoanEvent:
    """Take an event back by its opposite, once; both stay on record."""
    if event.reverses_id is not None:
        raise UnfitError("更正不能再更正；请重新登记。")
    if not reason.strip():
        raise UnfitError("请填写更正的理由。")
    with acting(by=by, reason=f"更正{event.get_kind_display()}：{reason}"), refused():
        require(event.village_code, EDIT, by)
        return LoanEvent.objects.create(
            loan_id=event.loan_id, village_code=event.village_code, kind=event.kind, on=event.on,
            amount=-event.amount, reason=reason, reverses=event, created_by=by,
        )  # fmt: skip
