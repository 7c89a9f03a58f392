"""Payments: to what must not be paid for, before approval, and twice."""

# Of each posted payment: the allotments it goes out of. What was taken back whole is left out. Joined
# in whole sets: under row security a look-up per row would read the vouchers again for each of them.
_PAID = """
    undone AS MATERIALIZED (
        SELECT reverses_id AS id FROM funds_voucher WHERE kind = 'REVERSE' AND state = 'POSTED'),
    posted AS MATERIALIZED (
        SELECT v.id, v.taken_on, v.reason FROM funds_voucher v
         WHERE v.kind = 'PAY' AND v.state = 'POSTED' AND v.year = %(year)s
           AND NOT EXISTS (SELECT FROM undone u WHERE u.id = v.id)),
    paid AS MATERIALIZED (
        SELECT v.id, v.taken_on, v.reason, a.id AS account_id, a.region_id, a.region_code,
               a.project_id, a.source_id, -e.amount AS amount
          FROM funds_account a
          JOIN funds_entry e ON e.account_id = a.id
          JOIN posted v ON v.id = e.voucher_id
         WHERE a.kind = 'ALLOTMENT' AND a.year = %(year)s
           AND a.region_code >= %(low)s AND a.region_code < %(high)s)
"""

# A type on the list is a violation; a word of it is a suspicion that somebody has to look at.
NEGATIVE_LIST = f"""
WITH asked AS MATERIALIZED (
        SELECT ARRAY(SELECT jsonb_array_elements_text(told -> 'words')) AS words,
               ARRAY(SELECT jsonb_array_elements_text(told -> 'types')) AS types,
               ARRAY(SELECT jsonb_array_elements_text(told -> 'kinds')) AS kinds
          FROM (SELECT %(params)s::jsonb AS told) AS given),
    {_PAID},
    source AS MATERIALIZED (
        SELECT s.id FROM funds_source s CROSS JOIN asked
         WHERE cardinality(kinds) = 0 OR s.kind = ANY (kinds)),
    money AS (
        SELECT a.project_id, sum(a.balance) AS amount
          FROM funds_account a JOIN source s ON s.id = a.source_id
         WHERE a.project_id IS NOT NULL AND a.kind IN ('ALLOTMENT', 'PAID')
         GROUP BY a.project_id),
    project AS (
        SELECT p.id, p.region_id, p.region_code, p.type_id, m.amount,
               p.type_id = ANY (types) OR p.sector = ANY (types) AS listed,
               (SELECT string_agg(word, '、') FROM unnest(words) AS word
                 WHERE strpos(p.name, word) > 0 OR strpos(p.content, word) > 0) AS said
          FROM projects_project p JOIN money m ON m.project_id = p.id CROSS JOIN asked
         WHERE p.year = %(year)s AND p.region_code >= %(low)s AND p.region_code < %(high)s),
    subsidy AS (
        SELECT voucher_id, string_agg(subsidy, ' ') AS subsidies FROM (
               SELECT DISTINCT voucher_id, subsidy FROM funds_payment WHERE subsidy <> '') AS t
         GROUP BY voucher_id),
    spent AS (
        SELECT p.id, (array_agg(p.region_id ORDER BY p.account_id))[1] AS region_id,
               (array_agg(p.region_code ORDER BY p.account_id))[1] AS region_code,
               sum(p.amount) AS amount, min(p.reason) AS reason
          FROM paid p JOIN source s ON s.id = p.source_id
         GROUP BY p.id),
    voucher AS (
        SELECT p.*, (SELECT string_agg(word, '、') FROM unnest(words) AS word
                      WHERE strpos(p.reason, word) > 0
                         OR strpos(coalesce(t.subsidies, ''), word) > 0) AS said
          FROM spent p LEFT JOIN subsidy t ON t.voucher_id = p.id CROSS JOIN asked)
SELECT 'PROJECT', id, region_id, region_code,
       CASE WHEN listed THEN 'VIOLATED' ELSE 'SUSPECTED' END, amount, NULL::numeric,
       CASE WHEN listed THEN '项目类型属于负面清单'
            ELSE '项目名称或内容含“' || left(said, 200) || '”，请核对是否属于负面清单' END,
       jsonb_build_object('type', type_id)
  FROM project WHERE amount > 0 AND (listed OR said IS NOT NULL)
UNION ALL
SELECT 'VOUCHER', id, region_id, region_code, 'SUSPECTED', amount, NULL,
       '支付摘要或补助项目含“' || left(said, 200) || '”，请核对是否属于负面清单', '{{}}'::jsonb
  FROM voucher WHERE said IS NOT NULL
"""

BEFORE_APPROVAL = f"""
WITH {_PAID}, approval AS (
        SELECT project_id, min(taken_on) AS since FROM projects_projectstep
         WHERE state = %(params)s::jsonb ->> 'step' GROUP BY project_id),
    approved AS (
        SELECT p.*, a.since FROM paid p LEFT JOIN approval a ON a.project_id = p.project_id
         WHERE p.project_id IS NOT NULL)
SELECT 'VOUCHER', id, (array_agg(region_id ORDER BY account_id))[1],
       (array_agg(region_code ORDER BY account_id))[1], 'VIOLATED', sum(amount), NULL::numeric,
       CASE WHEN bool_or(since IS NULL) THEN '支付日期 ' || min(taken_on) || '，项目尚未批准'
            ELSE '支付日期 ' || min(taken_on) || '，早于批准日期 ' || max(since) END,
       jsonb_build_object('projects', jsonb_agg(DISTINCT project_id))
  FROM approved WHERE since IS NULL OR taken_on < since
 GROUP BY id
"""

# Returned payments were not received. What comes every month is told by name.
TWICE = """
WITH posted AS MATERIALIZED (
        SELECT id, kind, year FROM funds_voucher WHERE state = 'POSTED'),
    back AS MATERIALIZED (
        SELECT t.reverses_id AS id FROM funds_payment t JOIN posted v ON v.id = t.voucher_id
         WHERE t.reverses_id IS NOT NULL),
    received AS (
        SELECT t.household_id, t.person_id, t.subsidy, count(*) AS times, sum(t.amount) AS amount,
               array_agg(DISTINCT t.voucher_id) AS vouchers
          FROM funds_payment t
          JOIN posted v ON v.id = t.voucher_id AND v.kind = 'PAY' AND v.year = %(year)s
         WHERE t.region_code >= %(low)s AND t.region_code < %(high)s
           AND t.household_id IS NOT NULL AND t.reverses_id IS NULL
           AND NOT %(params)s::jsonb -> 'repeated' ? t.subsidy
           AND NOT EXISTS (SELECT FROM back r WHERE r.id = t.id)
         GROUP BY t.household_id, t.person_id, t.subsidy HAVING count(*) > 1)
SELECT 'HOUSEHOLD', h.id, h.village_id, h.village_code, 'SUSPECTED', max(r.times)::numeric,
       NULL::numeric,
       left(string_agg('“' || r.subsidy || '”本年支付 ' || r.times || ' 次，共 ' || r.amount
                       || ' 元', '；' ORDER BY r.subsidy), 300),
       jsonb_build_object('vouchers', jsonb_agg(to_jsonb(r.vouchers) ORDER BY r.subsidy))
  FROM received r JOIN households_household h ON h.id = r.household_id
 GROUP BY h.id
"""
