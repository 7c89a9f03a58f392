"""What makes a figure: accounts, entries, documents, holders of idle money, projects; pages by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from funds.enums import AccountKind
from funds.queries.figures import LEFT, first_of_next, span
from projects.enums import PLANNED, State

PAGE = 50
ANNOUNCED = "announced"
# Part of a figure → its name and the kinds of account that make it.
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    ANNOUNCED: ("下达", ()),
    "received": ("下达文件到位", (AccountKind.OUTSIDE,)),
    "arrived": ("到位", (AccountKind.POOL, AccountKind.ALLOTMENT, AccountKind.PAID)),
    "allotted": ("已分配", (AccountKind.ALLOTMENT, AccountKind.PAID)),
    "paid": ("已支付", (AccountKind.PAID,)),
    "waiting": ("到位未分配", (AccountKind.POOL,)),
    "unpaid": ("已分配未支付", (AccountKind.ALLOTMENT,)),
}
# What is awaited is a debt: its account goes down by what has arrived.
_AWAITED = "received"


@dataclass(frozen=True)
class Asked:
    """Which money of a place: of a budget year until the end of a month, narrowed by its source.

    `is_own` leaves out the divisions below. Numbers that make no sense are the view's to refuse.
    """

    code: str
    year: int
    month: date
    level: str = ""
    kind: str = ""
    batch: int | None = None
    is_own: bool = False
    account: int | None = None
    # Of one holder only.
    unit: str = ""
    project: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        whole = span(self.code)
        if self.is_own:
            # The city's own accounts and nothing of its counties.
            whole["high"] = whole["low"] + "0"
        return {
            "year": self.year, "month": self.month, "end": first_of_next(self.month),
            "level": self.level, "kind": self.kind, "batch": self.batch, "account": self.account,
            "unit": self.unit, "project": self.project, **whole,
        }  # fmt: skip


@dataclass(frozen=True)
class Page:
    """Rows in their order, and the key to go on after; "" at the end."""

    rows: list[dict[str, Any]]
    after: str


_NARROWED = """
   AND (%(level)s = '' OR s.level = %(level)s) AND (%(kind)s = '' OR s.kind = %(kind)s)
   AND (%(batch)s::int IS NULL OR s.batch = %(batch)s)
"""
_HOLDER = """
   AND (%(unit)s = '' OR a.unit = %(unit)s)
   AND (%(project)s::bigint IS NULL OR a.project_id = %(project)s)
"""
_FLOWS = (
    """
  FROM funds_monthflow f
  JOIN funds_source s ON s.id = f.source_id
  JOIN funds_account a ON a.id = f.account_id
 WHERE f.year = %(year)s AND f.region_code >= %(low)s AND f.region_code < %(high)s
   AND f.month <= %(month)s AND f.kind = ANY (%(kinds)s)
   AND (%(account)s::bigint IS NULL OR f.account_id = %(account)s)
"""
    + _HOLDER
    + _NARROWED
)
_ENTRIES = (
    """
  FROM funds_entry e
  JOIN funds_account a ON a.id = e.account_id AND a.kind = ANY (%(kinds)s)
  JOIN funds_source s ON s.id = a.source_id AND s.year = %(year)s
  JOIN funds_voucher v ON v.id = e.voucher_id AND v.state = 'POSTED' AND v.taken_on < %(end)s
 WHERE e.region_code >= %(low)s AND e.region_code < %(high)s
   AND (%(account)s::bigint IS NULL OR a.id = %(account)s)
"""
    + _HOLDER
    + _NARROWED
)
_PROMISED = (
    """
  FROM (SELECT s.*, s.doc_no AS told_by, s.issued_on AS on_day, s.amount AS told, 0::bigint AS part
          FROM funds_source s
         UNION ALL
        SELECT s.*, c.doc_no, c.taken_on, c.amount, c.id
          FROM funds_sourcechange c JOIN funds_source s ON s.id = c.source_id) AS s
 WHERE s.year = %(year)s AND s.region_code >= %(low)s AND s.region_code < %(high)s
   AND s.on_day < %(end)s
