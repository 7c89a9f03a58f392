"""Shares and least amounts that a city, a county or a village must get.

Three answers: met for certain, not met for certain, and not to be told, where what is missing (facts
of a village, a county, a year before) could turn the answer. What is missing is never counted as met.
"""

# Divisions of a level that stand at the end of the year.
_STANDS = """
    r.code >= %(low)s AND r.code < %(high)s
    AND (r.valid_from IS NULL OR r.valid_from <= make_date(%(year)s, 12, 31))
    AND (r.valid_to IS NULL OR r.valid_to > make_date(%(year)s, 12, 31))
"""
_KINDS = """
    asked AS (SELECT ARRAY(SELECT jsonb_array_elements_text(%(params)s::jsonb -> 'kinds')) AS kinds)
"""
_OF_KINDS = "(cardinality(asked.kinds) = 0 OR s.kind = ANY (asked.kinds))"
# What documents announce, with what later ones raised or cut.
_ANNOUNCED = """
    changed AS MATERIALIZED (
        SELECT source_id, sum(amount) AS amount FROM funds_sourcechange GROUP BY source_id),
    source AS MATERIALIZED (
        SELECT s.id, s.region_code, s.level, s.kind, s.year,
               s.amount + coalesce(x.amount, 0) AS amount
          FROM funds_source s LEFT JOIN changed x ON x.source_id = s.id
         WHERE s.year IN (%(year)s, %(year)s - 1))
"""
_IS_VILLAGE = "right(m.code, 3) <> '000'"


def _deep(limit: str, base: str) -> str:
    """New city money for deep-poverty counties and villages, held against a limit in yuan.

    Money for a county counts once it was handed down to it; money for a village once it was allotted
    there. What was allotted to a town is of no village.
    """
    return f"""
WITH {_KINDS}, {_ANNOUNCED}, city AS (
        SELECT r.id, r.code FROM villages_region r WHERE r.level = 'city' AND {_STANDS}),
    announced AS (
        SELECT c.id, s.year, sum(s.amount) AS amount
          FROM city c CROSS JOIN asked JOIN source s ON s.region_code = c.code
           AND s.level = 'CITY' AND s.year IN (%(year)s, %(year)s - 1) AND {_OF_KINDS}
         GROUP BY c.id, s.year),
    money AS (
        SELECT c.id, coalesce(p.region_code, a.region_code) AS code, a.balance
          FROM city c CROSS JOIN asked JOIN source s ON s.region_code = c.code
           AND s.level = 'CITY' AND s.year = %(year)s AND {_OF_KINDS}
          JOIN funds_account a ON a.source_id = s.id AND a.balance > 0
           AND a.kind IN ('POOL', 'ALLOTMENT', 'PAID')
          LEFT JOIN projects_project p ON p.id = a.project_id),
    placed AS (
        SELECT m.id,
               sum(m.balance) FILTER (WHERE coalesce(k.is_deep_poverty, false)
                                         OR coalesce(v.is_deep_poverty, false)) AS deep,
               sum(m.balance) FILTER (
                   WHERE right(m.code, 8) <> '00000000'
                     AND NOT coalesce(k.is_deep_poverty, false)
                     AND NOT coalesce(v.is_deep_poverty, false)
                     AND (k.id IS NULL OR {_IS_VILLAGE} AND v.id IS NULL)) AS unsure
          FROM money m
          LEFT JOIN villages_countyyear k
            ON k.region_code = left(m.code, 6) || '000000' AND k.year = %(year)s
          LEFT JOIN villages_villageyear v ON v.region_code = m.code AND v.year = %(year)s
         GROUP BY m.id),
    told AS (
        SELECT c.id, c.code, coalesce(m.deep, 0) AS deep, coalesce(m.unsure, 0) AS unsure,
               n.amount AS announced,
               CASE %(params)s::jsonb ->> 'base' WHEN 'YEAR' THEN n.amount
                    ELSE n.amount - b.amount END AS base
          FROM city c
          LEFT JOIN announced n ON n.id = c.id AND n.year = %(year)s
          LEFT JOIN announced b ON b.id = c.id AND b.year = %(year)s - 1
          LEFT JOIN placed m ON m.id = c.id)
SELECT 'REGION', id, id, code,
       CASE WHEN base IS NOT NULL AND deep + unsure < {limit} THEN 'VIOLATED' ELSE 'UNKNOWN' END,
       deep, {base},
       CASE WHEN announced IS NULL THEN '台账中没有本年的市级资金文件'
            WHEN base IS NULL THEN '台账中没有上一年的市级资金文件，新增部分无法计算'
            WHEN deep + unsure < {limit}
                 THEN '基数 ' || base || ' 元，投向深度贫困县、村 ' || deep || ' 元'
            ELSE '投向深度贫困县、村 ' || deep || ' 元，另有 ' || unsure
                 || ' 元所在的县、村没有年度信息' END,
       jsonb_build_object('unsure', unsure)
  FROM told
 WHERE base IS NULL OR base > 0 AND deep < {limit}
"""


