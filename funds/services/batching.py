"""Payments to households by workbook: handed in, checked, confirmed, paid by one voucher.

A batch is UPLOADED until its rows were judged; then it is CHECKED, or REFUSED as a whole. Whoever
handed it in looks at what was found and confirms it (PAYING); the good rows become the payments of a
voucher that a second person posts (SUBMITTED), the bad ones stay to be handed back. Judging and
paying are one transaction each: a worker that dies leaves nothing of it behind.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from time import monotonic
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from core import vault
from core.acting import acting
from core.jobs.models import OPEN_STATES, Job
from core.jobs.services import enqueue
from core.scope import trim
from core.sealing import collector_resting
from funds.enums import AccountKind, BatchState, RowFault, VoucherKind, VoucherState
from funds.models import Account, Entry, PaymentBatch, PayrollPerson
from funds.services import batching_checks, batching_files
from funds.services.batching_checks import Terms
from funds.services.batching_rows import Progress, SealedRows, quiet
from funds.services.common import EDIT, UnfitError, refused, require
from funds.services.paying import paid_side
from funds.services.posting import Ground, Leg, asked, known

_YEAR_CHANGED = "发放日期须在资金账户所属的 {} 年内；上年结余请先办理结转。"
_OVER = "可发放金额 {:,.2f} 元，超过账户可用余额 {:,.2f} 元（余额 {:,.2f} 元，待复核支付 {:,.2f} 元），整批未受理。"


@dataclass(frozen=True)
class Order:
    """What a batch says of all its rows. `part` is free text within the year, e.g. 第一季度."""

    account: Account
    on: date
    document: str
    year: int
    part: str
    key: str
    cap: Decimal | None = None
    cap_source: str = ""


def receive(*, order: Order, file: batching_files.Stored, file_name: str, by: Any) -> PaymentBatch:
    """Open a batch for a stored workbook and ask for its rows to be judged.

    The key brings back the batch it was used for. Raises UnfitError.
    """
    account = order.account
    require(account.region_code, EDIT, by)
    if account.kind != AccountKind.ALLOTMENT:
        raise UnfitError("只能从已分配的资金中支付。")
    if order.on.year != account.year:
        raise UnfitError(_YEAR_CHANGED.format(account.year))
    if (order.cap is None) != (not order.cap_source):
        raise UnfitError("每户上限和上限依据须同时填写，或都不填。")
    with acting(by=by, reason="上传发放名单"), refused():
        batch, is_new = PaymentBatch.objects.get_or_create(
            region_code=account.region_code, key=order.key,
            defaults={
                "account": account, "on": order.on, "document": order.document,
                "year": order.year, "part": order.part, "cap": order.cap,
                "cap_source": order.cap_source, "file_name": file_name[:200],
                "file_format": file.file_format, "sha256": file.sha256, "created_by": by,
            },
        )  # fmt: skip
        if is_new:
            _ask_for("funds.stage_batch", batch, by)
    return batch


def _ask_for(kind: str, batch: PaymentBatch, by: Any) -> Job:
    job = enqueue(
        kind, subject=f"发放批次 {batch.pk}", scope=trim(batch.region_code),
        params={"batch": batch.pk}, key=f"{kind}:{batch.pk}", by=by,
    )  # fmt: skip
    batch.job = job
    batch.save(update_fields=["job"])
    return job


def locked(pk: int) -> PaymentBatch:
    """The batch for the length of the transaction, with all that its voucher is made from."""
    parts = ("account__source", "account__region", "account__project", "created_by")
    return PaymentBatch.objects.select_for_update(of=("self",)).select_related(*parts).get(pk=pk)


def terms_of(batch: PaymentBatch) -> Terms:
    return Terms(batch.region_code, batch.on, batch.period, batch.cap)


# --- judging -----------------------------------------------------------------------------------


def load(rows: SealedRows) -> None:
    """COPY the rows of a workbook into the scratch table in which they are judged."""
    with connection.cursor() as cursor, collector_resting():
        cursor.execute(batching_checks.CREATE)
        cursor.copy_expert(f"COPY pay_rows ({', '.join(rows.columns)}) FROM STDIN", rows, 1 << 18)
    if rows.refusal:
        raise rows.refusal


def check(batch: PaymentBatch, progress: Progress = quiet) -> None:
    """Judge the rows that were loaded, inside the same transaction, and save what was found.

    Raises UnfitError where no row can be judged at all.
    """
    started = monotonic()
    progress("核对", 0, None)
    _refuse_old_rosters()
    version = _version()
    batching_checks.judge(batch.pk, terms_of(batch))
    _count(batch)
    if not batch.rows_read:
        raise UnfitError("工作簿中没有数据行。")
    batch.judged_at_version = version
    batch.seconds |= {"judge": round(monotonic() - started, 2)}
    batch.state, batch.refusal = BatchState.CHECKED, ""
    if over := _over_balance(batch):
        batch.state, batch.refusal = BatchState.REFUSED, over
        _forget_good(batch)
    batch.save()
    transaction.on_commit(lambda: batching_files.forget(batch))


def _refuse_old_rosters() -> None:
    if PayrollPerson.objects.exclude(key_print=key_print()).exists():
        raise UnfitError("索引密钥已更换，财政供养人员名册须重新导入，否则无法核对。")


def key_print() -> str:
    """Tells index keys apart without telling anything of them."""
    return (vault.index("payments.print", "payments") or b"").hex()


def _version() -> str:
    """Changes with every write to the register, every payment asked for and every roster."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT last_value FROM households_dirtyregion_id_seq),"
            " (SELECT last_value FROM funds_payment_id_seq),"
            " (SELECT last_value FROM funds_payrollperson_id_seq)"
        )
        return ":".join((*map(str, cursor.fetchone()), key_print()))


