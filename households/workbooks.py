"""Lists of the register as they are exported: the lines of the page, a thousand at a time."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from core import papers
from core.exports.kinds import Kind, Terms, register
from core.scope import Actor, within
from core.templatetags.show import mask_phone
from households.catalog import facts, label
from households.models import HouseholdYear, PersonYear
from households.queries import cells
from households.queries import papers as sheets
from households.queries.conditions import (
    OVERDUE,
    STATUS_GROUPS,
    YES,
    matching_households,
    matching_persons,
)
from households.queries.keyset import HOUSEHOLDS
from households.queries.rows import MISSING, HouseholdRow, heads_of, household_rows, masked_id

READ, REVEAL = "households.view_register", "households.reveal"
CHUNK = 1_000
HEADERS = (
    "户编号", "户主姓名", "户主证件号码", "联系电话", "县区", "乡镇", "行政村", "是否贫困村", "家庭人口",
    "主要致贫原因", "人均纯收入（元）", "脱贫状态", "年度",
)  # fmt: skip
_GROUP_WORDS = {"poor": "未脱贫", "exited": "已脱贫"}
# Terms with a code list, and those that are words, numbers or answers themselves.
_CODED = {
    "status": ("脱贫状态", "exit_status"),
    "cause": ("主要致贫原因", "poverty_cause"),
    "attribute": ("贫困户属性", "household_attribute"),
    "relation": ("与户主关系", "relation_to_head"),
    "education": ("文化程度", "education_level"),
    "student": ("在校生状况", "student_status"),
    "labour": ("劳动技能", "labour_capacity"),
    "work_area": ("务工状况", "work_area"),
}
_PLAIN = {
    "year": "年度", "region": "区划", "county": "县区", "town": "乡镇", "village": "行政村",
    "exit_year": "脱贫年度", "income_below": "人均纯收入低于", "income_above": "人均纯收入高于",
    "below_line": "收入低于当年标准", "poor_village": "在贫困村", "mark": "待核查", "missing": "未填项目", "q": "姓名、拼音、编号、村",
}  # fmt: skip


def stored_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of a valid search as JSON; what was not asked for is left out."""
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in terms.items()
        if value not in (None, "", [])
    }


def matching(terms: Terms, actor: Actor, *, region: str, full: bool) -> Any:
    """The households of one year that the actor sees below `region` and the terms select.

    Whoever sees more, by an assignment or by a later grant, takes none of it out through `region`.
    Whole numbers are of households only whose numbers the actor may see one by one.
    """
    rows = HouseholdYear.objects.visible_to(actor)
    if region:
        rows = rows.in_region(region)
    if full:
        rows = rows.filter(within(actor.prefixes_for(REVEAL), "village_code"))
    return matching_households(rows, terms, int(terms["year"]))


