"""市内县外人员重复。

One person in two counties of the city: in the file, or in the file and a record elsewhere.

A person registered beyond the loader's reach is DUP11's, which does not say where.
"""

from imports.checks.rule import Matched, Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="DUP02",
    scope="person",
    severity=Severity.ERROR,
    message="市内县外人员重复",
    remedy="与对方县核对；确已迁入的，先在原户办理减员，再导入。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html",
    needs=("id_no",),
    checks=(
        Statement(
            of="persons",
            sql="""
                WITH local AS (
                    SELECT number, county, min(row_no) AS first FROM @twins
                     WHERE county <> '' GROUP BY 1, 2
                ), spread AS (
                    SELECT number, min(county) AS low, max(county) AS high FROM local
                     GROUP BY 1 HAVING min(county) <> max(county)
                )
                SELECT t.row_no, 'id_no', l.first
                  FROM @twins t JOIN spread s USING (number)
                  JOIN local l ON l.number = s.number
                   AND l.county = CASE WHEN t.county = s.low THEN s.high ELSE s.low END
                 WHERE t.county <> ''
            """,
        ),
        Matched(
            sql="SELECT c.row_no, 'id_no', NULL::int FROM @claims c WHERE NOT c.same_county",
        ),
    ),
    is_structural=True,
)
