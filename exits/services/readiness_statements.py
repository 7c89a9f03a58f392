"""The SQL behind readiness: what is measured, and how items of standards are judged by it.

Every measure is a pair of bounds: equal where it is known, the upper one open where something was
counted and of some nobody stated anything (`exits.checks.items` has the rule on plain values).
"""

from collections.abc import Sequence

from exits.enums import Measure
from exits.models import StandardItem

# Measures of households that are counted over members: their bounds differ.
_COUNTED = (Measure.OUT_OF_SCHOOL, Measure.UNINSURED)
OF_HOUSEHOLDS = (
    Measure.INCOME_MARGIN,
    Measure.UNSAFE_WATER,
    Measure.UNSAFE_HOUSE,
    Measure.NEW_THIS_YEAR,
    *_COUNTED,
)
SAMPLED = (
    Measure.COMPOSITE_RATE,
    Measure.WRONGFUL_EXIT_RATE,
    Measure.OMISSION_RATE,
    Measure.APPROVAL_RATE,
)

# Out of school: of those aged 6 to 15 on 31 December who attend none, except for illness or
# disability (X1, X2), which is no dropping out for poverty. Insured in one of the three is insured.
HOMES = """
CREATE TEMP TABLE homes ON COMMIT DROP AS
WITH persons AS (
    SELECT m.household_id, m.student_status,
           coalesce(m.dropout_reason, '') IN ('X1', 'X2') AS excused,
           %(partition)s - extract(year FROM p.birth_date)::int AS age,
           m.in_resident_medical OR m.in_employee_medical OR m.in_commercial_medical AS insured
      FROM households_personyear m JOIN households_person p ON p.id = m.person_id
     WHERE m.partition_id = %(partition)s AND {m_scope}
), members AS (
    SELECT household_id, count(*) AS persons,
           count(*) FILTER (WHERE student_status = '01' AND NOT excused
                              AND age BETWEEN 6 AND 15) AS out_low,
           count(*) FILTER (WHERE student_status IN ('', '01') AND NOT excused
                              AND coalesce(age BETWEEN 6 AND 15, true)) AS out_high,
           count(*) FILTER (WHERE NOT insured) AS uninsured_low,
           count(*) FILTER (WHERE insured IS NOT TRUE) AS uninsured_high
      FROM persons GROUP BY household_id
), checks AS (
    SELECT household_id, jsonb_object_agg(item, outcome) AS checks
      FROM (SELECT DISTINCT ON (household_id, item) household_id, item, outcome
              FROM exits_attestation
             WHERE partition = %(partition)s AND household_id IS NOT NULL AND {a_scope}
             ORDER BY household_id, item, id DESC) AS latest
     GROUP BY household_id
)
SELECT y.household_id, y.village_code, y.exit_status = ANY(%(poor)s) AS is_poor,
       coalesce(m.persons, 0) AS persons, checks.checks,
       y.net_income_per_capita - %(line)s::numeric AS income_margin,
       CASE WHEN NOT y.drinking_safe OR y.drinking_difficult OR NOT y.safe_water_solved THEN 1
            WHEN y.drinking_safe OR y.safe_water_solved THEN 0 END AS unsafe_water,
       CASE WHEN y.dangerous_house_level IN ('3', '4') OR y.is_dangerous_house THEN 1
            WHEN y.dangerous_house_level IN ('1', '2') OR NOT y.is_dangerous_house THEN 0
       END AS unsafe_house,
       (y.identified_year >= y.partition_id)::int AS new_this_year,
       -- Of a household without a member nobody knows how many there are.
       m.out_low AS out_of_school, m.out_high AS out_of_school_high,
       m.uninsured_low AS uninsured, m.uninsured_high AS uninsured_high,
       NOT y.has_production_power OR NOT y.has_domestic_power AS no_power,
       NOT y.has_broadcast AS no_broadcast
  FROM households_householdyear y
  LEFT JOIN members m USING (household_id) LEFT JOIN checks USING (household_id)
 WHERE y.partition_id = %(partition)s AND {y_scope}
"""