DEEP_SHARE = _deep("%(threshold)s * base", "base")
DEEP_AMOUNT = _deep("%(threshold)s", "NULL::numeric")

# Villages of the counties judged whose facts of the year are missing.
_MISSING = f"""
    missing AS (
        SELECT left(r.code, 6) AS prefix, count(*) AS villages, count(*) FILTER (
               WHERE v.id IS NULL) AS lacking
          FROM villages_region r
          LEFT JOIN villages_villageyear v ON v.region_id = r.id AND v.year = %(year)s
         WHERE r.level = 'village' AND r.unit_kind NOT IN ('居委会', '类似居委会') AND {_STANDS}
         GROUP BY 1)
"""

DEEP_VILLAGE = f"""
WITH {_KINDS}, {_MISSING}, spent AS (
        SELECT coalesce(p.region_code, a.region_code) AS code, sum(a.balance) AS amount
          FROM asked CROSS JOIN funds_account a JOIN funds_source s ON s.id = a.source_id
          LEFT JOIN projects_project p ON p.id = a.project_id
         WHERE a.year = %(year)s AND a.kind IN ('ALLOTMENT', 'PAID') AND a.balance > 0
           AND {_OF_KINDS}
         GROUP BY 1)
SELECT 'REGION', v.region_id, v.region_id, v.region_code, 'VIOLATED', coalesce(s.amount, 0),
       NULL::numeric, '本年安排到村 ' || coalesce(s.amount, 0) || ' 元', '{{}}'::jsonb
  FROM villages_villageyear v LEFT JOIN spent s ON s.code = v.region_code
 WHERE v.year = %(year)s AND v.is_deep_poverty AND coalesce(s.amount, 0) < %(threshold)s
   AND v.region_code >= %(low)s AND v.region_code < %(high)s
UNION ALL
SELECT 'REGION', r.id, r.id, r.code, 'UNKNOWN', m.lacking, m.villages,
       m.lacking || ' 个村没有本年度信息，不知是否深度贫困村', '{{}}'::jsonb
  FROM missing m JOIN villages_region r ON r.code = m.prefix || '000000' AND {_STANDS}
 WHERE m.lacking > 0
"""

# Counties that were never poor ones, with what they themselves announced in the year; those whose
# level nobody has stated come along, to be told as such.
_COUNTIES = f"""
    {_ANNOUNCED},
    owned AS (
        SELECT region_code, sum(amount) AS amount FROM source
         WHERE level = 'COUNTY' AND year = %(year)s GROUP BY region_code),
    county AS (
        SELECT r.id, r.code, k.poverty_level, o.amount AS own
          FROM villages_region r
          LEFT JOIN owned o ON o.region_code = r.code
          LEFT JOIN villages_countyyear k ON k.region_id = r.id AND k.year = %(year)s
         WHERE r.level = 'county' AND {_STANDS} AND coalesce(k.poverty_level, 'none') = 'none')
"""
_NO_LEVEL = "没有县年度信息，不知是否非贫困县"
_NO_OWN = "台账中没有本年的县级资金文件"

EXIT_VILLAGE = f"""
WITH {_MISSING}, {_COUNTIES}, told AS (
        SELECT c.*, coalesce(m.lacking, 0) AS lacking, coalesce((
               SELECT count(*) FROM villages_villageyear v
                WHERE v.region_code >= left(c.code, 6) AND v.region_code < left(c.code, 6) || 'A'
                  AND v.year = %(year)s AND v.exited_year = %(year)s), 0) AS exits
          FROM county c LEFT JOIN missing m ON m.prefix = left(c.code, 6))
SELECT 'REGION', id, id, code,
       CASE WHEN poverty_level IS NOT NULL AND own < %(threshold)s * exits THEN 'VIOLATED'
            ELSE 'UNKNOWN' END,
       own, nullif(exits, 0)::numeric,
       CASE WHEN poverty_level IS NULL THEN '{_NO_LEVEL}'
            WHEN own IS NULL THEN '{_NO_OWN}'
            WHEN own < %(threshold)s * exits
                 THEN '本年出列 ' || exits || ' 个村，县级资金 ' || own || ' 元'
            ELSE lacking || ' 个村没有本年度信息，不知是否出列' END,
       jsonb_build_object('lacking', lacking)
  FROM told
 WHERE exits + lacking > 0
   AND (poverty_level IS NULL OR own IS NULL OR own < %(threshold)s * (exits + lacking))
"""

