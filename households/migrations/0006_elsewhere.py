"""Whether numbers are taken outside the transaction's scope: a yes, and nothing else of the row."""

from django.db import migrations

# scope_covers() is made after the migrations.
FUNCTIONS = """
SET LOCAL check_function_bodies = off;
CREATE FUNCTION households_elsewhere(numbers text[], of_year int) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT h.household_no FROM households_household h
     WHERE h.household_no = ANY(numbers) AND NOT scope_covers(h.village_code)
    UNION
    SELECT h.household_no FROM households_household h
      JOIN households_householdyear y ON y.household_id = h.id AND y.partition_id = of_year
     WHERE h.household_no = ANY(numbers) AND NOT scope_covers(y.village_code)
$body$;
CREATE FUNCTION persons_elsewhere(numbers text[], of_year int) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT p.person_no FROM households_person p
     WHERE p.person_no = ANY(numbers) AND NOT scope_covers(p.village_code)
    UNION
    SELECT p.person_no FROM households_person p
      JOIN households_personyear y ON y.person_id = p.id AND y.partition_id = of_year
     WHERE p.person_no = ANY(numbers) AND NOT scope_covers(y.village_code)
$body$;
CREATE FUNCTION documents_elsewhere(indexes bytea[]) RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT p.id_index FROM households_person p
     WHERE p.id_index = ANY(indexes) AND NOT scope_covers(p.village_code)
$body$;
REVOKE ALL ON FUNCTION households_elsewhere(text[], int), persons_elsewhere(text[], int),
    documents_elsewhere(bytea[]) FROM PUBLIC;
"""
UNDO = """
DROP FUNCTION households_elsewhere(text[], int);
DROP FUNCTION persons_elsewhere(text[], int);
DROP FUNCTION documents_elsewhere(bytea[]);
"""


class Migration(migrations.Migration):
    dependencies = [("households", "0005_sealed")]

    operations = [migrations.RunSQL(FUNCTIONS, UNDO)]
