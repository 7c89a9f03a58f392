"""Files that hold division lists and yearly facts: CSV (UTF-8 or GB18030) and XLSX.

These files come from the administrator's own hand, through a management command.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from core.exports.kinds import Kind, Terms, register
from core.scope import Actor
from villages.checks import RawRow
from villages.enums import Level
from villages.models import Region, VillageYear
from villages.queries import yearly

DATA = Path(__file__).parent / "data"


class FileUnreadableError(Exception):
    """The file as a whole cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: our field, the heads it may stand under (the first is shown), needed or not."""

    field: str
    heads: tuple[str, ...]
    required: bool = True


DIVISIONS = (
    Column("code", ("code", "区划代码")),
    Column("name", ("name", "名称")),
    Column("level", ("level", "级别")),
    Column("parent_code", ("parent_code", "上级代码")),
    Column("year", ("year", "年度")),
    Column("unit_kind", ("unit_kind", "单位类别"), required=False),
    Column("statistical_only", ("statistical_only", "仅用于统计"), required=False),
    Column("source", ("source", "来源")),
)
CHANGES = (
    Column("from_year", ("from_year",)),
    Column("to_year", ("to_year",)),
    Column("change", ("change",)),
    Column("old_code", ("old_code",)),
    Column("new_code", ("new_code",)),
)
POPULATION = (
    Column("code", ("区划代码", "code", "region_code")),
    Column("year", ("年度", "year")),
    Column("basis", ("口径", "basis")),
    Column("persons", ("人数", "人数（人）", "persons")),
    Column("source", ("来源", "source")),
)
FACTS = (
    Column("code", ("区划代码", "code", "region_code")),
    Column("year", ("年度", "year")),
    Column("poverty_level", ("贫困县类别", "poverty_level"), required=False),
    Column("area", ("所属地区", "area"), required=False),
    Column("is_deep_poverty", ("深度贫困", "深度贫困县", "深度贫困村", "is_deep_poverty"), False),
    Column("planned_exit_year", ("计划退出年度", "planned_exit_year"), required=False),
    Column("exited_year", ("退出年度", "exited_year"), required=False),
    Column("is_poor_village", ("贫困村", "是否贫困村", "is_poor_village"), required=False),
    Column("village_exited_year", ("出列年度", "village_exited_year"), required=False),
    Column("source", ("来源", "source")),
)


def shown_heads(columns: Sequence[Column]) -> dict[str, str]:
    """Field → the head that messages name."""
    return {column.field: column.heads[0] for column in columns}


def read_rows(path: Path, columns: Sequence[Column]) -> list[RawRow]:
    """Every filled row as (row number in the spreadsheet, field → text). Raises FileUnreadableError."""
    lines = _xlsx_lines(path) if path.suffix.lower() == ".xlsx" else _csv_lines(path)
    places = _places(next(lines, []), columns)
    rows: list[RawRow] = []
    for number, line in enumerate(lines, start=2):
        if any(line):
            cells = {field: line[at] for field, at in places.items() if at < len(line)}
            rows.append((number, cells))
    return rows


def _places(head: Sequence[str], columns: Sequence[Column]) -> dict[str, int]:
    """Field → position, by head and never by order."""
    at = {text.strip(): position for position, text in enumerate(head)}
    places = {
        column.field: at[known] for column in columns for known in column.heads if known in at
    }
    missing = [c.heads[0] for c in columns if c.required and c.field not in places]
    if missing:
        raise FileUnreadableError(f"第 1 行缺少列：{'、'.join(missing)}。请在表头补上这些列名。")
    return places


def _csv_lines(path: Path) -> Iterator[list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileUnreadableError(f"读不到文件 {path}：{error.strerror}。") from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return iter(csv.reader(io.StringIO(text, newline="")))
    raise FileUnreadableError(f"{path.name} 既不是 UTF-8 也不是 GB18030 编码，请另存为 CSV UTF-8。")


def _xlsx_lines(path: Path) -> Iterator[list[str]]:
    """The first sheet, row by row, every cell as the text a person sees."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except OSError as error:
        raise FileUnreadableError(f"读不到文件 {path}：{error.strerror}。") from error
    except (BadZipFile, KeyError, ValueError) as error:
        raise FileUnreadableError(f"{path.name} 不是完好的 XLSX 文件，请重新另存。") from error
    try:
        for line in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(value) for value in line]
    finally:
        book.close()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    # A code typed as a number comes back as 410324000000.0; twelve digits are exact in a float.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _records(name: str) -> Iterable[Mapping[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def snapshot_dates() -> dict[int, date]:
    """Cut-off date of each published list, by year."""
    return {
        int(row["year"]): date.fromisoformat(row["as_of"]) for row in _records("snapshot_dates.csv")
    }


def effective_dates() -> list[tuple[date, str, str]]:
    """(day, prefix, source) of changes announced for an exact day, for old and new codes alike."""
    return [
        (date.fromisoformat(row["effective_on"]), prefix, row["source"])
        for row in _records("effective_dates.csv")
        for prefix in (row["old_prefix"], row["new_prefix"])
    ]


# --- Lists that are exported -------------------------------------------------------------------

READ = "households.view_register"
VILLAGES = "villages"
_PLACE_HEADS = ("区划代码", "县区", "乡镇", "行政村", "年度")


def export_heads(terms: Terms) -> tuple[str, ...]:
    """Place and year, then every fact of a village's year by its label."""
    return (*_PLACE_HEADS, *(str(field.verbose_name) for field in yearly.facts()))


def villages_of(terms: Terms, actor: Actor, *, region: str, full: bool) -> "QuerySet[Region]":
    """The villages that the actor sees, as they stood at the end of the year."""
    found = Region.objects.visible_to(actor).valid_in_year(int(terms["year"]))
    for prefix in filter(None, (region, terms.get("region"))):
        found = found.below(str(prefix))
    return found.filter(level=Level.VILLAGE).order_by("code")


def _export_count(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return villages_of(terms, actor, region=region, full=full).count()


def _export_rows(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """A row of each village, empty where nobody stated a fact; three statements for all of them."""
    year = int(terms["year"])
    villages = list(villages_of(terms, actor, region=region, full=full).values_list("code", "name"))
    above = {f"{code[:length]:0<12}" for code, _ in villages for length in (6, 9)}
    names = dict(
        Region.objects.valid_in_year(year).filter(code__in=above).values_list("code", "name")
    )
    known: Any = VillageYear.objects.visible_to(actor).filter(year=year)
    codes = [code for code, _ in villages]
    stated = {row.region_code: row for row in known.filter(region_code__in=codes)}
    fields = [field.name for field in yearly.facts()]
    for code, name in villages:
        county, town = names.get(f"{code[:6]:0<12}", ""), names.get(f"{code[:9]:0<12}", "")
        row = stated.get(code)
        facts = [getattr(row, field) if row else None for field in fields]
        yield [code, county, town, name, year, *facts]


def _export_words(terms: Terms) -> str:
    place = f"；区划：{terms['region']}" if terms.get("region") else ""
    return f"年度：{terms['year']}{place}"


register(
    Kind(
        VILLAGES, "行政村清单", READ, READ, export_heads, _export_count, _export_rows, _export_words
    )
)
