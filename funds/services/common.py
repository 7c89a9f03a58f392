"""What the acts of money share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connection, transaction
from psycopg2 import errors

from core.scope import covers

EDIT = "funds.edit"
APPROVE = "funds.approve"

# The database's own refusals in the words of the office. What is missing here is a fault of ours.
REFUSALS = {
    "account_never_overdrawn": "金额超出可用余额：支付不能超过分配，分配不能超过到位，到位不能超过下达。",
    "account_of_project_in_library": "项目不在该区划内，或者没有入库、已经取消，不能安排资金。",
    "voucher_takes_two_persons": "经办人不能复核自己的凭证，请由另一人复核。",
    "voucher_year_is_open": "该年度已关账，不能再入账；请在当前年度办理。",
    "voucher_reverses_posted": "原凭证尚未入账，不能冲正或退回。",
    "voucher_reversed_once": "该凭证已经冲正，或正在冲正。",
    "voucher_key_once": "这笔业务已经提交过，没有重复记录。",
    "voucher_in_its_year": "业务日期不在所选年度内。",
    "payment_back_once": "名单中有支付已经退回过。",
    "payment_back_as_it_went": "退回的支付与原支付不一致。",
    "closed_year_nothing_waits": "该年度还有待复核的凭证，请先复核或退回，再关账。",
    "closed_year_once": "该年度已经关账。",
    "subsidy_once_a_period": "名单中有农户的同一补助本期已经发放或待复核，请重新核对。",
    "payment_batch_key_once": "这份名单已经提交过，没有重复记录。",
    "loan_once": "该银行的这份合同已经登记。",
    "loan_never_repaid_beyond": "还本、补偿合计不能超过贷款金额，也不能为负。",
    "loan_subsidy": "贴息合计不能为负。",
    "loan_ends_later": "到期日期须晚于放款日期。",
    "loan_lends_something": "贷款金额须大于 0，追加部分须小于贷款金额。",
    "loan_user_has_a_name": "用款人不是借款户时，须写明用款单位或个人。",
    "loan_event_after_lending": "日期早于放款日期。",
    "loan_event_extends": "展期须晚于现到期日期。",
    "loan_event_back_as_it_came": "更正须与原事项一致。",
    "loan_event_amount": "金额不符合这一事项的要求。",
    "funds_loanevent_reverses_id_key": "这一事项已经更正过。",
    "source_once": "同一文号、批次、类别的资金来源文件已经登记。",
    "source_change_once": "同一文号的调整已经登记。",
}


class UnfitError(Exception):
    """The act cannot be done as told; the text says why."""


def require(code: str, right: str, by: Any) -> None:
    """Raises UnfitError unless the actor holds the right in the whole division."""
    if not covers(by, code, right):
        raise UnfitError("您没有办理本区划资金这一事项的权限。")


@contextmanager
def refused() -> Iterator[None]:
    """One savepoint, at whose end the database compares what adds up; its refusals become words."""
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS funds_adds_up IMMEDIATE")
                cursor.execute("SET CONSTRAINTS funds_adds_up DEFERRED")
    except IntegrityError as error:
        cause = error.__cause__
        name = cause.diag.constraint_name if isinstance(cause, errors.Error) else None
        if name not in REFUSALS:
            raise
        raise UnfitError(REFUSALS[name]) from error
