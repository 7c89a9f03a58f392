"""What is looked at before a parser sees a file, and what the parser is allowed to do."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.workbooks import archives, child, confine, guard, limits, markup, plaintext, reader
from core.workbooks.refusal import WORDS, refused
from tests.workbooks import build, family
from tests.workbooks.packing import cell, parts, row, sheet, workbook
from tests.workbooks.should_fail import CASES
from tests.workbooks.should_fail.sizes import CORNER
from tests.workbooks.should_pass import CASES as SOUND

pytestmark = pytest.mark.unit
ROOT = Path(guard.__file__).parents[2]
# Of the child: what a workbook's own program would be able to reach.
PROBE = """
import json, os, resource, socket, sys
from core.workbooks import reader
reader.confine()
found = {"modules": sorted({name.split(".")[0] for name in sys.modules}), "environment": sorted(os.environ)}
found["memory"] = resource.getrlimit(resource.RLIMIT_AS)[1]
found["files"] = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
try:
    os.write(os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY), b"x")
    found["writes"] = True
except OSError:
    found["writes"] = False
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)
    found["network"] = True
except OSError:
    found["network"] = False
try:
    bytearray(found["memory"])
    found["memory_kept"] = False
except MemoryError:
    found["memory_kept"] = True
print(json.dumps(found))
"""


def inspected(content: bytes, tmp_path: Path) -> str:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    guard.inspect(path)
    guard.inspect_xml(path)
    return path.name


def test_every_refusal_has_words_that_say_what_to_do() -> None:
    for code in WORDS:
        for one in (refused(code), refused(code, limit=7, row=3)):
            assert str(one).endswith("。")
            assert "{" not in str(one)
            assert one.code == code
            assert len(code) <= 20


def test_every_hostile_file_has_a_known_code() -> None:
    assert len(CASES) > 100
    assert {case.code for case in CASES.values()} <= set(WORDS)
    # What no file can show by itself, or only one that takes a minute to make.
    assert set(WORDS) - {case.code for case in CASES.values()} == {
        "size", "no_space", "poisoned", "slow", "large",
    }  # fmt: skip


def test_row_is_named_where_it_is_known() -> None:
    assert "第 3 行" in str(refused("quotes", row=3))
    assert "行）" not in str(refused("quotes"))


def test_sound_workbook_passes(tmp_path: Path) -> None:
    assert inspected(build(family(1)), tmp_path)


def test_looking_makes_no_file(tmp_path: Path) -> None:
    """Whatever parts are called, nothing is unpacked to a place."""
    with pytest.raises(guard.RefusedError):
        inspected(workbook(extra={"../outside.xml": b"x"}), tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]
    assert not (tmp_path.parent / "outside.xml").exists()


def test_large_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.truncate(guard.MAX_FILE + 1)
    with pytest.raises(guard.RefusedError) as large:
        guard.tell_format(path)
    assert (large.value.code, "200 MB" in str(large.value)) == ("size", True)


def test_file_that_changed_its_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(guard.RefusedError) as other:
        guard.inspect(path, guard.XLSX)
    assert other.value.code == "format"


def looks(content: bytes, monkeypatch: pytest.MonkeyPatch, *, quick: bool) -> str:
    """How a sheet is judged, with the quick look tried first or never."""
    monkeypatch.setattr(markup, "SMALL", 0 if quick else 1 << 60)
    try:
        look = markup.inspect(lambda: iter([content[:9], content[9:]]), len(content), "sheet1.xml")
    except guard.RefusedError as refusal:
        return refusal.code
    return "plain" if look is None else "exact"


SHEETS = {
    name: parts_of[part].decode("utf-8", "replace").encode()
    for name, parts_of, part in [
        ("plain", parts(row(1, [1, "a"])), "xl/worksheets/sheet1.xml"),
        ("wide", parts(row(1, list(range(300)))), "xl/worksheets/sheet1.xml"),
        ("too wide", parts(row(1, list(range(301)))), "xl/worksheets/sheet1.xml"),
        ("corner", parts(CORNER), "xl/worksheets/sheet1.xml"),
        ("far but empty", parts('<row r="1048576"><c r="XFD1048576" s="1"/></row>'), "xl/worksheets/sheet1.xml"),
        ("area", parts(row(1, [1]) + cell("KN900000", 1)), "xl/worksheets/sheet1.xml"),
        ("text", parts(row(1, ["x" * 32_768])), "xl/worksheets/sheet1.xml"),
        ("long but allowed", parts(row(1, ["x" * 32_767])), "xl/worksheets/sheet1.xml"),
        ("other attribute first", parts('<row r="1"><c t="n" r="XFD1"><v>1</v></c></row>'), "xl/worksheets/sheet1.xml"),
        ("quotes", parts("<row r='1'><c r='XFD1'><v>1</v></c></row>"), "xl/worksheets/sheet1.xml"),
        ("blanks", parts('<row r="1"><c  r = "XFD1" ><v>1</v></c></row>'), "xl/worksheets/sheet1.xml"),
        ("line end", parts('<row r="1"><c\nr="XFD1"><v>1</v></c></row>'), "xl/worksheets/sheet1.xml"),
        ("no reference", parts(f'<row r="1">{"<c><v>1</v></c>" * 301}</row>'), "xl/worksheets/sheet1.xml"),
        ("prefix", parts(sheet='<x:worksheet xmlns:x="a"><x:c r="XFD1">1</x:c></x:worksheet>'), "xl/worksheets/sheet1.xml"),
        ("far row number", parts('<row r="1"><c r="A1048576"><v>1</v></c></row>'), "xl/worksheets/sheet1.xml"),
        ("doctype", parts(sheet=sheet(row(1, [1]), before="<!DOCTYPE a []>")), "xl/worksheets/sheet1.xml"),
        ("comment", parts(row(1, [1]) + "<!-- <c r='XFD1'/> -->"), "xl/worksheets/sheet1.xml"),
        ("column tags", parts(sheet=sheet(row(1, [1]), more='<cols><col min="1"/></cols>')), "xl/worksheets/sheet1.xml"),
    ]
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_quick_look_never_lets_through_what_the_exact_one_refuses(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = looks(SHEETS[name], monkeypatch, quick=False)
    quick = looks(SHEETS[name], monkeypatch, quick=True)
    if exact == "exact":
        assert quick in ("plain", "exact")
    else:
        assert quick == exact


def test_quick_look_is_enough_for_an_ordinary_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exact look at a full city would take a minute."""
    for name in ("plain", "wide", "column tags"):
        assert looks(SHEETS[name], monkeypatch, quick=True) == "plain"


