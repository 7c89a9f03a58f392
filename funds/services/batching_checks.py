"""What is wrong with the rows of a batch of payments: judged all at once, in the database.

`pay_rows` (the file) is in a temporary table; from it `pay_found` (whom the register knows by a row,
and how they stood on the day), `pay_payee` (which member is meant) and `pay_faults` are made. The
register is asked for the year of the day, as projects ask it for their beneficiaries.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from core.scope import after, trim
from funds.enums import RowFault as F

# What a payment can hold.
_LONGEST = {"subsidy": 60, "remark": 100}


@dataclass(frozen=True)
class Terms:
    """What the rows of a batch are judged by. `code`: the division of the allotment."""

    code: str
    on: date
    period: str
    cap: Decimal | None = None

    @property
    def values(self) -> dict[str, Any]:
        low = trim(self.code)
        return {
            "low": low, "high": after(low), "on": self.on, "year": self.on.year,
            "period": self.period, "cap": self.cap, "subsidy": _LONGEST["subsidy"],
            "remark": _LONGEST["remark"],
        }  # fmt: skip


CREATE = """
CREATE TEMP TABLE pay_rows (
    row_no int, household_no text NOT NULL DEFAULT '', id_index bytea, name text NOT NULL DEFAULT '',
    subsidy text NOT NULL DEFAULT '', amount numeric, bank_account bytea, account_index bytea,
    remark text NOT NULL DEFAULT ''
) ON COMMIT DROP
"""

# Whose ID number a row tells, and where they were that year, or are now.
_NUMBERED = """
CREATE TEMP TABLE pay_numbered ON COMMIT DROP AS
SELECT r.row_no, p.id AS person_id, coalesce(y.household_id, p.household_id) AS household_id
  FROM pay_rows r
  JOIN households_person p ON p.id_index = r.id_index
  LEFT JOIN households_personyear y ON y.person_id = p.id AND y.partition_id = %(year)s
 WHERE r.id_index IS NOT NULL
"""

# A household by its number, or by the person whose ID number it is. Nothing beyond the division of
# the allotment is found.
_FOUND = """
CREATE TEMP TABLE pay_found ON COMMIT DROP AS
SELECT r.row_no, r.name, r.subsidy, r.amount, r.remark, r.account_index,
       r.household_no <> '' AS by_number, r.id_index IS NOT NULL AS by_id,
       n.person_id AS id_person, n.household_id AS id_household,
       h.id AS household_id, h.village_code, y.village_code AS year_village,
       y.household_id IS NOT NULL AND coalesce(h.first_identified_on <= %(on)s, true)
           AS is_registered
  FROM pay_rows r
  LEFT JOIN pay_numbered n ON n.row_no = r.row_no
  LEFT JOIN households_household k ON k.household_no = r.household_no AND r.household_no <> ''
  LEFT JOIN households_household h
    ON h.id = CASE WHEN r.household_no <> '' THEN k.id ELSE n.household_id END
   AND h.village_code >= %(low)s AND h.village_code < %(high)s
  LEFT JOIN households_householdyear y
    ON y.household_id = h.id AND y.partition_id = %(year)s
"""

# The member who is meant: of that name, and of that ID number where one is told; the head first.
# Nearly all of them still are where they were that year, which an index tells; the rest is looked
# for among the members of that year.
_PAYEES = (
    """
CREATE TEMP TABLE pay_payee ON COMMIT DROP AS
SELECT DISTINCT ON (f.row_no) f.row_no, p.id AS person_id
  FROM pay_found f
  JOIN households_person p ON p.household_id = f.household_id AND p.name = f.name
   AND (f.id_person IS NULL OR f.id_person = p.id)
  JOIN households_personyear y ON y.person_id = p.id AND y.partition_id = %(year)s
   AND y.household_id = f.household_id
 ORDER BY f.row_no, y.relation_to_head <> '01', p.id
""",
    """
CREATE TEMP TABLE pay_left ON COMMIT DROP AS
SELECT f.row_no, f.name, f.household_id, f.year_village, f.id_person, f.is_registered
  FROM pay_found f LEFT JOIN pay_payee m ON m.row_no = f.row_no
 WHERE m.row_no IS NULL AND f.year_village IS NOT NULL
""",
    "ANALYZE pay_left",
    """
INSERT INTO pay_payee
SELECT DISTINCT ON (f.row_no) f.row_no, p.id
  FROM pay_left f
  JOIN households_personyear y ON y.partition_id = %(year)s AND y.village_code = f.year_village
   AND y.household_id = f.household_id
  JOIN households_person p ON p.id = y.person_id AND p.name = f.name
   AND (f.id_person IS NULL OR f.id_person = p.id)
 ORDER BY f.row_no, y.relation_to_head <> '01', p.id
""",
)

# Deaths that were booked by that year and not taken back, and the households they close: the head
# died, or was the head when last declared and nobody took the place, or nobody is left. Only few
# households lack a head, and only these are looked into.
_DEAD = (
    """