def _count(batch: PaymentBatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE faults = '{}'),"
            " coalesce(sum(amount) FILTER (WHERE faults = '{}'), 0)"
            " FROM funds_paymentbatchrow WHERE batch_id = %s",
            [batch.pk],
        )
        batch.rows_read, batch.rows_good, batch.amount = cursor.fetchone()
        cursor.execute(
            "SELECT fault, count(*) FROM funds_paymentbatchrow, unnest(faults) AS fault"
            " WHERE batch_id = %s AND faults <> '{}' GROUP BY fault",
            [batch.pk],
        )
        found = dict(cursor.fetchall())
        batch.faults = {one: found[one] for one in RowFault.values if one in found}


def _over_balance(batch: PaymentBatch) -> str:
    """Why the allotment cannot bear the batch beside what already waits to be posted; or nothing."""
    account = Account.objects.get(pk=batch.account_id)
    waiting = -(
        Entry.objects.filter(
            account=account, voucher__state=VoucherState.PENDING, amount__lt=0
        ).aggregate(total=Sum("amount"))["total"]
        or Decimal(0)
    )
    free = account.balance - waiting
    if batch.amount <= free:
        return ""
    return _OVER.format(batch.amount, free, account.balance, waiting)


def _forget_good(batch: PaymentBatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [batch.pk])


# --- paying ------------------------------------------------------------------------------------


def confirm(*, batch: PaymentBatch, by: Any) -> Job:
    """Have the good rows paid. Only by whoever handed the batch in: a second person posts it."""
    with acting(by=by, reason="确认发放名单"), refused():
        found = locked(batch.pk)
        require(found.region_code, EDIT, by)
        if found.created_by_id != by.pk:
            raise UnfitError("请由上传名单的经办人确认；复核由另一人办理。")
        is_stuck = found.state == BatchState.PAYING and not _is_working(found)
        if found.state != BatchState.CHECKED and not is_stuck:
            raise UnfitError(f"该批次{found.get_state_display()}，不能确认。")
        if not found.rows_good:
            raise UnfitError("没有可以发放的行，请按退回的原因修改后重新上传。")
        found.state = BatchState.PAYING
        found.save(update_fields=["state"])
        return _ask_for("funds.pay_batch", found, by)


def _is_working(batch: PaymentBatch) -> bool:
    return batch.job_id is not None and Job.objects.filter(
        pk=batch.job_id, state__in=OPEN_STATES
    ).exists()  # fmt: skip