def test_ordinary_writers_write_plain_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(build([one for n in range(1, 50) for one in family(n)]))
    monkeypatch.setattr(markup, "SMALL", 0)
    for part in archives.parts(path):
        if "worksheets" in part.name or "sharedStrings" in part.name:
            pieces = [*archives.unpack(path, part)]
            assert markup.inspect(lambda pieces=pieces: iter(pieces), part.size, part.name) is None


@pytest.mark.parametrize("quick", [True, False])
def test_strings_are_counted(quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_STRINGS", 100)
    for tag, code in (
        ("<si><t/></si>", "strings"),
        ("<si ></si>", "strings"),
        ("<si/>", "strings"),
    ):
        content = f'<sst xmlns="a">{tag * 101}</sst>'.encode()
        assert looks(content, monkeypatch, quick=quick) == code
    prefixed = f'<x:sst xmlns:x="a">{"<x:si/>" * 101}</x:sst>'.encode()
    assert looks(prefixed, monkeypatch, quick=quick) == "strings"


def wide(cells: str, dimension: str = "") -> bytes:
    return sheet(f'<row r="1">{cells}</row>', more=dimension).encode()


@pytest.mark.parametrize("quick", [True, False])
def test_cells_that_hold_something_are_counted(
    quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_CELLS", 100)
    far = '<dimension ref="A1:KN1"/>'
    held = [f'<c r="B{n}"><v>1</v></c>' for n in range(1, 102)]
    texts = '<c r="A1" t="inlineStr"><is><t>a</t></is></c>' * 101
    empty = '<c r="A1" s="1"/>' * 101
    for content, code in (
        (wide("".join(held), far), "large"),
        (wide(texts, far), "large"),
        (wide("".join(held[:100]) + empty, far), ""),
    ):
        assert looks(content, monkeypatch, quick=quick) in ([code] if code else ["plain", "exact"])


def test_cells_are_counted_only_where_a_sheet_says_it_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counting costs seconds of a full city's."""
    monkeypatch.setattr(limits, "MAX_CELLS", 100)
    few = wide('<c r="A1"><v>1</v></c>' * 101, '<dimension ref="A1:A100"/>')
    assert looks(few, monkeypatch, quick=True) == "plain"


def test_pieces_of_any_length_are_judged_alike() -> None:
    """A declaration or a tag may be cut anywhere between two pieces."""
    declared = sheet(row(1, [1]), before='<?xml version="1.0" encoding="UTF-16"?>').encode()
    for size in (1, 7, 100):
        pieces = [declared[at : at + size] for at in range(0, len(declared), size)]
        with pytest.raises(guard.RefusedError) as other:
            markup.inspect(lambda pieces=pieces: iter(pieces), len(declared), "a.xml")
        assert other.value.code == "encoding"


def test_corner_bomb_kills_the_child_only(tmp_path: Path) -> None:
    """1.7 KB that make the parser ask for half a terabyte: the child dies under its limit."""
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(workbook(CORNER))
    one = child.Child(path, "xlsx", 60)
    try:
        with pytest.raises(guard.RefusedError) as refusal:
            one.hello()
    finally:
        one.close()
    assert (refusal.value.code, refusal.value.is_death) == ("parser", True)


def refusal_of(
    path: Path, talk: Callable[[child.Child], None], seconds: float = 60
) -> guard.RefusedError:
    """How a conversation with the child on this file is refused."""

    def converse() -> None:
        with child.reading(path, guard.tell_format(path), seconds) as parser:
            parser.hello()
            talk(parser)

    with pytest.raises(guard.RefusedError) as refusal:
        converse()
    return refusal.value


def test_clock_ends_a_child_that_says_nothing_more(tmp_path: Path) -> None:
    """Started and never told where the head is, it would wait for ever."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    refusal = refusal_of(path, lambda parser: parser.finish(), seconds=0.5)
    assert (refusal.code, refusal.is_death) == ("parser", True)


def test_look_through_has_an_end_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PARSER_SECONDS", -1)
    monkeypatch.setattr(child, "_SMALL", 0)
    path = tmp_path / "a.xlsx"
    path.write_bytes(SOUND["large_with_format_down_to_the_last_row"].build())
    assert refusal_of(path, lambda parser: parser.finish()).code == "slow"


def test_workbook_too_large_for_the_memory_is_no_attack(tmp_path: Path) -> None:
    """Within every limit and yet too much: told so, and not counted against it."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(CASES["one_long_text_in_every_cell"].build())
    refusal = refusal_of(path, lambda parser: parser.close())
    assert (refusal.code, refusal.is_death) == ("memory", False)
    for what in ("按县拆分后分别导入", "另存为 CSV 再上传"):
        assert what in str(refusal)
        assert what in str(refused("large", limit=limits.MAX_CELLS))


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (signal.SIGKILL, ("parser", True)),
        (signal.SIGABRT, ("memory", False)),
    ],
)
def test_child_that_dies_in_a_block_died(ends: int, told: tuple[str, bool], tmp_path: Path) -> None:
    """Whoever reads the blocks sees one cut short, not how the child ended."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(build(family(1)))

    def talk(parser: child.Child) -> None:
        parser.process.send_signal(ends)
        raise refused("parser")

    refusal = refusal_of(path, talk)
    assert (refusal.code, refusal.is_death) == told


def test_text_that_kills_the_child_is_counted(tmp_path: Path) -> None:
    """A CSV is read row by row: nothing sound in it takes the memory away."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")

    def talk(parser: child.Child) -> None:
        parser.process.send_signal(signal.SIGABRT)
        parser.finish()

    assert refusal_of(path, talk).is_death


