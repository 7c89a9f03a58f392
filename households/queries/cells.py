"""Lists of the register as cells of a file: the columns somebody chose, a chunk of keys at a time.

Heads are those of the national layouts where a layout knows the fact, so that the import reads such
a file again; other facts go by the register's own label. A missing fact is an empty cell.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from households.catalog import FieldFact, facts, labels
from households.models import Household, HouseholdYear, Person, PersonYear
from households.queries.keyset import HOUSEHOLDS, PERSONS, Keyset
from households.queries.places import Place, places_on, year_end
from households.queries.rows import MISSING
from households.queries.values import birth_year, in_full, is_birth_date, written

Show = Callable[[Any], Any]
CHUNK = 2_000
# The national export of persons of 2018, head by head.
NATIONAL_PERSON = {
    "county_code": "行政县", "town_code": "乡镇", "village_code": "行政村", "household_no": "户编号",
    "person_no": "人编号", "name": "姓名", "id_no": "证件号码", "member_count": "人数",
    "relation_to_head": "与户主关系", "ethnicity": "民族", "education_level": "文化程度",
    "student_status": "在校生状况", "health_status": "健康状况", "labour_capacity": "劳动技能",
    "work_area": "务工状况", "work_months": "务工时间",
    "in_major_illness_insurance": "参加大病医疗", "exit_status": "脱贫属性", "exit_year": "脱贫年度",
    "household_attribute": "贫困户属性", "main_cause": "致贫原因", "is_dangerous_house": "危房户",
    "safe_water_solved": "是否解决安全饮用水", "net_income_per_capita": "人均纯收入",
    "phone": "联系电话",
}  # fmt: skip
_PLACES: dict[str, Callable[[Place], str]] = {
    "county_code": lambda place: place.county,
    "town_code": lambda place: place.town,
    "village_code": lambda place: place.village,
}
_PLACE_LABELS = {"county_code": "行政县", "town_code": "乡镇", "village_code": "行政村"}
_OF_PERSON = {Person: "person__", PersonYear: ""}
_OF_HOUSEHOLD = {Household: "household__", HouseholdYear: ""}


@cache
def person_columns() -> dict[str, str]:
    """Column → head, of a list of persons: the national ones first, then every other fact."""
    return _columns(NATIONAL_PERSON, Person, PersonYear, Household, HouseholdYear)


@cache
def household_columns() -> dict[str, str]:
    """Column → head, of a list of households."""
    return _columns(_PLACE_LABELS, Household, HouseholdYear)


def _columns(first: dict[str, str], *models: Any) -> dict[str, str]:
    found = dict(first)
    for identifier, fact in facts().items():
        # Two columns with one head could not be told apart again.
        if fact.model in models and fact.label not in found.values():
            found.setdefault(identifier, fact.label)
    return found


def persons(
    rows: QuerySet[Any], columns: Sequence[str], year: int, *, full: bool
) -> Iterator[list[Any]]:
    """The cells of each person of the year in `rows`; `full` writes sensitive facts out."""
    own = _Reader(columns, _OF_PERSON, full)
    common = _Reader(columns, _OF_HOUSEHOLD, full)
    for keys, cells in _chunks(rows, PERSONS, columns, year):
        by_household = common.read(
            HouseholdYear.objects.in_year(year), "household_id", {key[1] for key in keys}
        )
        by_person = own.read(PersonYear.objects.all(), "id", {key[2] for key in keys})
        for key, line in zip(keys, cells, strict=True):
            own.fill(line, by_person.get(key[2]))
            common.fill(line, by_household.get(key[1]))
            yield line


def households(
    rows: QuerySet[Any], columns: Sequence[str], year: int, *, full: bool
) -> Iterator[list[Any]]:
    """The cells of each household of the year in `rows`; `full` writes sensitive facts out."""
    own = _Reader(columns, _OF_HOUSEHOLD, full)
    for keys, cells in _chunks(rows, HOUSEHOLDS, columns, year):
        found = own.read(
            HouseholdYear.objects.in_year(year), "household_id", {key[1] for key in keys}
        )
        for key, line in zip(keys, cells, strict=True):
            own.fill(line, found.get(key[1]))
            yield line


def beside_households(
    keys: Sequence[tuple[str, int]], columns: Sequence[str], year: int
) -> dict[int, list[str]]:
    """Household → the chosen facts in words, masked, for the lines of one page."""
    own = _Reader(columns, _OF_HOUSEHOLD, False, _in_words)
    found = own.read(HouseholdYear.objects.in_year(year), "household_id", {key[1] for key in keys})
    return {key[1]: _line(columns, (own, found.get(key[1]))) for key in keys}


def beside_persons(
    keys: Sequence[tuple[str, int, int]], columns: Sequence[str], year: int
) -> dict[int, list[str]]:
    """Person's row → the chosen facts in words, those of the household too."""
    own = _Reader(columns, _OF_PERSON, False, _in_words)
    common = _Reader(columns, _OF_HOUSEHOLD, False, _in_words)
    shared = common.read(
        HouseholdYear.objects.in_year(year), "household_id", {key[1] for key in keys}
    )
    found = own.read(PersonYear.objects.all(), "id", {key[2] for key in keys})
    return {
        key[2]: _line(columns, (own, found.get(key[2])), (common, shared.get(key[1])))
        for key in keys
    }


