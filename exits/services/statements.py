"""The SQL behind the figures, one statement per step; numbers in %(name)s come from `figures`.

Counts are taken from the register per village only; every higher level adds up its children's
stored counts, so that the cost of one edit is a village and its ancestors. The digest of an id
list is the exclusive-or of the ids' 64-bit hashes: it does not depend on order and adds up too.
"""

# Columns every step fills; the last step stores them.
FRESH = """
CREATE TEMP TABLE fresh (
    region_code text, metric text, category text, numerator bigint, denominator bigint,
    households bigint, verdict text, reason text, definition_version smallint, digest bigint
) ON COMMIT DROP
"""

VILLAGES = """
INSERT INTO fresh
WITH members AS MATERIALIZED (
    SELECT household_id, count(*) AS n, bit_xor(hashint8extended(person_id, 0)) AS digest
      FROM households_personyear
     WHERE partition_id = %(partition)s AND {scope}
     GROUP BY household_id
), cells AS MATERIALIZED (
    SELECT y.village_code, y.exit_status, y.main_cause, y.household_attribute,
           y.exit_year = y.partition_id AS in_year,
           y.net_income_per_capita < %(line)s::numeric AS below,
           count(*) AS households, sum(coalesce(m.n, 0))::bigint AS persons,
           bit_xor(coalesce(m.digest, 0)) AS digest
      FROM households_householdyear y LEFT JOIN members m USING (household_id)
     WHERE y.partition_id = %(partition)s AND {y_scope}
     GROUP BY 1, 2, 3, 4, 5, 6
), places AS (
    SELECT code FROM villages_region
     WHERE level = 'village' AND {code_scope}
       AND (valid_from IS NULL OR valid_from <= %(day)s) AND (valid_to IS NULL OR valid_to > %(day)s)
), flagged AS (
    SELECT village_code, households, persons, digest,
           exit_status = ANY(%(poor)s) AS poor, exit_status = ANY(%(exited)s) AS exited,
           exit_status = '3' AS relapsed, coalesce(in_year, false) AS in_year,
           coalesce(below, false) AS below
      FROM cells
), headline AS (
    SELECT village_code,
           sum(persons) AS p1, sum(households) AS h1, bit_xor(digest) AS d1,
           sum(persons) FILTER (WHERE poor) AS p2, sum(households) FILTER (WHERE poor) AS h2,
           bit_xor(digest) FILTER (WHERE poor) AS d2,
           sum(persons) FILTER (WHERE exited) AS p3, sum(households) FILTER (WHERE exited) AS h3,
           bit_xor(digest) FILTER (WHERE exited) AS d3,
           sum(persons) FILTER (WHERE relapsed) AS p4,
           sum(households) FILTER (WHERE relapsed) AS h4,
           bit_xor(digest) FILTER (WHERE relapsed) AS d4,
           sum(persons) FILTER (WHERE exited AND in_year) AS p5,
           sum(households) FILTER (WHERE exited AND in_year) AS h5,
           bit_xor(digest) FILTER (WHERE exited AND in_year) AS d5,
           sum(persons) FILTER (WHERE exited AND below) AS p6,
           sum(households) FILTER (WHERE exited AND below) AS h6,
           bit_xor(digest) FILTER (WHERE exited AND below) AS d6
      FROM flagged GROUP BY village_code
)
SELECT code, metric, '', coalesce(persons, 0)::bigint, NULL::bigint,
       coalesce(households, 0)::bigint, 'NONE', '', 1::smallint, coalesce(digest, 0)
  FROM places LEFT JOIN headline ON village_code = code
 CROSS JOIN LATERAL (VALUES
       ('registered', p1, h1, d1), ('remaining', p2, h2, d2), ('exited', p3, h3, d3),
       ('relapsed', p4, h4, d4), ('exited_in_year', p5, h5, d5),
       ('exited_below_line', p6, h6, d6)) AS figure (metric, persons, households, digest)
UNION ALL
SELECT village_code,
       CASE WHEN exit_status IS NOT NULL THEN 'by_status' WHEN main_cause IS NOT NULL THEN 'by_cause'
            ELSE 'by_attribute' END,
       coalesce(exit_status, main_cause, household_attribute),
       sum(persons)::bigint, NULL::bigint, sum(households)::bigint, 'NONE', '', 1::smallint,
       bit_xor(digest)
  FROM cells
 GROUP BY GROUPING SETS ((village_code, exit_status), (village_code, main_cause),
                         (village_code, household_attribute))
"""