def rows_of_text(content: bytes, tmp_path: Path) -> list[str]:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    raws: list[str] = []
    with child.reading(path, "csv") as parser:
        parser.hello()
        parser.tell({"header_row": 0, "columns": [{"index": 0, "name": "a", "kind": "text"}]})
        while sizes := parser.stdout.readline():
            child.refuse_named(sizes)
            raw, lines = map(int, sizes.split())
            raws += parser.stdout.read(raw).decode().splitlines()
            parser.stdout.read(lines)
        parser.finish()
    return raws


def test_separators_behind_the_last_column_are_fine(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n3,4,,,\n5,6, ,\n7" + b"," * 400 + b"\n"
    assert [one.split("\t")[1].split(reader.RAW_SEPARATOR) for one in rows_of_text(
        content, tmp_path
    )] == [["1", "2"], ["3", "4"], ["5", "6"], ["7", ""]]  # fmt: skip
    with pytest.raises(guard.RefusedError) as refusal:
        rows_of_text(b"a,b,\n1,2,,\n3,4,5\n", tmp_path)
    assert (refusal.value.code, refusal.value.row) == ("ragged", 3)
    assert "第 3 行" in str(refusal.value)
    assert "补上表头" in str(refusal.value)


def test_separator_of_raw_rows_in_a_cell_moves_no_column(tmp_path: Path) -> None:
    content = "a,b,c\n1,何␟德,3\n␟,␟␟,\n".encode()
    assert [
        one.split("\t")[1].split(reader.RAW_SEPARATOR) for one in rows_of_text(content, tmp_path)
    ] == [["1", "何␞德", "3"], ["␞", "␞␞", ""]]
    assert reader._raw([1.0, "␟", True]) == reader.RAW_SEPARATOR.join(
        ["1", "␞", reader._raw([True])]
    )


def test_ordinary_refusal_is_no_death(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2,3\n")

    def talk(parser: child.Child) -> None:
        parser.tell({"header_row": 0, "columns": [{"index": 0, "name": "a", "kind": "text"}]})
        child.refuse_named(parser.stdout.readline())

    refusal = refusal_of(path, talk)
    assert (refusal.code, refusal.row, refusal.is_death) == ("ragged", 2, False)


def test_other_errors_pass_through_and_end_the_child(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(LookupError), child.reading(path, "csv") as parser:
        raise LookupError
    assert parser.process.returncode is not None


@pytest.mark.parametrize("line", [b"!", b"!a b c\n", b"!nonsense 0 0\n", b"!rows 0\n"])
def test_child_that_names_nonsense_is_refused(line: bytes) -> None:
    with pytest.raises((guard.RefusedError, ValueError)) as refusal:
        child.refuse_named(line)
    assert getattr(refusal.value, "code", "parser") == "parser"


def test_child_can_reach_nothing(tmp_path: Path) -> None:
    """No secret, no Django, no file to write, no network; its memory ends where it is told."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-s", "-c", PROBE, str(port), str(tmp_path / "written")],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            timeout=60,
        )
    found: dict[str, Any] = json.loads(done.stdout)
    assert not {"django", "psycopg2", "imports", "povertyops"} & set(found["modules"])
    assert (found["memory"], found["files"]) == (limits.PARSER_MEMORY, limits.PARSER_FILES)
    assert limits.PARSER_MEMORY < 1_536 * 1024**2
    assert found["memory_kept"]
    assert not found["writes"]
    if os.geteuid() == 0:
        assert not found["network"]


def test_child_inherits_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with child.reading(path, "csv") as parser:
        parser.hello()
        inherited = Path(f"/proc/{parser.process.pid}/environ").read_bytes()
    assert b"canary" not in inherited


def test_confinement_is_best_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel refuses, the child still starts with the limits there are."""
    import ctypes

    def none(*_: Any, **__: Any) -> Any:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", none)
    confine._by_kernel()


def test_encoding_is_decided_by_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("户编号,姓名\n".encode() * 90_000 + b"\xff\n")
    with pytest.raises(guard.RefusedError) as broken:
        plaintext.tell(path)
    assert (broken.value.code, broken.value.row) == ("encoding", 90_001)