CREATE TEMP TABLE pay_dead ON COMMIT DROP AS
SELECT e.person_id, e.household_id FROM households_membershipevent e
 WHERE e.kind = 'DEATH' AND e.partition_id <= %(year)s
   AND e.village_code >= %(low)s AND e.village_code < %(high)s
 GROUP BY e.person_id, e.household_id HAVING sum(e.persons) > 0
""",
    """
CREATE TEMP TABLE pay_closed ON COMMIT DROP AS
WITH headless AS MATERIALIZED (
    SELECT d.person_id, d.household_id FROM pay_dead d
     WHERE NOT EXISTS (SELECT FROM households_personyear y
                        WHERE y.household_id = d.household_id AND y.partition_id = %(year)s
                          AND y.relation_to_head = '01'))
SELECT y.household_id FROM pay_dead d
  JOIN households_personyear y ON y.person_id = d.person_id AND y.partition_id = %(year)s
 WHERE y.relation_to_head = '01'
UNION
SELECT d.household_id FROM headless d
 WHERE NOT EXISTS (SELECT FROM households_householdyear h
                     JOIN households_personyear y
                       ON y.partition_id = h.partition_id AND y.village_code = h.village_code
                      AND y.household_id = h.household_id
                    WHERE h.household_id = d.household_id AND h.partition_id = %(year)s
                      AND y.person_id NOT IN (SELECT person_id FROM pay_dead))
UNION
SELECT d.household_id FROM headless d
 WHERE (SELECT y.relation_to_head FROM households_personyear y
         WHERE y.person_id = d.person_id AND y.partition_id < %(year)s
         ORDER BY y.partition_id DESC LIMIT 1) = '01'
""",
)

_FAULTS = "CREATE TEMP TABLE pay_faults (row_no int, fault text) ON COMMIT DROP"


def _put(fault: str, query: str) -> str:
    return f"INSERT INTO pay_faults SELECT DISTINCT f.row_no, '{fault}' {query}"


# What the row itself says wrong; one look at each row.
_BY_ITSELF = f"""
INSERT INTO pay_faults
SELECT f.row_no, fault FROM pay_found f CROSS JOIN LATERAL unnest(array_remove(ARRAY[
    CASE WHEN NOT f.by_number AND NOT f.by_id THEN '{F.NO_KEY}'
         WHEN f.household_id IS NULL THEN '{F.NOT_FOUND}'
         WHEN NOT f.is_registered THEN '{F.UNREGISTERED}' END,
    CASE WHEN f.by_number AND f.by_id AND f.household_id IS NOT NULL
              AND f.id_household IS DISTINCT FROM f.household_id THEN '{F.OTHER_HOUSEHOLD}' END,
    CASE WHEN f.subsidy = '' OR length(f.subsidy) > %(subsidy)s THEN '{F.SUBSIDY}' END,
    CASE WHEN f.amount IS NULL OR f.amount <= 0 OR f.amount <> round(f.amount, 2)
              OR f.amount >= 1e12 THEN '{F.AMOUNT}' END,
    CASE WHEN f.account_index IS NULL THEN '{F.ACCOUNT}' END,
    CASE WHEN length(f.remark) > %(remark)s THEN '{F.REMARK}' END
], NULL)) AS fault
"""  # noqa: S608 - codes of our own

_CHECKS: tuple[str, ...] = (
    _put(
        F.DEAD,
        "FROM pay_found f LEFT JOIN pay_payee m ON m.row_no = f.row_no"
        " WHERE f.household_id IN (SELECT household_id FROM pay_closed)"
        " OR m.person_id IN (SELECT person_id FROM pay_dead)"
        " OR f.id_person IN (SELECT person_id FROM pay_dead)"
        " OR EXISTS (SELECT FROM pay_dead d JOIN households_person p ON p.id = d.person_id"
        " WHERE d.household_id = f.household_id AND p.name = f.name AND m.person_id IS NULL)",
    ),
    _put(
        F.NAME,
        "FROM pay_left f WHERE f.is_registered"  # noqa: S608
        " AND NOT EXISTS (SELECT FROM pay_payee m WHERE m.row_no = f.row_no)"
        " AND NOT EXISTS (SELECT FROM pay_faults x WHERE x.row_no = f.row_no"
        f" AND x.fault IN ('{F.DEAD}', '{F.OTHER_HOUSEHOLD}'))",
    ),
    _put(
        F.TWICE_IN_FILE,
        "FROM pay_found f JOIN (SELECT household_id, subsidy FROM pay_found"
        " WHERE household_id IS NOT NULL GROUP BY household_id, subsidy HAVING count(*) > 1) AS g"
        " ON g.household_id = f.household_id AND g.subsidy = f.subsidy",
    ),
    # Asked for or paid; not where the voucher was refused or the payment came back.
    _put(
        F.PAID_ALREADY,
        "FROM pay_found f JOIN funds_payment p ON p.household_id = f.household_id"
        " AND p.subsidy = f.subsidy AND p.period = %(period)s AND p.reverses_id IS NULL"
        " JOIN funds_voucher v ON v.id = p.voucher_id AND v.state <> 'REFUSED'"
        " WHERE NOT EXISTS (SELECT FROM funds_payment b JOIN funds_voucher w ON w.id = b.voucher_id"
        " AND w.state = 'POSTED' WHERE b.reverses_id = p.id)",
    ),
    _put(
        F.OVER_CAP,
        "FROM pay_found f JOIN (SELECT household_id FROM pay_found WHERE household_id IS NOT NULL"
        " GROUP BY household_id HAVING sum(amount) > %(cap)s) AS g"
        " ON g.household_id = f.household_id",
    ),
    _put(
        F.SHARED_IN_FILE,
        "FROM pay_found f JOIN (SELECT account_index FROM pay_found"
        " WHERE account_index IS NOT NULL AND household_id IS NOT NULL GROUP BY account_index"
        " HAVING min(household_id) <> max(household_id)) AS g"
        " ON g.account_index = f.account_index WHERE f.household_id IS NOT NULL",
    ),
    _put(
        F.SHARED_BEFORE,
        "FROM pay_found f JOIN funds_payment p ON p.account_index = f.account_index"
        " AND p.household_id IS DISTINCT FROM f.household_id AND p.reverses_id IS NULL"
        " JOIN funds_voucher v ON v.id = p.voucher_id AND v.state <> 'REFUSED'"
        " WHERE f.household_id IS NOT NULL",
    ),
    _put(
        F.PAYROLL,
        "FROM pay_found f JOIN (SELECT y.household_id FROM funds_payrollperson r"
        " JOIN households_person p ON p.id_index = r.id_index"
        " JOIN households_personyear y ON y.person_id = p.id AND y.partition_id = %(year)s) AS g"
        " ON g.household_id = f.household_id",
    ),
)  # fmt: skip

# Cells that are longer than anything that fits are cut: their rows are bad for another reason.
_KEEP = """
INSERT INTO funds_paymentbatchrow (batch_id, row_no, household_no, id_index, name, subsidy, amount,
    bank_account, account_index, remark, household_id, person_id, village_code, faults)