"""
    + _NARROWED
)


def _rows(statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def totals(parts: Sequence[str], asked: Asked) -> list[Decimal]:
    """The figures themselves, in yuan, from one look at the flows by month."""
    booked, values = _booked(parts, asked)
    found: dict[str, Decimal] = {}
    if booked:
        sums = ", ".join(
            f"coalesce(sum(f.net) FILTER (WHERE f.kind = ANY (%({part}_kinds)s)), 0) AS {part}"
            for part in booked
        )
        found = _rows(f"SELECT {sums} {_FLOWS}", values)[0]
    if ANNOUNCED in parts:
        found |= _rows(f"SELECT coalesce(sum(s.told), 0) AS {ANNOUNCED} {_PROMISED}", asked.values)[
            0
        ]
    return [-found[part] if part == _AWAITED else found[part] for part in parts]


def total(part: str, asked: Asked) -> Decimal:
    """One figure, in yuan."""
    return totals([part], asked)[0]


def proofs(parts: Sequence[str], asked: Asked) -> list[dict[str, Any] | None]:
    """The same figures added up from their entries: amount, their number, and a digest of their ids.

    None for what documents announce, which is no entry.
    """
    booked, values = _booked(parts, asked)
    if not booked:
        return [None] * len(parts)
    sums = ", ".join(
        f"coalesce(sum(e.amount) FILTER ({of}), 0) AS {part}, count(*) FILTER ({of}) AS {part}_entries,"
        f" coalesce(bit_xor(hashint8extended(e.id, 0)) FILTER ({of}), 0) AS {part}_digest"
        for part in booked
        for of in [f"WHERE a.kind = ANY (%({part}_kinds)s)"]
    )
    found = _rows(f"SELECT {sums} {_ENTRIES}", values)[0]
    return [
        None
        if part == ANNOUNCED
        else {
            "amount": -found[part] if part == _AWAITED else found[part],
            "entries": found[f"{part}_entries"],
            "digest": found[f"{part}_digest"],
        }
        for part in parts
    ]


def _booked(parts: Sequence[str], asked: Asked) -> tuple[list[str], dict[str, Any]]:
    """Those of the parts that entries make, and the values of a statement that tells them apart."""
    booked = [part for part in parts if part != ANNOUNCED]
    kinds = {f"{part}_kinds": list(PARTS[part][1]) for part in booked}
    every = sorted({kind for told in kinds.values() for kind in told})
    return booked, asked.values | kinds | {"kinds": every}


def accounts(part: str, asked: Asked, after: int = 0) -> Page:
    """The accounts that make a figure, with the part of it that stands on each."""
    values = asked.values | {"kinds": list(PARTS[part][1]), "after": after, "many": PAGE + 1}
    rows = _rows(
        "SELECT t.account_id, t.amount, a.kind, a.unit, a.project_id, a.region_code, a.year,"
        " s.doc_no, s.batch, s.level FROM ("
        f"SELECT f.account_id, sum(f.net) AS amount {_FLOWS} AND f.account_id > %(after)s"
        " GROUP BY f.account_id HAVING sum(f.net) <> 0 ORDER BY 1 LIMIT %(many)s) AS t"
        " JOIN funds_account a ON a.id = t.account_id JOIN funds_source s ON s.id = a.source_id"
        " ORDER BY t.account_id",
        values,
    )
    return _page(rows, "account_id")


def entries(part: str, asked: Asked, after: int = 0) -> Page:
    """The entries that make a figure, in the order in which they were asked for."""
    values = asked.values | {"kinds": list(PARTS[part][1]), "after": after, "many": PAGE + 1}
    rows = _rows(
        "SELECT e.id, e.amount, v.id AS voucher_id, v.number, v.kind, v.taken_on, v.reason,"
        " v.document, a.unit, a.project_id, a.region_code, a.kind AS account_kind, s.doc_no"
        f" {_ENTRIES} AND e.id > %(after)s ORDER BY e.id LIMIT %(many)s",
        values,
    )
    return _page(rows, "id")


def documents(asked: Asked, after: tuple[int, int] = (0, -1)) -> Page:
    """The documents and later changes that announce the money of a place."""
    values = asked.values | {"first": after[0], "second": after[1], "many": PAGE + 1}
    rows = _rows(
        "SELECT s.id, s.part, s.told_by, s.title, s.doc_no, s.on_day, s.told, s.level, s.batch,"
        f" s.id || '-' || s.part AS key {_PROMISED}"
        " AND (s.id, s.part) > (%(first)s, %(second)s) ORDER BY s.id, s.part LIMIT %(many)s",
        values,
    )
    return _page(rows, "key")


def _page(rows: list[dict[str, Any]], key: str) -> Page:
    more = len(rows) > PAGE
    return Page(rows[:PAGE], str(rows[PAGE - 1][key]) if more else "")


def idle(
    kind: str, asked: Asked, since: tuple[date | None, date], after: tuple[Decimal, int] | None
) -> Page:
    """Who holds idle money that came in these months, per source; most first."""
    least, key = after or (None, 0)
    values = asked.values | {
        "account_kind": kind, "from": since[0], "until": since[1], "least": least, "key": key,
        "many": PAGE + 1,
    }  # fmt: skip
    rows = _rows(
        LEFT + "SELECT t.*, a.region_code, a.unit, a.project_id, s.doc_no, s.batch FROM (SELECT"
        " holder_id AS account_id, sum(amount) AS amount, min(month) AS since FROM left_over"
        " WHERE kind = %(account_kind)s AND month <= %(until)s"
        " AND (%(from)s::date IS NULL OR month >= %(from)s) GROUP BY holder_id) AS t"
        " JOIN funds_account a ON a.id = t.account_id JOIN funds_source s ON s.id = a.source_id"
        " WHERE %(least)s::numeric IS NULL OR (t.amount, -t.account_id) < (%(least)s, -%(key)s)"
        " ORDER BY t.amount DESC, t.account_id LIMIT %(many)s",
        values,
    )
    for row in rows:
        row["key"] = f"{row['amount']}-{row['account_id']}"
    return _page(rows, "key")


# Money of any budget year counts for a project: its plan may be paid out of several.
_PROJECTS = """
WITH money AS (
    SELECT a.project_id, sum(f.net) FILTER (WHERE f.kind IN ('ALLOTMENT', 'PAID')) AS allotted,
           sum(f.net) FILTER (WHERE f.kind = 'PAID') AS paid
      FROM funds_monthflow f JOIN funds_account a ON a.id = f.account_id
     WHERE f.region_code >= %(low)s AND f.region_code < %(high)s AND f.month <= %(month)s
       AND a.project_id IS NOT NULL
     GROUP BY a.project_id
), listed AS (
    SELECT p.id, p.number, p.name, p.region_code, p.unit, p.state, p.state_on, p.budget, p.percent,
           coalesce(m.allotted, 0) AS allotted, coalesce(m.paid, 0) AS paid
      FROM projects_project p LEFT JOIN money m ON m.project_id = p.id
     WHERE p.year = %(year)s AND p.region_code >= %(low)s AND p.region_code < %(high)s
       AND p.state = ANY (%(planned)s)
)
"""
UNPAID, UNMOVED, COST = "unpaid", "unmoved", "cost"
# Which projects, in words and in SQL.
WHICH: dict[str, tuple[str, str]] = {
    UNPAID: ("已安排资金、没有任何支付的项目", "paid = 0"),
    UNMOVED: ("已有支付、没有任何进度的项目", "paid > 0 AND percent = 0"),
    COST: ("已有支付的项目和受益对象", "paid > 0"),
}


@dataclass(frozen=True)
class ProjectCounts:
    """Projects of a year plan: all of them, and those whose money and work do not fit together."""

    planned: int
    unpaid: int
    unmoved: int
    unpaid_budget: Decimal
    unmoved_paid: Decimal


def _values(code: str, year: int, month: date) -> dict[str, Any]:
    return {"year": year, "month": month, "planned": list(PLANNED), **span(code)}


def project_counts(code: str, year: int, month: date) -> ProjectCounts:
    row = _rows(
        _PROJECTS
        + f"SELECT count(*) AS planned, count(*) FILTER (WHERE {WHICH[UNPAID][1]}) AS unpaid,"
        f" count(*) FILTER (WHERE {WHICH[UNMOVED][1]}) AS unmoved,"
        f" coalesce(sum(budget) FILTER (WHERE {WHICH[UNPAID][1]}), 0) AS unpaid_budget,"
        f" coalesce(sum(paid) FILTER (WHERE {WHICH[UNMOVED][1]}), 0) AS unmoved_paid FROM listed",
        _values(code, year, month),
    )[0]
    return ProjectCounts(**row)


# Distinct households and persons of each project; villages are not counted as either.
_HELPED = """
, helped AS (
    SELECT project_id, count(DISTINCT household_id) AS households,
           count(DISTINCT person_id) AS persons
      FROM projects_beneficiary
     WHERE project_id IN (SELECT id FROM shown)
     GROUP BY project_id
)
"""


def projects(which: str, code: str, year: int, month: date, after: str = "") -> Page:
    """Projects by number, with what they were given, what was paid and whom they help."""
    values = _values(code, year, month) | {"after": after, "many": PAGE + 1}
    rows = _rows(
        _PROJECTS + f", shown AS (SELECT * FROM listed WHERE {WHICH[which][1]}"
        " AND number > %(after)s ORDER BY number LIMIT %(many)s)" + _HELPED + "SELECT shown.*,"
        " coalesce(h.households, 0) AS households, coalesce(h.persons, 0) AS persons"
        " FROM shown LEFT JOIN helped h ON h.project_id = shown.id ORDER BY shown.number",
        values,
    )
    for row in rows:
        row["state_label"] = State(row["state"]).label
    return _page(rows, "number")


def cost(code: str, year: int, month: date) -> dict[str, Any]:
    """What was paid for the projects that name beneficiaries, and how many households and persons
    these are, each counted once whatever the number of projects."""
    return _rows(
        _PROJECTS + ", shown AS (SELECT id, paid FROM listed WHERE paid > 0), who AS ("
        "SELECT project_id, household_id, person_id FROM projects_beneficiary"
        " WHERE project_id IN (SELECT id FROM shown) AND household_id IS NOT NULL)"
        " SELECT (SELECT coalesce(sum(paid), 0) FROM shown"
        " WHERE id IN (SELECT project_id FROM who)) AS paid,"
        " (SELECT coalesce(sum(paid), 0) FROM shown WHERE id IN (SELECT project_id FROM who"
        " WHERE person_id IS NOT NULL)) AS paid_persons,"
        " count(DISTINCT household_id) AS households, count(DISTINCT person_id) AS persons FROM who",
        _values(code, year, month),
    )[0]
