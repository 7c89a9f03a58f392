"""Workbooks of Excel 97 to 2003."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import xlwt

from tests.workbooks.should_pass.case import HEADS, Case


def _old(value: Any, *, since_1904: bool = False, form: str = "General") -> Callable[[], bytes]:
    def build() -> bytes:
        made = xlwt.Workbook(encoding="utf-8")
        made.dates_1904 = since_1904
        sheet = made.add_sheet("人员")
        style = xlwt.easyxf(num_format_str=form)
        for at, head in enumerate(HEADS):
            sheet.write(0, at, head)
        for at, one in enumerate(["8630", "张三"]):
            sheet.write(1, at, one)
        sheet.write(1, 2, value, style)
        buffer = io.BytesIO()
        made.save(buffer)
        return buffer.getvalue()

    return build


def _is(value: str, **more: Any) -> dict[str, Any]:
    return {"rows": {2: ["8630", "张三", value]}, "name": "导出.xls", **more}


CASES = {
    "xls": Case(_old("何梅德"), **_is("何梅德", sheet="人员", sheets=("人员",))),
    "xls_called_xlsx": Case(_old("何梅德"), **_is("何梅德") | {"name": "导出.xlsx"}),
    "xls_number": Case(_old(3219.5), **_is("3219.5")),
    "xls_rare_letter": Case(_old("𠮷１２"), **_is("𠮷12")),
    # This writer computes nothing.
    "xls_formula_without_a_result": Case(_old(xlwt.Formula("1+1")), **_is("")),
    "xls_day": Case(_old(date(2017, 12, 31), form="yyyy-mm-dd"), **_is("2017-12-31", kind="day")),
    "xls_bare_day": Case(_old(43_100), **_is("2017-12-31", kind="day")),
    "xls_day_since_1904": Case(
        _old(41_638, since_1904=True, form="yyyy-mm-dd"), **_is("2017-12-31", kind="day")
    ),
    "xls_bare_day_since_1904": Case(_old(41_638, since_1904=True), **_is("2017-12-31", kind="day")),
}
