"""Money that lies still, and loans."""

# What is left is of the youngest money that came in: the oldest of it tells the age. What came back
# into an account came in on the day it came back.
IDLE = """
WITH inflow AS (
        SELECT a.id, a.region_id, a.region_code, a.balance, v.taken_on,
               sum(e.amount) OVER (PARTITION BY a.id ORDER BY v.taken_on DESC, e.id DESC) - e.amount
               AS later
          FROM funds_account a
          JOIN funds_entry e ON e.account_id = a.id AND e.amount > 0
          JOIN funds_voucher v ON v.id = e.voucher_id AND v.state = 'POSTED'
         WHERE a.kind IN ('POOL', 'ALLOTMENT') AND a.balance > 0 AND a.year = %(year)s
           AND a.region_code >= %(low)s AND a.region_code < %(high)s),
    oldest AS (
        SELECT id, region_id, region_code, balance, min(taken_on) AS since
          FROM inflow WHERE later < balance GROUP BY id, region_id, region_code, balance)
SELECT 'ACCOUNT', id, region_id, region_code, 'VIOLATED', (%(today)s::date - since)::numeric,
       NULL::numeric, '余额 ' || balance || ' 元，最早一笔自 ' || since || ' 起未使用',
       jsonb_build_object('balance', balance)
  FROM oldest WHERE %(today)s::date - since > %(threshold)s
"""

# All that was lent to the end of the year, over the households that borrowed: renewals and money for
# enterprises lift it above what one household may borrow, and have to explain it.
LOAN_AVERAGE = """
WITH lent AS (
        SELECT r.id, r.code, sum(l.amount) AS amount, count(DISTINCT l.household_id) AS households,
               count(*) AS loans
          FROM villages_region r
          JOIN funds_loan l
            ON l.village_code >= left(r.code, CASE r.level WHEN 'city' THEN 4 ELSE 6 END)
           AND l.village_code < left(r.code, CASE r.level WHEN 'city' THEN 4 ELSE 6 END) || 'A'
           AND l.lent_on < make_date(%(year)s + 1, 1, 1)
         WHERE r.level IN ('city', 'county') AND r.code >= %(low)s AND r.code < %(high)s
           AND (r.valid_from IS NULL OR r.valid_from <= make_date(%(year)s, 12, 31))
           AND (r.valid_to IS NULL OR r.valid_to > make_date(%(year)s, 12, 31))
         GROUP BY r.id, r.code)
SELECT 'REGION', id, id, code, 'SUSPECTED', amount, households::numeric,
       '累计贷款 ' || loans || ' 笔、' || amount || ' 元，' || households
       || ' 户，户均超过单户额度，请说明续贷、企业用款等情况',
       jsonb_build_object('loans', loans)
  FROM lent WHERE amount > %(threshold)s * households
"""
