"""Source documents: what announces money, and what later documents add or cut."""

from datetime import date
from decimal import Decimal
from typing import Any

from core.acting import acting
from funds.models import Source, SourceChange
from funds.services.common import EDIT, UnfitError, refused, require
from villages.models import Region


def announce(*, region: Region, fields: dict[str, Any], by: Any) -> Source:
    """Register a document by its facts: `fields` are values of Source but region and clerk."""
    _positive(fields["amount"])
    with acting(by=by, reason=f"登记资金来源文件：{fields['doc_no']}"), refused():
        require(region.code, EDIT, by)
        return Source.objects.create(
            **fields, region=region, region_code=region.code, created_by=by
        )


def change(
    *, source: Source, doc_no: str, on: date, amount: Decimal, reason: str, by: Any
) -> SourceChange:
    """A later document raises or cuts what the source announces, never below what has arrived."""
    if not amount:
        raise UnfitError("增减金额不能为 0。")
    with acting(by=by, reason=f"调整资金来源文件：{doc_no}"), refused():
        require(source.region_code, EDIT, by)
        return SourceChange.objects.create(
            source=source,
            region_code=source.region_code,
            doc_no=doc_no,
            on=on,
            amount=amount,
            reason=reason,
            created_by=by,
        )


def _positive(amount: Decimal) -> None:
    if amount <= 0:
        raise UnfitError("金额必须大于 0。")