# Rows that stay as they are are not even locked: a whole city judged again writes nothing.
STORE_HOMES = """
INSERT INTO exits_householdreadiness
    (partition, household_id, village_code, standard_id, standard_version, is_poor, persons,
     not_met, missing)
SELECT %(partition)s, j.household_id, j.village_code, %(standard)s, %(version)s, j.is_poor,
       j.persons, j.not_met, j.missing
  FROM (SELECT household_id, village_code, is_poor, persons, {not_met} AS not_met,
               {missing} AS missing
          FROM (SELECT household_id, village_code, is_poor, persons, {outcomes} FROM homes
               ) AS judged) AS j
  LEFT JOIN exits_householdreadiness old
    ON old.partition = %(partition)s AND old.village_code = j.village_code
   AND old.standard_id = %(standard)s AND old.household_id = j.household_id
 WHERE old.id IS NULL
    OR (old.standard_version, old.is_poor, old.persons, old.not_met, old.missing)
       IS DISTINCT FROM (%(version)s, j.is_poor, j.persons, j.not_met, j.missing)
    ON CONFLICT (partition, village_code, standard_id, household_id) DO UPDATE
   SET standard_version = excluded.standard_version, is_poor = excluded.is_poor,
       persons = excluded.persons, not_met = excluded.not_met, missing = excluded.missing,
       computed_at = clock_timestamp()
"""

GONE_HOMES = """
DELETE FROM exits_householdreadiness r
 WHERE r.partition = %(partition)s AND {r_scope}
   AND (r.standard_id <> ALL(%(standards)s)
        OR NOT EXISTS (SELECT FROM homes h WHERE h.household_id = r.household_id
                                             AND h.village_code = r.village_code))
"""

MEASURED = """
CREATE TEMP TABLE measured (
    region_code text, level text, measure text, low numeric, high numeric, base bigint,
    -- Of a sample: the standard that its limit passed, and whether it did.
    passed numeric, is_proven boolean, reason text
) ON COMMIT DROP
"""

VILLAGES = """
INSERT INTO measured
WITH places AS (
    SELECT code FROM villages_region
     WHERE level = 'village' AND {code_scope}
       AND (valid_from IS NULL OR valid_from <= %(day)s) AND (valid_to IS NULL OR valid_to > %(day)s)
), figures AS (
    SELECT region_code, max(numerator) FILTER (WHERE metric = 'remaining') AS remaining,
           max(numerator) FILTER (WHERE metric = 'registered') AS registered,
           max(numerator) FILTER (WHERE metric = 'exited') AS exited,
           max(denominator) FILTER (WHERE metric = 'headcount_rate') AS base
      FROM exits_snapshot
     WHERE partition = %(partition)s AND {region_scope} AND category = ''
     GROUP BY region_code
), lacking AS (
    SELECT village_code, count(*) FILTER (WHERE no_power) AS no_power,
           count(*) FILTER (WHERE no_broadcast) AS no_broadcast
      FROM homes GROUP BY village_code
)
SELECT p.code, 'village', m.measure, m.low, m.high, m.base, NULL, true, m.reason
  FROM places p
  LEFT JOIN figures f ON f.region_code = p.code
  LEFT JOIN villages_villageyear v ON v.region_code = p.code AND v.year = %(partition)s
  LEFT JOIN lacking ON lacking.village_code = p.code
 CROSS JOIN LATERAL (VALUES
       ('headcount', CASE WHEN f.base >= f.remaining THEN f.remaining END,
        CASE WHEN f.base >= f.remaining THEN f.remaining END, nullif(f.base, 0),
        CASE WHEN coalesce(f.base, 0) = 0 THEN %(no_base)s
             WHEN f.base < f.remaining THEN %(base_too_small)s ELSE '' END),
       ('exited_share', CASE WHEN f.registered > 0 THEN f.exited END,
        CASE WHEN f.registered > 0 THEN f.exited END, nullif(f.registered, 0),
        CASE WHEN coalesce(f.registered, 0) = 0 THEN %(no_poor)s ELSE '' END),
       ('paved_road', v.paved_to_town::int, v.paved_to_town::int, NULL, ''),
       ('water_households', v.households_unsafe_water, v.households_unsafe_water, NULL, ''),
       ('culture_rooms', v.culture_rooms, v.culture_rooms, NULL, ''),
       ('clinics', v.clinics, v.clinics, NULL, ''),
       -- Of two numbers of which one is unknown the smaller is at most the other.
       ('clinics_doctors', CASE WHEN v.clinics IS NOT NULL AND v.doctors IS NOT NULL
                                THEN least(v.clinics, v.doctors) END,
        least(v.clinics, v.doctors), NULL, ''),
       -- What is lacking in one registered household is lacking; the rest of the village is unknown.
       ('no_power', lacking.no_power, NULL, NULL, ''),
       ('no_broadcast', lacking.no_broadcast, NULL, NULL, ''),
       ('checked', NULL, NULL, NULL, '')) AS m (measure, low, high, base, reason)
"""