EXIT_PERSON = f"""
WITH {_COUNTIES}, told AS (
        SELECT c.*, x.persons, x.years, (%(params)s::jsonb ->> 'years')::integer AS asked
          FROM county c CROSS JOIN LATERAL (
               SELECT sum(f.numerator) AS persons, count(f.numerator) AS years
                 FROM exits_snapshot f
                WHERE f.region_code = c.code AND f.metric = 'exited_in_year' AND f.category = ''
                  AND f.partition <= %(year)s
                  AND f.partition > %(year)s - (%(params)s::jsonb ->> 'years')::integer) AS x)
SELECT 'REGION', id, id, code,
       CASE WHEN poverty_level IS NOT NULL AND own < %(threshold)s * persons
            THEN 'VIOLATED' ELSE 'UNKNOWN' END,
       own, persons::numeric,
       CASE WHEN poverty_level IS NULL THEN '{_NO_LEVEL}'
            WHEN own < %(threshold)s * persons
                 THEN asked || ' 年内脱贫 ' || persons || ' 人，县级资金 ' || own || ' 元'
            WHEN years < asked THEN asked || ' 年中只有 ' || years || ' 年的脱贫人口数'
            ELSE '{_NO_OWN}' END,
       jsonb_build_object('years', years)
  FROM told
 WHERE poverty_level IS NULL OR years < asked
    OR persons > 0 AND (own IS NULL OR own < %(threshold)s * persons)
"""

# Of departments' money: what goes to projects in poor villages or with registered beneficiaries.
# What was allotted to a unit says nothing of where it goes.
DEPARTMENT_SHARE = f"""
WITH {_KINDS}, {_COUNTIES}, money AS (
        SELECT left(coalesce(p.region_code, a.region_code), 6) AS prefix, p.id,
               coalesce(p.region_code, a.region_code) AS code, sum(a.balance) AS balance
          FROM asked CROSS JOIN funds_account a JOIN funds_source s ON s.id = a.source_id
          LEFT JOIN projects_project p ON p.id = a.project_id
         WHERE a.year = %(year)s AND a.kind IN ('ALLOTMENT', 'PAID') AND a.balance > 0
           AND {_OF_KINDS}
         GROUP BY 1, 2, 3),
    helped AS (
        SELECT DISTINCT project_id FROM projects_beneficiary WHERE household_id IS NOT NULL),
    sorted AS (
        SELECT m.prefix, m.balance,
               CASE WHEN m.id IS NULL THEN 'UNSURE'
                    WHEN coalesce(v.is_poor_village, false) OR h.project_id IS NOT NULL THEN 'POOR'
                    WHEN {_IS_VILLAGE} AND v.id IS NULL THEN 'UNSURE'
                    ELSE 'OTHER' END AS whose
          FROM money m
          LEFT JOIN helped h ON h.project_id = m.id
          LEFT JOIN villages_villageyear v ON v.region_code = m.code AND v.year = %(year)s),
    told AS (
        SELECT c.id, c.code, c.poverty_level, sum(s.balance) AS total,
               coalesce(sum(s.balance) FILTER (WHERE whose = 'POOR'), 0) AS poor,
               coalesce(sum(s.balance) FILTER (WHERE whose = 'UNSURE'), 0) AS unsure
          FROM county c JOIN sorted s ON s.prefix = left(c.code, 6)
         WHERE %(params)s::jsonb -> 'counties' = '[]'::jsonb
            OR %(params)s::jsonb -> 'counties' ? left(c.code, 6)
         GROUP BY c.id, c.code, c.poverty_level)
SELECT 'REGION', id, id, code,
       CASE WHEN poverty_level IS NOT NULL AND poor + unsure < %(threshold)s * total
            THEN 'VIOLATED' ELSE 'UNKNOWN' END,
       poor, total,
       CASE WHEN poverty_level IS NULL THEN '{_NO_LEVEL}'
            WHEN poor + unsure < %(threshold)s * total
                 THEN '行业项目资金 ' || total || ' 元，用于贫困村、贫困户 ' || poor || ' 元'
            ELSE '用于贫困村、贫困户 ' || poor || ' 元，另有 ' || unsure
                 || ' 元分配到单位或所在村没有年度信息' END,
       jsonb_build_object('unsure', unsure)
  FROM told
 WHERE poverty_level IS NULL OR poor < %(threshold)s * total
"""
