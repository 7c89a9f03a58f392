"""CSV files that are none, or that nobody can read in one way only."""

from tests.workbooks import P2018, member
from tests.workbooks.should_fail.case import Case


def table(rows: int = 2, separator: str = ",", end: str = "\r\n") -> str:
    """A sound CSV with heads."""
    lines = [separator.join(P2018)]
    lines += [
        separator.join(str(member(n).get(head, "")) for head in P2018) for n in range(1, rows + 1)
    ]
    return end.join(lines) + end


def _broken(encoding: str, byte: bytes) -> bytes:
    return table(9).encode(encoding) + "何".encode(encoding) + byte + b"\r\n"


CASES = {
    "csv_utf_8_broken_at_the_end": Case("encoding", lambda: _broken("utf-8", b"\xff"), "人员.csv"),
    "csv_utf_8_cut_in_a_letter": Case(
        "encoding", lambda: table().encode() + b"\xe4\xbd", "人员.csv"
    ),
    "csv_gb18030_broken_at_the_end": Case("encoding", lambda: _broken("gbk", b"\xff"), "人员.csv"),
    "csv_two_encodings": Case(
        "encoding", lambda: table().encode() + table().encode("gbk"), "人员.csv"
    ),
    "csv_two_encodings_gbk_first": Case(
        "encoding",
        lambda: table().encode("gbk") + b"\xef\xbb\xbf\xff\xff" + table().encode(),
        "人员.csv",
    ),
    "csv_utf_8_by_its_mark_but_is_not": Case(
        "encoding", lambda: b"\xef\xbb\xbf" + table().encode("gbk"), "人员.csv"
    ),
    "csv_utf_16_without_mark": Case("encoding", lambda: table().encode("utf-16-le"), "人员.csv"),
    "csv_utf_32": Case("encoding", lambda: table().encode("utf-32"), "人员.csv"),
    "csv_with_nuls": Case("format", lambda: table().replace("何", "\x00").encode(), "人员.csv"),
    "csv_with_a_nul_far_down": Case("binary", (table(400) + "a,\x00\r\n").encode, "人员.csv"),
    "csv_with_a_line_of_200_mb": Case(
        "line", lambda: table().encode() + b"x" * 199_000_000, "人员.csv"
    ),
    "csv_with_a_field_of_300_kb": Case(
        "cell", lambda: table().encode() + b"x" * 300_000 + b",1\r\n", "人员.csv"
    ),
    "csv_with_an_open_quote": Case(
        "quotes", (table() + '"1,2\r\n' + "3,4\r\n" * 9).encode, "人员.csv"
    ),
    "csv_with_an_open_quote_in_a_long_file": Case(
        "cell", (table() + '"1,2\r\n' + "3,4\r\n" * 9_000).encode, "人员.csv"
    ),
    "csv_with_text_behind_a_quote": Case("quotes", (table() + '"a"b,c\r\n').encode, "人员.csv"),
    "csv_with_a_separator_in_a_text": Case(
        "ragged", lambda: table().replace("何梅德", "何,梅德").encode(), "人员.csv"
    ),
    "csv_with_5000_columns": Case("columns", ("a," * 5_000 + "b\r\n" + table()).encode, "人员.csv"),
    "csv_of_blanks": Case("no_rows", lambda: b"\r\n \r\n,,,\r\n" * 3, "人员.csv"),
    "csv_of_a_mark": Case("no_rows", lambda: b"\xef\xbb\xbf", "人员.csv"),
    "csv_with_escapes": Case("format", lambda: b"\x1b[2J\x08\x08" * 30, "人员.csv"),
}