# Children are the stored rows one level down; {length} is the parents' own number of digits.
PARENTS = """
INSERT INTO fresh
SELECT rpad(left(region_code, {length}), 12, '0') AS parent, metric, category,
       sum(numerator)::bigint, NULL, sum(households)::bigint, 'NONE', '', 1, bit_xor(digest)
  FROM exits_snapshot
 WHERE partition = %(partition)s AND {scope} AND {is_child}
   AND metric = ANY(%(additive)s)
 GROUP BY parent, metric, category
"""

IS_CHILD = {
    9: "right(region_code, 3) <> '000'",
    6: "right(region_code, 3) = '000' AND right(region_code, 6) <> '000000'",
    4: "right(region_code, 6) = '000000' AND right(region_code, 8) <> '00000000'",
}

# Regions whose derived figures are due: those that have a fresh count of remaining persons.
DERIVED = """
INSERT INTO fresh
WITH due AS (
    SELECT region_code, numerator AS remaining, households, digest,
           CASE WHEN right(region_code, 3) <> '000' THEN 'village'
                WHEN right(region_code, 6) <> '000000' THEN 'town'
                WHEN right(region_code, 8) <> '00000000' THEN 'county' ELSE 'city' END AS level
      FROM fresh WHERE metric = 'remaining'
), areas AS (
    SELECT due.region_code,
           CASE WHEN due.level <> 'city' THEN c.area ELSE (
               SELECT min(every.area) FROM villages_countyyear every
                WHERE every.year = %(partition)s
                  AND left(every.region_code, 4) = left(due.region_code, 4)
               HAVING count(DISTINCT every.area) = 1) END AS area
      FROM due
      LEFT JOIN villages_countyyear c
        ON c.year = %(partition)s AND c.region_code = rpad(left(due.region_code, 6), 12, '0')
), rules AS (
    SELECT DISTINCT ON (due.region_code, d.code)
           due.region_code, d.code, d.version, d.comparator, d.threshold
      FROM due JOIN areas USING (region_code)
      JOIN exits_metricdefinition d
        ON due.region_code LIKE d.region_prefix || '%%'
       AND (d.area = '' OR d.area = areas.area)
       AND %(partition)s BETWEEN d.valid_from AND coalesce(d.valid_to, 9999)
     ORDER BY due.region_code, d.code, length(d.region_prefix) DESC, d.version DESC
), base AS (
    SELECT DISTINCT ON (region_code) region_code, persons
      FROM villages_populationbase WHERE year = %(partition)s
     ORDER BY region_code, basis
), poor_villages AS (
    SELECT place AS region_code, count(*) AS poor, count(v.exited_year) AS exited
      FROM villages_villageyear v
     CROSS JOIN LATERAL (VALUES (rpad(left(v.region_code, 9), 12, '0')),
            (rpad(left(v.region_code, 6), 12, '0')), (rpad(left(v.region_code, 4), 12, '0')))
            AS up (place)
     WHERE v.year = %(partition)s AND v.is_poor_village
       AND place IN (SELECT region_code FROM due WHERE level <> 'village')
     GROUP BY place
), exited AS (
    SELECT region_code, numerator AS persons, households, digest
      FROM fresh WHERE metric = 'exited_in_year'
), figures AS (
    SELECT due.region_code, 'headcount_rate' AS metric, due.remaining AS numerator,
           base.persons::bigint AS denominator, due.households, due.digest,
           CASE WHEN base.persons IS NULL OR base.persons = 0 THEN %(no_base)s
                WHEN due.remaining > base.persons THEN %(base_too_small)s
                WHEN areas.area IS NULL THEN %(no_area)s ELSE '' END AS reason
      FROM due JOIN areas USING (region_code) LEFT JOIN base USING (region_code)
    UNION ALL
    SELECT due.region_code, 'exit_target', exited.persons, t.value, exited.households,
           exited.digest, CASE WHEN coalesce(t.value, 0) = 0 THEN %(no_target)s ELSE '' END
      FROM due JOIN exited USING (region_code)
      LEFT JOIN exits_target t
        ON t.region_code = due.region_code AND t.year = %(partition)s AND t.kind = 'persons'
     WHERE due.level IN ('county', 'city')
    UNION ALL
    SELECT due.region_code, 'village_exit_rate', v.exited, v.poor, NULL, NULL,
           CASE WHEN v.poor IS NULL THEN %(no_poor_village)s ELSE '' END
      FROM due LEFT JOIN poor_villages v USING (region_code)
     WHERE due.level <> 'village'
    UNION ALL
    SELECT due.region_code, sampled.metric, NULL, NULL, NULL, NULL, %(no_sample)s
      FROM due CROSS JOIN unnest(%(sampled)s::text[]) AS sampled (metric)
     WHERE due.level IN ('county', 'city')
)
SELECT f.region_code, f.metric, '', f.numerator, f.denominator, f.households,
       CASE WHEN f.reason <> '' THEN 'NOT_COMPUTABLE'
            WHEN r.threshold IS NULL THEN 'NONE'
            WHEN CASE r.comparator
                      WHEN '<' THEN f.numerator < r.threshold * f.denominator
                      WHEN '<=' THEN f.numerator <= r.threshold * f.denominator
                      WHEN '>=' THEN f.numerator >= r.threshold * f.denominator
                      WHEN '>' THEN f.numerator > r.threshold * f.denominator END
            THEN 'MET' ELSE 'NOT_MET' END,
       f.reason, coalesce(r.version, 1), f.digest
  FROM figures f LEFT JOIN rules r ON r.region_code = f.region_code AND r.code = f.metric
"""