SELECT %(batch)s, r.row_no, left(r.household_no, 40), r.id_index, left(r.name, 200),
       left(r.subsidy, 200), CASE WHEN abs(r.amount) < 1e13 THEN r.amount END, r.bank_account,
       r.account_index, left(r.remark, 500), f.household_id, m.person_id,
       coalesce(f.village_code, ''), coalesce(x.faults, '{}')
  FROM pay_rows r JOIN pay_found f ON f.row_no = r.row_no
  LEFT JOIN pay_payee m ON m.row_no = r.row_no
  LEFT JOIN (SELECT row_no, array_agg(DISTINCT fault ORDER BY fault)::varchar[] AS faults
               FROM pay_faults GROUP BY row_no) AS x ON x.row_no = r.row_no
"""
# Rows as they were kept, to be judged again.
_AGAIN = """
INSERT INTO pay_rows (row_no, household_no, id_index, name, subsidy, amount, bank_account,
                      account_index, remark)
SELECT row_no, household_no, id_index, name, subsidy, amount, bank_account, account_index, remark
  FROM funds_paymentbatchrow WHERE batch_id = %s
"""
_SCRATCH = ("pay_faults", "pay_closed", "pay_dead", "pay_left", "pay_payee", "pay_found", "pay_numbered",
    "pay_rows",
)  # fmt: skip


def judge(batch: int, terms: Terms) -> None:
    """Judge what is in `pay_rows` and keep it as the rows of the batch. The table is gone then."""
    values = terms.values | {"batch": batch}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        cursor.execute("ANALYZE pay_rows (row_no, household_no, id_index)")
        cursor.execute(_NUMBERED, values)
        cursor.execute("ANALYZE pay_numbered")
        cursor.execute(_FOUND, values)
        cursor.execute("ANALYZE pay_found (row_no, household_id, name, account_index)")
        for statement in (*_PAYEES, *_DEAD):
            cursor.execute(statement, values)
        cursor.execute("ANALYZE pay_payee (row_no)")
        cursor.execute(_FAULTS)
        cursor.execute(_BY_ITSELF, values)
        for statement in _CHECKS:
            if "%(cap)s" not in statement or terms.cap is not None:
                cursor.execute(statement, values)
        cursor.execute(_KEEP, values)
        cursor.execute(f"DROP TABLE {', '.join(_SCRATCH)}")


def judge_again(batch: int, terms: Terms) -> None:
    """The same rows against the register and the payments of now."""
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
        cursor.execute(_AGAIN, [batch])
        cursor.execute("DELETE FROM funds_paymentbatchrow WHERE batch_id = %s", [batch])
    judge(batch, terms)
