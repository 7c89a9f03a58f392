import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from tests.villages.lists import CITY, HERE, listed
from villages.models import CountyYear, PopulationBase, Region, RegionSuccession, VillageYear

POPULATION = [
    ["区划代码", "年度", "口径", "人数", "来源"],
    ["410324", "2018", "农业户籍人口", "300120", "洛阳市统计局"],
    ["410325", "2018", "农业户籍人口", "540000", "洛阳市统计局"],
]
FACTS = [
    ["区划代码", "年度", "贫困县类别", "所属地区", "深度贫困", "计划退出年度", "退出年度", "贫困村", "出列年度", "来源"],
    ["410324000000", "2018", "国家级贫困县", "中部地区", "否", "2019", "", "", "", "省扶贫办"],
    ["410324100203", "2018", "", "", "", "", "", "是", "2017", "县扶贫办"],
]  # fmt: skip

GetRegion = Callable[[str], Region]


def run(*args: Any, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*args, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def refused(*args: Any, **options: Any) -> tuple[str, str]:
    err = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*args, stdout=StringIO(), stderr=err, **options)
    return str(caught.value), err.getvalue()


def write_csv(path: Path, table: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(table)
    return path


def write_xlsx(path: Path, table: list[list[Any]]) -> Path:
    book = Workbook()
    for line in table:
        book.active.append(line)
    book.save(path)
    return path


def division_table(year: int = 2017, **columns: str) -> list[list[str]]:
    rows = [cells for _, cells in listed(CITY, year, **columns)]
    return [list(rows[0]), *(list(cells.values()) for cells in rows)]


@pytest.mark.django_db
def test_load_divisions_tells_counts_and_agreement() -> None:
    out, _ = run("load_divisions", HERE / "mengjin.csv")
    assert "2023 年（截止 2023-06-30）" in out
    assert "合并 1" in out
    assert "核对完成" in out
    assert RegionSuccession.objects.exists()
    out, _ = run("load_divisions", HERE / "mengjin.csv")
    assert "没有改动" in out


@pytest.mark.django_db
def test_load_divisions_takes_one_year() -> None:
    run("load_divisions", HERE / "mengjin.csv", year=2017)
    assert not Region.objects.filter(code="410308000000").exists()


@pytest.mark.django_db
def test_load_divisions_finds_a_named_change_list(tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    target.write_bytes((HERE / "mengjin.csv").read_bytes())
    out, _ = run("load_divisions", target)
    assert "没有变更表" in out
    assert set(RegionSuccession.objects.values_list("kind", flat=True)) == {"renamed"}


@pytest.mark.django_db
def test_load_divisions_takes_the_change_list_it_is_given(tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    target.write_bytes((HERE / "mengjin.csv").read_bytes())
    run("load_divisions", target, changes=HERE / "mengjin_changes.csv")
    assert RegionSuccession.objects.filter(kind="merged").count() == 1


@pytest.mark.django_db
def test_load_divisions_reads_gb18030_and_asks_for_a_date(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "list.csv", division_table(2019), "gb18030")
    message, _ = refused("load_divisions", path)
    assert "--as-of" in message
    run("load_divisions", path, "--as-of", "2019-10-31")
    assert Region.objects.filter(name="陈家门村村民委员会").count() == 2


@pytest.mark.django_db
def test_load_divisions_keeps_as_of_for_one_unknown_year(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "list.csv", division_table(2017))
    message, _ = refused("load_divisions", path, "--as-of", "2017-12-31")
    assert "2017-10-31" in message
    message, _ = refused("load_divisions", HERE / "mengjin.csv", "--as-of", "2017-12-31")
    assert "--year" in message


@pytest.mark.django_db
def test_load_divisions_lists_every_bad_row(tmp_path: Path) -> None:
    table = division_table()
    table[3][2] = "hamlet"
    table[-1][0] = "41032510020"
    message, err = refused("load_divisions", write_csv(tmp_path / "list.csv", table))
    assert "没有写入任何数据" in message
    assert "第 4 行「level」＝「hamlet」" in err
    assert "第 12 行「code」＝「41032510020」" in err
    assert not Region.objects.exists()


@pytest.mark.django_db
def test_load_divisions_refuses_an_unreadable_file(tmp_path: Path) -> None:
    message, _ = refused("load_divisions", tmp_path / "absent.csv")
    assert "读不到" in message
    message, _ = refused("load_divisions", write_csv(tmp_path / "a.csv", [["code", "name"]]))
    assert "缺少列：level" in message
    (tmp_path / "b.csv").write_bytes(b"\xff\xff\xff")
    message, _ = refused("load_divisions", tmp_path / "b.csv")
    assert "编码" in message


@pytest.mark.parametrize("kind", ["csv", "gb18030", "xlsx"])
def test_load_population_reads_every_kind_of_file(
    city: GetRegion, tmp_path: Path, kind: str
) -> None:
    if kind == "xlsx":
        numbers = [
            [float(line[0]), int(line[1]), line[2], int(line[3]), line[4]]
            for line in POPULATION[1:]
        ]
        path = write_xlsx(tmp_path / "p.xlsx", [POPULATION[0], *numbers])
    else:
        encoding = "utf-8-sig" if kind == "csv" else kind
        path = write_csv(tmp_path / "p.csv", POPULATION, encoding)
    assert "新增 2，更新 0，未变 0" in run("load_population", path)[0]
    assert "新增 0，更新 0，未变 2" in run("load_population", path)[0]
    assert PopulationBase.objects.get(region_code="410325000000").persons == 540_000


def test_load_population_reads_english_heads(city: GetRegion, tmp_path: Path) -> None:
    table = [["source", "persons", "basis", "year", "code"], list(reversed(POPULATION[1]))]
    run("load_population", write_csv(tmp_path / "p.csv", table))
    assert PopulationBase.objects.get().persons == 300_120


def test_load_population_counts_rows_as_the_spreadsheet_does(
    city: GetRegion, tmp_path: Path
) -> None:
    table = [*POPULATION, [], ["410399", "2018", "户籍", "1", ""]]
    message, err = refused("load_population", write_csv(tmp_path / "p.csv", table))
    assert "共 2 处问题" in message
    assert err.count("第 5 行") == 2
    assert not PopulationBase.objects.exists()


@pytest.mark.parametrize("command", ["load_population", "load_region_facts"])
def test_facts_refuse_a_broken_workbook(command: str, tmp_path: Path) -> None:
    path = tmp_path / "p.xlsx"
    path.write_bytes(b"no archive")
    assert "XLSX" in refused(command, path)[0]
    assert "读不到" in refused(command, tmp_path / "absent.xlsx")[0]


@pytest.mark.parametrize("name", ["f.csv", "f.xlsx"])
def test_load_region_facts_reads_counties_and_villages(
    city: GetRegion, tmp_path: Path, name: str
) -> None:
    # What a spreadsheet program makes of empty cells and of 是/否 typed as truth values.
    typed = [
        [{"": None, "是": True, "否": False}.get(cell, cell) for cell in line] for line in FACTS
    ]
    is_book = name.endswith("xlsx")
    path = write_xlsx(tmp_path / name, typed) if is_book else write_csv(tmp_path / name, FACTS)
    out, _ = run("load_region_facts", path)
    assert "县：新增 1" in out
    assert "村：新增 1" in out
    assert CountyYear.objects.get().planned_exit_year == 2019
    assert VillageYear.objects.get().exited_year == 2017
    out, _ = run("load_region_facts", path)
    assert out.count("未变 1") == 2


def test_load_region_facts_lists_every_bad_row(city: GetRegion, tmp_path: Path) -> None:
    table = [*FACTS, ["410325", "2018", "贫困县", "", "", "", "", "", "", "x"], FACTS[1]]
    message, err = refused("load_region_facts", write_csv(tmp_path / "f.csv", table))
    assert "共 3 处问题" in message
    assert "第 4 行「贫困县类别」＝「贫困县」" in err
    assert "第 5 行「区划代码」" in err
    assert not CountyYear.objects.exists()