COUNTIES = """
INSERT INTO measured
SELECT s.region_code, 'county', CASE s.metric WHEN 'headcount_rate' THEN 'headcount' ELSE s.metric END,
       CASE WHEN s.denominator >= s.numerator THEN s.numerator END,
       CASE WHEN s.denominator >= s.numerator THEN s.numerator END,
       s.denominator, d.threshold, s.metric <> ALL(%(sampled)s) OR s.verdict = 'MET',
       CASE WHEN s.reason <> '' THEN s.reason WHEN s.verdict = 'WEAK_EVIDENCE' THEN %(weak)s
            WHEN s.verdict = 'TO_RECTIFY' THEN %(to_rectify)s ELSE '' END
  FROM exits_snapshot s
  LEFT JOIN villages_countyyear c ON c.region_code = s.region_code AND c.year = s.partition
  LEFT JOIN LATERAL (
       SELECT threshold FROM exits_metricdefinition d
        WHERE d.code = s.metric AND d.version = s.definition_version
          AND (d.area = '' OR d.area = c.area) AND s.region_code LIKE d.region_prefix || '%%'
        ORDER BY length(d.region_prefix) DESC LIMIT 1) AS d ON true
 WHERE s.partition = %(partition)s AND s.region_code = ANY(%(counties)s) AND s.category = ''
   AND s.metric = ANY(%(sampled)s || ARRAY['headcount_rate', 'village_exit_rate'])
UNION ALL
SELECT code, 'county', 'checked', NULL, NULL, NULL, NULL, true, ''
  FROM unnest(%(counties)s::text[]) AS code
"""


def _outcome(low: str, high: str, comparator: str, limit: str, checked: str, proven: str) -> str:
    """SQL for what an item says; the twin of `exits.checks.items.judge`."""
    return f"""
    CASE WHEN {proven} AND CASE {comparator}
              WHEN '<' THEN {high} < {limit} WHEN '<=' THEN {high} <= {limit}
              WHEN '>=' THEN {low} >= {limit} ELSE {low} > {limit} END THEN 'met'
         WHEN CASE {comparator}
              WHEN '<' THEN {low} >= {limit} WHEN '<=' THEN {low} > {limit}
              WHEN '>=' THEN {high} < {limit} ELSE {high} <= {limit} END THEN 'not_met'
         ELSE coalesce({checked}, 'missing') END"""


# A limit that passed one standard says nothing of a stricter one. A check on the spot is no sample.
_PROVEN = """(v.is_proven AND (v.measure <> ALL(%(sampled)s) OR coalesce(
        CASE WHEN i.comparator IN ('<', '<=') THEN i.threshold >= v.passed
             ELSE i.threshold <= v.passed END, false)))"""