def _line(columns: Sequence[str], *parts: tuple["_Reader", tuple[Any, ...] | None]) -> list[str]:
    line: list[Any] = [None] * len(columns)
    for reader, values in parts:
        reader.fill(line, values)
    return [MISSING if cell is None else str(cell) for cell in line]


def _chunks(
    rows: QuerySet[Any], order: Keyset, columns: Sequence[str], year: int
) -> Iterator[tuple[list[Any], list[list[Any]]]]:
    """Keys of the rows with lines in which only the places stand so far."""
    wanted = [(at, _PLACES[name]) for at, name in enumerate(columns) if name in _PLACES]
    known: dict[str, Place] = {}
    width, after, day = len(columns), "", year_end(year)
    narrow = rows.values_list(*order.fields)
    while True:
        page = order.page(narrow, size=CHUNK, after=after)
        if wanted and (fresh := {key[0] for key in page.rows} - known.keys()):
            known |= places_on(day, fresh)
        lines = []
        for key in page.rows:
            line: list[Any] = [None] * width
            for at, name_of in wanted:
                line[at] = name_of(known[key[0]])
            lines.append(line)
        yield page.rows, lines
        after = page.next
        if not after:
            return


class _Reader:
    """Reads the chosen facts of one table and those it points at, and nothing beside them."""

    def __init__(
        self,
        columns: Sequence[str],
        models: dict[Any, str],
        full: bool,
        show: Callable[[FieldFact, bool], Show] | None = None,
    ) -> None:
        chosen = [
            (at, facts()[name])
            for at, name in enumerate(columns)
            if name not in _PLACES and facts()[name].model in models
        ]
        self._paths: list[str] = []
        self._stated: dict[str, Any] = {}
        self._cells: list[tuple[int, Show]] = []
        for at, fact in chosen:
            path = f"{models[fact.model]}{fact.name}"
            if not full and _is_only_hidden(fact):
                # Whether it is stated is all that shows: no seal is opened for that.
                is_stated = ExpressionWrapper(
                    Q(**{f"{path}__isnull": False}), output_field=BooleanField()
                )
                path = f"stated_{fact.name}"
                self._stated[path] = is_stated
            self._paths.append(path)
            self._cells.append((at, (show or _show)(fact, full)))

    def read(self, rows: Any, key: str, wanted: set[int]) -> dict[int, tuple[Any, ...]]:
        """Key → (key, values as stored…); no query when no fact of these tables was chosen."""
        if not self._paths:
            return dict.fromkeys(wanted, ())
        found = rows.filter(**{f"{key}__in": wanted}).annotate(**self._stated)
        return {row[0]: row for row in found.values_list(key, *self._paths)}

    def fill(self, line: list[Any], values: tuple[Any, ...] | None) -> None:
        for (at, show), value in zip(self._cells, (values or ())[1:], strict=False):
            if value is not None:
                line[at] = show(value)


def _is_only_hidden(fact: FieldFact) -> bool:
    return fact.sensitive and not fact.name.endswith(("id_no", "phone"))


def _show(fact: FieldFact, full: bool) -> Show:
    """How a stored value stands in a cell; None and nothing stay empty."""
    if fact.sensitive:
        return _sensitive(fact, full)
    if is_birth_date(fact) and not full:
        return birth_year
    if fact.kind == "yes_no":
        return {True: "是", False: "否"}.__getitem__
    if fact.kind == "code":
        known = labels(fact.table)
        return lambda code: known.get(code, code)
    if fact.kind == "codes":
        named = labels(fact.table)
        return lambda codes: "、".join(named.get(code, code) for code in codes)
    return lambda value: value


def _sensitive(fact: FieldFact, full: bool) -> Show:
    if full:
        return lambda value: in_full(fact, value) if value else None
    return lambda value: written(fact, value) if value else None


def _in_words(fact: FieldFact, _full: bool) -> Show:
    """How a stored value stands on a page: with its unit, masked where it tells too much."""
    return _sensitive(fact, False) if fact.sensitive else lambda value: written(fact, value)
