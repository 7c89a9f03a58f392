"""The SQL behind a frame, one statement per step; numbers in %(name)s come from `planning`."""

# Persons are counted as the year's members have them, like every figure of the register.
HOUSEHOLDS = """
INSERT INTO inspections_framehousehold
       (round_id, held_by, village_code, ref, kind, exit_year, household_id, rural_id, head_name,
        group_name, persons)
WITH members AS MATERIALIZED (
    SELECT household_id, count(*) AS n FROM households_personyear
     WHERE partition_id = %(partition)s AND village_code >= %(low)s AND village_code < %(high)s
     GROUP BY household_id
)
SELECT %(round)s, %(held_by)s, y.village_code, 'R' || h.household_no,
       CASE WHEN y.exit_status = ANY (%(exited)s) THEN 'EXITED' ELSE 'POOR' END,
       CASE WHEN y.exit_status = ANY (%(exited)s) THEN coalesce(y.exit_year, 0) ELSE 0 END,
       h.id, NULL::bigint, y.head_name, h.natural_village_name, coalesce(m.n, 0)
  FROM households_householdyear y
  JOIN households_household h ON h.id = y.household_id
  LEFT JOIN members m ON m.household_id = y.household_id
 WHERE y.partition_id = %(partition)s AND y.village_code >= %(low)s AND y.village_code < %(high)s
UNION ALL
SELECT %(round)s, %(held_by)s, village_code, 'U' || village_code || '-' || roster_no,
       CASE WHEN is_key THEN 'KEY' ELSE 'OTHER' END, 0, NULL::bigint, id, head_name, group_name,
       persons
  FROM inspections_ruralhousehold
 WHERE partition_id = %(partition)s AND village_code >= %(low)s AND village_code < %(high)s
   AND is_current
"""

# The division that a code was at the end of the year; a code may have had several names.
_PLACES = """
WITH filled AS (
    SELECT village_code AS code, count(*) AS households, sum(persons) AS persons
      FROM inspections_framehousehold WHERE round_id = %(round)s GROUP BY village_code
), places AS (
    SELECT DISTINCT ON (r.code) r.id, r.code, r.name FROM villages_region r
     WHERE r.level = 'village' AND r.code >= %(low)s AND r.code < %(high)s
       AND (r.valid_from IS NULL OR r.valid_from <= %(day)s::date)
       AND (r.valid_to IS NULL OR r.valid_to > %(day)s::date)
     ORDER BY r.code, r.valid_from DESC NULLS LAST
), facts AS (
    SELECT region_code AS code, bool_or(is_poor_village) AS is_poor,
           bool_or(is_deep_poverty) AS is_deep
      FROM villages_villageyear
     WHERE year = %(partition)s AND region_code >= %(low)s AND region_code < %(high)s
     GROUP BY region_code
)
"""

UNKNOWN_VILLAGES = (
    _PLACES
    + """
SELECT count(*) FILTER (WHERE places.id IS NULL), count(*) FILTER (WHERE facts.code IS NULL)
  FROM filled LEFT JOIN places USING (code) LEFT JOIN facts USING (code)
"""
)

VILLAGES = """
INSERT INTO inspections_framevillage
       (round_id, held_by, village_id, code, name, stratum, households, persons)
""" + (
    _PLACES
    + """
SELECT %(round)s, %(held_by)s, places.id, code, places.name,
       CASE WHEN coalesce(facts.is_poor, false) THEN 'P' ELSE 'O' END
       || CASE WHEN %(attribute)s = %(deep)s AND coalesce(facts.is_deep, false)
                    OR code = ANY (%(listed)s) THEN '1' ELSE '0' END,
       filled.households, filled.persons
  FROM filled JOIN places USING (code) LEFT JOIN facts USING (code)
"""
)

FRAME_LINES = """
SELECT coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), '') FROM (
    SELECT format('V|%%s|%%s|%%s|%%s', code, stratum, households, persons) AS line
      FROM inspections_framevillage WHERE round_id = %s
    UNION ALL
    SELECT format('H|%%s|%%s|%%s|%%s|%%s', village_code, kind, exit_year, ref, persons)
      FROM inspections_framehousehold WHERE round_id = %s
) AS lines
"""