def count(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return int(matching(terms, actor, region=region, full=full).count())


def lines(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """The cells of each household; a thousand cost as many queries as one."""
    year = int(terms["year"])
    if chosen := terms.get("columns"):
        found = matching(terms, actor, region=region, full=full)
        yield from cells.households(found, chosen, year, full=full)
        return
    keys = matching(terms, actor, region=region, full=full).values_list(*HOUSEHOLDS.fields)
    after = ""
    while True:
        page = HOUSEHOLDS.page(keys, size=CHUNK, after=after)
        numbers = _numbers([household for _, household in page.rows], year)
        for row in household_rows(page.rows, year):
            yield _cells(row, *numbers[row.household_no], full=full)
        after = page.next
        if not after:
            return


def _numbers(ids: list[int], year: int) -> dict[str, tuple[str, str]]:
    """Household number → identity number of the head, telephone; both whole."""
    heads = heads_of(ids, year)
    rows = HouseholdYear.objects.in_year(year).filter(household_id__in=ids)
    found = rows.select_related("household").only(
        "household_id", "partition_id", "phone", "head_id_no", "household__household_no"
    )
    return {
        row.household.household_no: (
            heads[row.household_id].person.id_no if row.household_id in heads else row.head_id_no,
            row.phone,
        )
        for row in found
    }


def _cells(row: HouseholdRow, id_no: str, phone: str, *, full: bool) -> list[Any]:
    return [
        row.household_no,
        row.head_name,
        id_no if full else masked_id(id_no),
        phone if full else mask_phone(phone),
        row.county_name,
        row.town_name,
        row.village_name,
        row.is_poor_village,
        row.member_count,
        row.cause_label,
        MISSING if row.income is None else row.income,
        row.status_label,
        row.year,
    ]


def household_heads(terms: Terms) -> tuple[str, ...]:
    """The list's own heads, or those of the columns that were chosen."""
    known = cells.household_columns()
    return tuple(known[name] for name in terms.get("columns", ())) or HEADERS


def person_heads(terms: Terms) -> tuple[str, ...]:
    known = cells.person_columns()
    return tuple(known[name] for name in _person_columns(terms))


def _person_columns(terms: Terms) -> list[str]:
    return list(terms.get("columns") or cells.NATIONAL_PERSON)


def matching_people(terms: Terms, actor: Actor, *, region: str, full: bool) -> Any:
    """The persons of one year, bounded as households are in `matching`."""
    rows = PersonYear.objects.visible_to(actor)
    if region:
        rows = rows.in_region(region)
    if full:
        rows = rows.filter(within(actor.prefixes_for(REVEAL), "village_code"))
    return matching_persons(
        rows, HouseholdYear.objects.visible_to(actor), terms, int(terms["year"])
    )


def count_people(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return int(matching_people(terms, actor, region=region, full=full).count())


def people(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """The cells of each person in the columns chosen, else in those of the national export."""
    found = matching_people(terms, actor, region=region, full=full)
    return cells.persons(found, _person_columns(terms), int(terms["year"]), full=full)


def _chosen_words(columns: list[str]) -> str:
    """How many columns, and which of them tell too much: for whoever lets them out."""
    known = facts()
    closed = [known[name].label for name in columns if name in known and known[name].sensitive]
    return f"列：{len(columns)} 列" + (f"（含{'、'.join(closed)}）" if closed else "")


def words(terms: Terms) -> str:
    """The terms as a clerk reads them."""
    parts = [f"{text}：{terms[name]}" for name, text in _PLAIN.items() if name in terms]
    for name, (text, table) in _CODED.items():
        if chosen := terms.get(name):
            said = [
                _GROUP_WORDS[code] if code in STATUS_GROUPS else label(table, code)
                for code in chosen
            ]
            parts.append(f"{text}：{'、'.join(said)}")
    if chosen := terms.get("columns"):
        parts.append(_chosen_words(chosen))
    return (
        "；".join(parts)
        .replace(f"：{YES}", "：是")
        .replace("：false", "：否")
        .replace(f"：{OVERDUE}", "：已逾期")
    )


register(Kind("households", "贫困户清单", READ, REVEAL, household_heads, count, lines, words))
register(Kind("persons", "贫困人口清单", READ, REVEAL, person_heads, count_people, people, words))


# --- Lists of one village on paper -------------------------------------------------------------

ROSTER, GAPS = "village-roster", "village-gaps"
# How wide each column is, as a class of the sheet's style.
_ROSTER_WIDTHS = ("c-1", "c-3", "c-2", "c-4", "", "c-1", "", "", "", "", "", "c-2")
_GAP_WIDTHS = ("c-1", "c-3", "c-2", "c-2", "c-1", "", "c-5")


def village_rows(kind: str, terms: Terms, actor: Actor) -> Any:
    """The households of a village's paper that the actor sees; `terms` are year and village."""
    chosen = sheets.on_roster if kind == ROSTER else sheets.with_gaps
    return chosen(str(terms["village"]), int(terms["year"]), actor)


def sheet_context(
    kind: str, terms: Terms, rows: Sequence[Sequence[Any]], total: int
) -> dict[str, Any]:
    """What the sheet of a village's paper shows; on the page and in the PDF the same."""
    place = sheets.place_of(str(terms["village"]), int(terms["year"]))
    is_roster = kind == ROSTER
    heads = sheets.ROSTER_HEADS if is_roster else sheets.GAP_HEADS
    title = "贫困户花名册" if is_roster else "信息未填清单"
    where = " ".join(filter(None, (place.county, place.town, place.village)))
    return {
        "title": f"{place.village}{title}",
        "about": f"{where}　{terms['year']} 年度　共 {total} 户",
        "heads": list(zip(heads, _ROSTER_WIDTHS if is_roster else _GAP_WIDTHS, strict=True)),
        "rows": rows,
    }


def _village(kind: str, title: str) -> Kind:
    read = sheets.roster_rows if kind == ROSTER else sheets.gap_rows

    def seen(terms: Terms, actor: Actor, region: str) -> Any:
        return village_rows(kind, terms, actor).in_region(region or str(terms["village"]))

    def count_of(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
        return int(seen(terms, actor, region).count())

    def rows_of(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
        yield from read(seen(terms, actor, region), int(terms["year"]))

    def paper(terms: Terms, rows: Sequence[Sequence[Any]], printed: papers.Printed) -> bytes:
        shown = sheet_context(kind, terms, rows, len(rows))
        return papers.pdf("papers/table.html", {**shown, "printed": printed})

    heads = sheets.ROSTER_HEADS if kind == ROSTER else sheets.GAP_HEADS
    return Kind(kind, title, READ, REVEAL, heads, count_of, rows_of, words, paper)


register(_village(ROSTER, "村花名册"))
register(_village(GAPS, "村信息未填清单"))