def pay(batch: PaymentBatch, progress: Progress = quiet) -> bool:
    """Put down the voucher with a payment for every good row, inside the caller's act.

    False when the register or the payments changed since the preview and other rows are good now:
    nothing is paid, and the batch waits to be confirmed anew. Raises UnfitError.
    """
    if batch.state == BatchState.SUBMITTED:
        return True
    if batch.state != BatchState.PAYING:
        raise UnfitError(f"该批次{batch.get_state_display()}，不能发放。")
    if not _still_so(batch, progress):
        return False
    if over := _over_balance(batch):
        raise UnfitError(over)
    started = monotonic()
    progress("写入支付", 0, None)
    with refused():
        ground = Ground(batch.on, f"一卡通发放 {batch.period}", batch.document, f"batch-{batch.pk}")
        voucher = known(batch.region_code, ground.key) or asked(
            kind=VoucherKind.PAY, code=batch.region_code, ground=ground,
            legs=[Leg(batch.account, -batch.amount), Leg(paid_side(batch.account), batch.amount)],
            by=batch.created_by,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_PAY, [voucher.pk, batch.account_id, batch.period, batch.pk])
            if cursor.rowcount != batch.rows_good:
                # The rows are not logged: a server that crashed has none of them.
                raise UnfitError("名单的暂存数据已不在，请放弃本批并重新上传。")
            cursor.execute(_GONE, [batch.pk])
    batch.voucher, batch.state = voucher, BatchState.SUBMITTED
    batch.seconds |= {"pay": round(monotonic() - started, 2)}
    batch.save()
    return True


# Sealed accounts are copied as they are: rows and payments seal them under one name.
_PAY = """
INSERT INTO funds_payment (voucher_id, account_id, period, region_code, payee_kind, payee,
    household_id, person_id, subsidy, bank_account, account_index, amount)
SELECT %s, %s, %s, village_code, 'HOUSEHOLD', name, household_id, person_id, subsidy, bank_account,
       account_index, amount
  FROM funds_paymentbatchrow WHERE batch_id = %s AND faults = '{}' ORDER BY household_id
"""
_GONE = "DELETE FROM funds_paymentbatchrow WHERE batch_id = %s AND faults = '{}'"


def _still_so(batch: PaymentBatch, progress: Progress) -> bool:
    version = _version()
    if version == batch.judged_at_version:
        return True
    if not batch.judged_at_version.endswith(key_print()):
        raise UnfitError("索引密钥已更换，请放弃本批并重新上传。")
    progress("重新核对", 0, None)
    _refuse_old_rosters()
    before = (batch.rows_good, batch.amount, batch.faults)
    batching_checks.judge_again(batch.pk, terms_of(batch))
    _count(batch)
    batch.judged_at_version = version
    if (batch.rows_good, batch.amount, batch.faults) == before:
        return True
    batch.state = BatchState.CHECKED
    batch.save()
    return False


def back_to_preview(pk: int) -> None:
    """Paying was refused in words: the batch waits for somebody again."""
    PaymentBatch.objects.filter(pk=pk, state=BatchState.PAYING).update(state=BatchState.CHECKED)


def refuse(pk: int, words: str) -> None:
    """The workbook cannot be read or judged at all; nothing of it is kept."""
    PaymentBatch.objects.filter(pk=pk, state=BatchState.UPLOADED).update(
        state=BatchState.REFUSED, refusal=words[:500]
    )
    batch = PaymentBatch.objects.get(pk=pk)
    transaction.on_commit(lambda: batching_files.forget(batch))


def discard(*, batch: PaymentBatch, by: Any) -> None:
    """Give a batch up before it is paid; what was found stays counted, its rows go."""
    with acting(by=by, reason="放弃发放批次"), refused():
        found = locked(batch.pk)
        require(found.region_code, EDIT, by)
        if found.state in (BatchState.SUBMITTED, BatchState.DISCARDED) or _is_working(found):
            raise UnfitError(f"该批次{found.get_state_display()}，不能放弃。")
        found.state, found.refusal = BatchState.DISCARDED, ""
        found.save(update_fields=["state", "refusal"])
        found.rows.all().delete()
        transaction.on_commit(lambda: batching_files.forget(found))
