"""县内人员重复。

One person twice in one county: in the file, or in the file and another household's record.

The first 18 characters count, because a disability certificate begins with the identity number.
A person registered beyond the loader's reach is DUP11's.
"""

from imports.checks.rule import Matched, Rule, Statement
from imports.enums import Severity

RULE = Rule(
    code="DUP01",
    scope="person",
    severity=Severity.ERROR,
    message="县内人员重复",
    remedy="保留正确的一行；确已迁入的，先在原户办理减员，再导入。",
    source="xiAn-povertyCrucial-bigData/rgbMap:backgroundManage/html/rule.html ; public-code index 6542487859",
    needs=("id_no",),
    checks=(
        Statement(
            of="persons",
            sql="""
                SELECT t.row_no, 'id_no', CASE WHEN t.row_no = l.first THEN l.last ELSE l.first END
                  FROM @twins t
                  JOIN (SELECT number, county, min(row_no) AS first, max(row_no) AS last
                          FROM @twins GROUP BY 1, 2 HAVING count(*) > 1) AS l USING (number, county)
            """,
        ),
        Matched(
            sql="""
                SELECT c.row_no, 'id_no', NULL::int FROM @claims c WHERE c.same_county
                UNION ALL
                SELECT m.row_no, 'id_no', CASE WHEN m.row_no = s.first THEN s.last ELSE s.first END
                  FROM @matched m
                  JOIN (SELECT matched, min(row_no) AS first, max(row_no) AS last
                          FROM @matched WHERE matched IS NOT NULL
                         GROUP BY 1 HAVING count(*) > 1) AS s USING (matched)
            """,
        ),
    ),
    is_structural=True,
)
