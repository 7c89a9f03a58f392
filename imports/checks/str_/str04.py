"""家庭人口数与成员数不符。

The declared number of members is not the number the register will hold this year.

Of a file of persons: those in the file and those registered who are not in it. Of a file of
households: those registered, where any are. Exports of 2023 hold a current number and one at the
year's end; the latter is meant.
"""

from imports.checks.rule import Late, Rule
from imports.enums import Severity

RULE = Rule(
    code="STR04",
    scope="household",
    severity=Severity.ERROR,
    message="家庭人口数与成员数不符",
    remedy="核对家庭人口数；漏报的成员补行，减少的成员办理减员。",
    source="derived",
    needs=("member_count", "household_no"),
    checks=(
        Late(
            of="members",
            sql="""
                WITH odd AS (
                    SELECT f.household_no, f.row_no, f.members, f.member_count FROM @families f
                     WHERE f.member_count <> f.members
                ), others AS (
                    SELECT k.household_no, count(*) AS members
                      FROM odd JOIN @households k USING (household_no)
                      JOIN households_personyear y ON y.household_id = k.household_id
                       AND y.partition_id = %(partition)s
                      LEFT JOIN @persons n ON n.person_id = y.person_id
                     WHERE n.person_id IS NULL GROUP BY 1
                )
                SELECT odd.row_no, 'member_count', NULL::int
                  FROM odd LEFT JOIN others USING (household_no)
                 WHERE odd.member_count <> odd.members + coalesce(others.members, 0)
            """,
        ),
        Late(
            of="households",
            sql="""
                SELECT k.row_no, 'member_count', NULL::int
                  FROM @households k JOIN @rows r USING (row_no)
                  JOIN (SELECT household_id, count(*) AS members FROM households_personyear
                         WHERE partition_id = %(partition)s GROUP BY 1) AS n USING (household_id)
                 WHERE r.member_count <> n.members
            """,
        ),
    ),
)
