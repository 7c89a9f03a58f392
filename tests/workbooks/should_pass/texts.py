"""CSV as spreadsheets, databases and people write it."""

from collections.abc import Callable
from typing import Any

from tests.workbooks.should_pass.case import HEADS, Case

READ = {2: ["8630", "张三", "何梅德"]}


def _csv(
    third: str = "何梅德", encoding: str = "utf-8", separator: str = ","
) -> Callable[[], bytes]:
    lines = [separator.join(HEADS), separator.join(["8630", "张三", third])]
    return lambda: ("\r\n".join(lines) + "\r\n").encode(encoding)


def _is(value: str, **more: Any) -> dict[str, Any]:
    return {"rows": {2: ["8630", "张三", value]}, "name": "人员.csv", **more}


def _called(name: str = "人员.csv", encoding: str = "UTF-8") -> dict[str, Any]:
    return {"rows": READ, "name": name, "encoding": encoding}


CASES = {
    "csv_utf_8": Case(_csv(), **_called()),
    "csv_utf_8_with_mark": Case(_csv(encoding="utf-8-sig"), **_called()),
    "csv_gbk": Case(_csv(encoding="gbk"), **_called(encoding="GB18030")),
    "csv_gb18030_four_bytes": Case(
        _csv("𠮷㐀", encoding="gb18030"), **_is("𠮷㐀", encoding="GB18030")
    ),
    "csv_utf_16": Case(_csv(encoding="utf-16", separator="\t"), **_called(encoding="UTF-16")),
    "csv_tabs": Case(_csv(separator="\t"), **_called()),
    "csv_semicolons": Case(_csv(separator=";"), **_called()),
    "csv_commas_in_texts_and_semicolons": Case(_csv("甲,乙,丙", separator=";"), **_is("甲,乙,丙")),
    "csv_called_xlsx": Case(_csv(), **_called("贫困人员.xlsx")),
    "csv_gbk_called_xls": Case(_csv(encoding="gbk"), **_called("导出.xls", "GB18030")),
    "csv_chinese_only_far_down": Case(
        lambda: (",".join("abc") + "\n" + "1,2,3\n" * 200_000 + "8630,张三,何\n").encode("gbk"),
        {n: ["1", "2", "3"] for n in range(2, 200_002)} | {200_002: ["8630", "张三", "何"]},
        "人员.csv",
        encoding="GB18030",
    ),
    "csv_quoted_line_break": Case(
        f'{",".join(HEADS)}\n8630,"张\r\n三",a\n8631,李四,b\n'.encode,
        {2: ["8630", "张\r\n三", "a"], 3: ["8631", "李四", "b"]},
        "人员.csv",
    ),
    "csv_quotes": Case(_csv('"甲""乙"",丙"'), **_is('甲"乙",丙')),
    "csv_separator_named": Case(
        lambda: b"sep=;\r\n" + _csv("甲,乙", separator=";")(), **_is("甲,乙")
    ),
    "csv_armoured_number": Case(_csv('="0012"'), **_is("0012")),
    "csv_number_with_a_tab": Case(_csv('"0012\t"'), **_is("0012")),
    "csv_old_line_ends": Case(lambda: _csv()().replace(b"\r\n", b"\r"), **_called()),
    "csv_without_a_last_line_end": Case(lambda: _csv()().rstrip(), **_called()),
    "csv_short_and_empty_rows": Case(
        f"{','.join(HEADS)},,\n8630\n\n8631,张三,何梅德,,\n".encode,
        {2: ["8630", "", ""], 4: ["8631", "张三", "何梅德"]},
        "人员.csv",
    ),
    "csv_titles_above": Case(
        lambda: f"贫困人员信息表\n\n{','.join(HEADS)}\n8630,张三,何梅德\n".encode("gb18030"),
        {4: READ[2]},
        "人员.csv",
        header_row=2,
    ),
    "csv_backslashes": Case(_csv(r"a\N\t"), **_is(r"a\N\t")),
    "csv_that_is_valid_in_both": Case((",".join(HEADS) + "\n8630,张三,é\n").encode, **_is("é")),
}
