"""同户异地务工成员联系电话相同。

Two members of a household work in different places and are reached by one telephone.

Where they work the file tells, else the spells of work registered for the year. Of two places one of
which begins with the other, one is only more exact.
"""

from imports.checks.rule import Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="IDN17",
    scope="household",
    severity=Severity.SUSPECT,
    message="同户异地务工成员联系电话相同",
    remedy="核对各外出成员本人的电话。",
    source="Gzuwkj/fuping:rules/5_15_021.py",
    first_year=2022,
    needs=("member_phone", "household_no"),
    checks=(
        Statement(
            sql="""
                SELECT min(r.row_no), 'member_phone', max(r.row_no)
                  FROM @rows r
                 WHERE r.household_no <> '' AND r.member_phone IS NOT NULL AND r.work_place <> ''
                 GROUP BY r.household_no, r.member_phone
                HAVING NOT starts_with(max(r.work_place), min(r.work_place))
            """,
            needs=("work_place",),
            blames="member_phone",
        ),
        Statement(
            sql="""
                WITH told AS (
                    SELECT DISTINCT r.row_no, r.household_no, r.member_phone, s.work_county
                      FROM @rows r
                      JOIN households_person n ON n.person_no = r.person_no
                      JOIN households_workspell s
                        ON s.person_id = n.id AND s.partition_id = %(partition)s
                     WHERE r.household_no <> '' AND r.member_phone IS NOT NULL
                       AND s.work_county <> '' AND @value(work_place) = ''
                )
                SELECT min(a.row_no), 'member_phone', max(b.row_no)
                  FROM told a JOIN told b USING (household_no, member_phone)
                 WHERE a.row_no < b.row_no AND a.work_county <> b.work_county
                 GROUP BY household_no, member_phone
            """,
            of="members",
            blames="member_phone",
        ),
    ),
)
