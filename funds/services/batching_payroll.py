"""The roster of people on the public payroll (财政供养人员): keyed indexes of ID numbers alone."""

from typing import Any

from django.db import connection

from core.acting import acting
from core.scope import covers
from funds.models import PayrollPerson
from funds.services.batching import key_print
from funds.services.batching_rows import NumberIndexes
from funds.services.common import EDIT, UnfitError, refused
from villages.models import Region


def load_roster(*, region: Region, numbers: NumberIndexes, source: str, by: Any) -> int:
    """Put a division's roster in the place of its former one; returns how many it names.

    Payments in the whole city are checked against every roster. Raises UnfitError.
    """
    if not covers(by, region.code, EDIT):
        raise UnfitError("您没有导入本区划名册的权限。")
    if not numbers.found:
        raise UnfitError("名册中没有可用的证件号码。")
    with acting(by=by, reason=f"导入财政供养人员名册：{source}"), refused():
        PayrollPerson.objects.filter(region_code=region.code).delete()
        with connection.cursor() as cursor:
            # COPY's text of a bytea, which the input function of the type reads as well.
            cursor.execute(
                "INSERT INTO funds_payrollperson"
                " (region_id, region_code, id_index, key_print, source, created_by_id)"
                " SELECT %s, %s, index::bytea, %s, %s, %s FROM unnest(%s::text[]) AS index",
                [
                    region.pk, region.code, key_print(), source, by.pk,
                    sorted(one.decode().removeprefix("\\") for one in numbers.found),
                ],
            )  # fmt: skip
    return len(numbers.found)