_CHECKED = "CASE WHEN v.measure <> ALL(%(sampled)s) THEN a.outcome END"
GATE = _outcome(
    "v.low", "v.high", "i.comparator", "i.threshold * coalesce(v.base, 1)", _CHECKED, _PROVEN
)

STORE_GATES = """
WITH checks AS (
    SELECT DISTINCT ON (region_code, item) region_code, item, outcome
      FROM exits_attestation
     WHERE partition = %(partition)s AND household_id IS NULL
       AND region_code IN (SELECT region_code FROM measured)
     ORDER BY region_code, item, id DESC
), judged AS (
    SELECT v.region_code, s.id AS standard_id, s.version, v.level, i.code AS item, i.is_veto,
           {gate} AS outcome, v.low, v.base, v.reason, i.evidence, v.is_proven
      FROM measured v
      JOIN exits_standard s ON s.id = ANY(%(standards)s)
      JOIN exits_standarditem i
        ON i.standard_id = s.id AND i.level = v.level AND i.measure = v.measure AND i.is_active
      LEFT JOIN checks a ON a.region_code = v.region_code AND a.item = i.code
), stored AS (
    INSERT INTO exits_gateresult AS g
        (region_code, partition, standard_id, standard_version, level, item, is_veto, outcome,
         numerator, denominator, reason, data_version)
    SELECT region_code, %(partition)s, standard_id, version, level, item, is_veto, outcome, low,
           base, CASE WHEN outcome <> 'missing' THEN '' WHEN reason <> '' THEN reason
                      WHEN NOT is_proven THEN %(weak)s
                      WHEN evidence = 'check' THEN %(unchecked)s ELSE %(unstated)s END,
           %(data_version)s
      FROM judged
        ON CONFLICT (partition, region_code, standard_id, item) DO UPDATE
       SET standard_version = excluded.standard_version, level = excluded.level,
           is_veto = excluded.is_veto, outcome = excluded.outcome,
           numerator = excluded.numerator, denominator = excluded.denominator,
           reason = excluded.reason, data_version = excluded.data_version,
           computed_at = clock_timestamp()
     WHERE (g.standard_version, g.is_veto, g.outcome, g.numerator, g.denominator, g.reason)
           IS DISTINCT FROM (excluded.standard_version, excluded.is_veto, excluded.outcome,
                             excluded.numerator, excluded.denominator, excluded.reason)
)
DELETE FROM exits_gateresult g
 WHERE g.partition = %(partition)s
   AND g.region_code IN (SELECT region_code FROM measured)
   AND NOT EXISTS (SELECT FROM judged j WHERE j.region_code = g.region_code
                      AND j.standard_id = g.standard_id AND j.item = g.item)
"""


def store_homes(items: Sequence[StandardItem]) -> tuple[str, dict[str, object]]:
    """The statement that judges every household by one standard, and its values."""
    outcomes, not_met, missing = [], [], []
    values: dict[str, object] = {}
    for at, item in enumerate(items):
        known = item.measure in OF_HOUSEHOLDS
        low = item.measure if known else "NULL::numeric"
        high = f"{low}_high" if item.measure in _COUNTED else low
        code, limit = f"code_{at}", f"limit_{at}"
        values |= {code: item.code, limit: item.threshold, f"by_{at}": item.comparator}
        judged = _outcome(
            low, high, f"%(by_{at})s", f"%({limit})s", f"checks ->> %({code})s", "true"
        )
        outcomes.append(f"{judged} AS o{at}")
        not_met.append(f"CASE WHEN o{at} = 'not_met' THEN %({code})s END")
        missing.append(f"CASE WHEN o{at} = 'missing' THEN %({code})s END")
    statement = STORE_HOMES.format(
        outcomes=", ".join(outcomes), not_met=_listed(not_met), missing=_listed(missing)
    )
    return statement, values


def _listed(parts: Sequence[str]) -> str:
    return f"array_remove(ARRAY[{', '.join(parts)}]::varchar[], NULL)"
