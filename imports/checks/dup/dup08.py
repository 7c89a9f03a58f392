"""户编号重复。

One household number, two households: other village, status or head in different rows.

Two heads among the members are STR02's.
"""

from imports.checks.rule import Rule, Statement
from imports.checks.staged import Staged
from imports.enums import Severity

# What is stated of the household, in every row of it.
_STATED = ("exit_status", "household_attribute", "exit_year", "head_name")


def _differing(staged: Staged) -> str:
    columns = [f"r.{name}" for name in _STATED if staged.has(name)]
    join = ""
    if staged.has("village_code"):
        columns.append("p.village_code")
        join = "JOIN @places p USING (county, town, village)"
    odd = " OR ".join(f"min({one}) IS DISTINCT FROM max({one})" for one in columns) or "false"
    return f"""
        SELECT r.row_no, 'household_no',
               CASE WHEN r.row_no = s.first THEN s.last ELSE s.first END
          FROM @rows r
          JOIN (SELECT household_no, min(row_no) AS first, max(row_no) AS last
                  FROM @rows r {join} WHERE household_no <> ''
                 GROUP BY 1 HAVING {odd}) AS s USING (household_no)
    """


RULE = Rule(
    code="DUP08",
    scope="household",
    severity=Severity.ERROR,
    message="户编号重复",
    remedy="同一户的各行应填写相同的县、乡镇、村和户信息；确为两户的，更正其中一户的编号。",
    source="derived",
    needs=("household_no",),
    checks=(
        Statement(of="members", sql=_differing),
        Statement(
            of="households",
            sql="""
                SELECT r.row_no, 'household_no',
                       CASE WHEN r.row_no = s.first THEN s.last ELSE s.first END
                  FROM @rows r
                  JOIN (SELECT household_no, min(row_no) AS first, max(row_no) AS last
                          FROM @rows WHERE household_no <> ''
                         GROUP BY 1 HAVING count(*) > 1) AS s USING (household_no)
            """,
        ),
    ),
    is_structural=True,
)