# Without a line for the year nobody can say who is below it.
NO_LINE = """
UPDATE fresh SET numerator = NULL, households = NULL, digest = NULL,
       verdict = 'NOT_COMPUTABLE', reason = %(no_line)s
 WHERE metric = 'exited_below_line'
"""

STORE = """
INSERT INTO exits_snapshot AS s
    (region_code, partition, metric, category, numerator, denominator, households, verdict, reason,
     definition_version, data_version, digest)
SELECT region_code, %(partition)s, metric, category, numerator, denominator, households, verdict,
       reason, definition_version, %(data_version)s, digest
  FROM fresh
    ON CONFLICT (partition, region_code, metric, category) DO UPDATE
   SET numerator = excluded.numerator, denominator = excluded.denominator,
       households = excluded.households, verdict = excluded.verdict, reason = excluded.reason,
       definition_version = excluded.definition_version, data_version = excluded.data_version,
       digest = excluded.digest, computed_at = clock_timestamp()
 WHERE (s.numerator, s.denominator, s.households, s.verdict, s.reason, s.definition_version, s.digest)
       IS DISTINCT FROM
       (excluded.numerator, excluded.denominator, excluded.households, excluded.verdict,
        excluded.reason, excluded.definition_version, excluded.digest)
   -- What an assessment says of a county is put there by the assessment, and nothing takes its place.
   AND (excluded.reason <> %(no_sample)s OR s.reason = %(no_sample)s)
"""

# A cause that nobody has any more is zero, not yesterday's number. The range keeps the search
# small whatever the planner knows of a table that was filled a moment ago.
VANISHED = """
UPDATE exits_snapshot s
   SET numerator = 0, households = 0, digest = 0, data_version = %(data_version)s,
       computed_at = clock_timestamp()
  FROM (SELECT old.id
          FROM exits_snapshot old
          JOIN fresh due ON due.region_code = old.region_code AND due.metric = 'registered'
          LEFT JOIN fresh f ON f.region_code = old.region_code AND f.metric = old.metric
                           AND f.category = old.category
         WHERE old.partition = %(partition)s AND {scope} AND old.metric = ANY(%(tallies)s)
           AND old.numerator <> 0 AND f.region_code IS NULL) AS gone
 WHERE s.id = gone.id
"""

FLOWS = """
WITH told AS (
    SELECT village_code, CASE kind WHEN 'IDENTIFY' THEN 'identified' WHEN 'RELAPSE' THEN 'relapsed'
                                   WHEN 'EXIT' THEN 'exited' ELSE 'cleared' END AS flow,
           persons, households
      FROM households_statusevent
     WHERE partition_id = %(partition)s AND NOT is_opening AND {scope}
       AND kind IN ('IDENTIFY', 'RELAPSE', 'EXIT', 'CLEAR_OUT')
    UNION ALL
    SELECT village_code, CASE WHEN kind = ANY(%(joins)s) THEN 'increase' ELSE 'decrease' END,
           persons, 0
      FROM households_membershipevent
     WHERE partition_id = %(partition)s AND is_poor AND {scope}
), summed AS (
    SELECT place AS region_code, flow, sum(persons) AS persons, sum(households) AS households
      FROM told CROSS JOIN LATERAL (VALUES {places}) AS up (place)
     GROUP BY place, flow
)
INSERT INTO exits_flowfigure AS f (region_code, partition, flow, persons, households)
SELECT region_code, %(partition)s, flow, persons, households FROM summed
    ON CONFLICT (partition, region_code, flow) DO UPDATE
   SET persons = excluded.persons, households = excluded.households
 WHERE (f.persons, f.households) <> (excluded.persons, excluded.households)
"""

VILLAGE_PLACES = "(village_code)"
PLACES = {
    9: "(rpad(left(village_code, 9), 12, '0'))",
    6: "(rpad(left(village_code, 6), 12, '0'))",
    4: "(rpad(left(village_code, 4), 12, '0'))",
}
