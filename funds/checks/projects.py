"""Projects: money and progress, notices, beneficiaries, and what stands still."""

# What was paid for the projects of the places and year, in any year. Everything is joined in whole
# sets: under row security a look-up per row would read the vouchers again for each of them.
_PROJECTS = """
    spent AS MATERIALIZED (
        SELECT project_id, sum(balance) AS amount FROM funds_account
         WHERE kind = 'PAID' AND project_id IS NOT NULL GROUP BY project_id),
    project AS MATERIALIZED (
        SELECT p.*, coalesce(s.amount, 0) AS paid
          FROM projects_project p LEFT JOIN spent s ON s.project_id = p.id
         WHERE p.year = %(year)s AND p.region_code >= %(low)s AND p.region_code < %(high)s
           AND p.state NOT IN ('', 'REFUSED', 'CANCELLED'))
"""
# A day for each posted voucher: what came back counts on the day on which it had gone out.
_POSTED = """
    posted AS MATERIALIZED (
        SELECT v.id, v.taken_on, coalesce(b.taken_on, v.taken_on) AS since
          FROM funds_voucher v LEFT JOIN funds_voucher b ON b.id = v.reverses_id
         WHERE v.state = 'POSTED')
"""
_NO_BUDGET = "已有支付，但没有安排资金的记录"

# How much more was paid than the reported progress is worth, as a share of what was assigned.
AHEAD = f"""
WITH {_PROJECTS}, ahead AS (
        SELECT p.*, p.paid - round(coalesce(p.budget, 0) * p.percent / 100, 2) AS more,
               r.project_id IS NOT NULL AS reported
          FROM project p
          LEFT JOIN (SELECT DISTINCT project_id FROM projects_progressreport) AS r
            ON r.project_id = p.id
         WHERE p.paid > 0)
SELECT 'PROJECT', id, region_id, region_code,
       CASE WHEN budget IS NULL OR NOT reported THEN 'UNKNOWN' ELSE 'VIOLATED' END,
       more, budget,
       CASE WHEN budget IS NULL THEN '{_NO_BUDGET}'
            WHEN NOT reported THEN '已支付 ' || paid || ' 元，没有进度月报'
            ELSE '已支付 ' || paid || ' 元，进度 ' || percent || '％，支付快于进度' END,
       '{{}}'::jsonb
  FROM ahead WHERE budget IS NULL OR NOT reported OR more > %(threshold)s * budget
"""

# Paid before the month in which the first progress was reported; what was given back is not paid.
ADVANCE = f"""
WITH {_PROJECTS}, {_POSTED}, begun AS (
        SELECT project_id, min(month) AS month FROM projects_progressreport
         WHERE percent > 0 GROUP BY project_id),
    advance AS (
        SELECT p.id, p.region_id, p.region_code, p.budget, sum(e.amount) AS amount
          FROM project p
          JOIN funds_account a ON a.project_id = p.id AND a.kind = 'PAID'
          JOIN funds_entry e ON e.account_id = a.id
          JOIN posted v ON v.id = e.voucher_id
          LEFT JOIN begun b ON b.project_id = p.id
         WHERE p.paid > 0 AND v.since < coalesce(b.month, 'infinity')
         GROUP BY p.id, p.region_id, p.region_code, p.budget)
SELECT 'PROJECT', id, region_id, region_code,
       CASE WHEN budget IS NULL THEN 'UNKNOWN' ELSE 'VIOLATED' END, amount, budget,
       CASE WHEN budget IS NULL THEN '{_NO_BUDGET}'
            ELSE '有进度以前已支付 ' || amount || ' 元' END,
       '{{}}'::jsonb
  FROM advance WHERE amount > 0 AND (budget IS NULL OR amount > %(threshold)s * budget)
"""

UNPAID = f"""
WITH {_PROJECTS}
SELECT 'PROJECT', id, region_id, region_code, 'VIOLATED', paid, budget,
       '已完工（' || completed_on || '），没有支付记录', '{{}}'::jsonb
  FROM project WHERE completed_on IS NOT NULL AND paid <= 0
"""

# Assigned or under way, and nothing has happened since: no step, no report, no payment.
IDLE = f"""
WITH {_PROJECTS}, {_POSTED}, told AS (
        SELECT project_id, max((created_at AT TIME ZONE 'Asia/Shanghai')::date) AS event
          FROM projects_progressreport GROUP BY project_id),
    moved AS (
        SELECT a.project_id, max(v.taken_on) AS event
          FROM funds_account a
          JOIN funds_entry e ON e.account_id = a.id
          JOIN posted v ON v.id = e.voucher_id
         WHERE a.project_id IS NOT NULL GROUP BY a.project_id),
    last AS (
        SELECT p.id, p.region_id, p.region_code, greatest(p.state_on, t.event, m.event) AS event
          FROM project p
          LEFT JOIN told t ON t.project_id = p.id
          LEFT JOIN moved m ON m.project_id = p.id
         WHERE p.state IN ('BUDGETED', 'STARTED'))
SELECT 'PROJECT', id, region_id, region_code, 'VIOLATED', (%(today)s::date - event)::numeric,
       NULL::numeric, '自 ' || event || ' 起没有办理、进度或支付记录', '{{}}'::jsonb
  FROM last WHERE %(today)s::date - event > %(threshold)s
"""

# The day of posting is the first; the shortest notice of a project speaks for it.
PUBLICITY = f"""
WITH {_PROJECTS}, hung AS (
        SELECT DISTINCT ON (p.id) p.id, p.region_id, p.region_code, n.id AS notice, n.kind,
               n.starts_on, n.ends_on, n.ends_on - n.starts_on + 1 AS days
          FROM project p JOIN projects_projectnotice n ON n.project_id = p.id
         ORDER BY p.id, n.ends_on - n.starts_on, n.id)
SELECT 'PROJECT', id, region_id, region_code, 'VIOLATED', days::numeric, NULL::numeric,
       CASE kind WHEN 'PLAN' THEN '计划公示' ELSE '完工公示' END || ' ' || starts_on || ' 至 '
       || ends_on || '，共 ' || days || ' 天',
       jsonb_build_object('notice', notice)
  FROM hung WHERE days < %(threshold)s
"""

UNREGISTERED = f"""
WITH {_PROJECTS}, counted AS (
        SELECT p.id, p.region_id, p.region_code, count(*) AS everybody,
               count(*) FILTER (WHERE b.name <> '') AS strangers
          FROM project p JOIN projects_beneficiary b ON b.project_id = p.id
         GROUP BY p.id, p.region_id, p.region_code)
SELECT 'PROJECT', id, region_id, region_code, 'VIOLATED', strangers::numeric, everybody::numeric,
       strangers || ' 个受益对象在受益日期不在建档立卡名册中', '{{}}'::jsonb
  FROM counted WHERE strangers > 0
"""
