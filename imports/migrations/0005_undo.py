"""What an undo goes by, and the one way in which rows of the register are ever deleted."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# The processes have no right to delete register rows. This removes those that one batch created,
# while it is being undone, and nothing else; its foreign keys refuse rows that others refer to.
# A created household or person stands for its row of the batch's year as well. Batch and touches
# are rows that the processes write: who signed in, the year and the rows' own times are not.
FUNCTION = """
SET LOCAL check_function_bodies = off;
CREATE FUNCTION imports_remove_created(of_batch bigint, of_target text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- Whole batches at a time, whatever the planner knows yet of rows that were just written; and the
-- foreign keys look each row up by index.
SET enable_nestloop = off SET enable_seqscan = off SET work_mem = '256MB' AS $body$
DECLARE
    batch record;
    is_owner boolean;
    listed text;
    place text;
    stranger text;
    older bigint;
    removed bigint;
BEGIN
    -- Undoing is background work: a web process never calls this, whatever it was talked into.
    IF session_user <> 'povertyops_worker' AND NOT pg_has_role(
        session_user, (SELECT relowner FROM pg_class WHERE oid = 'imports_touch'::regclass), 'USAGE')
    THEN
        RAISE EXCEPTION 'only background work undoes'
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT region_prefix, partition, applied_from, applied_at INTO batch FROM imports_batch
     WHERE id = of_batch AND state = 'UNDOING'
           AND applied_from IS NOT NULL AND applied_at >= applied_from;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % is not being undone', of_batch
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- A year that is being closed waits for the end of this transaction.
    PERFORM FROM households_partition WHERE year = batch.partition AND closed_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'year % is closed', batch.partition
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Maintenance signs in as the owner and has no scope; everybody else is kept to theirs.
    is_owner := current_setting('role') = 'none' AND pg_has_role(
        session_user, (SELECT relowner FROM pg_class WHERE oid = 'imports_touch'::regclass), 'USAGE');
    IF NOT is_owner AND NOT scope_covers(batch.region_prefix) THEN
        RAISE EXCEPTION 'outside the scope: batch %', of_batch
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    listed := CASE of_target
        WHEN 'H' THEN 'households_household' WHEN 'HY' THEN 'households_householdyear'
        WHEN 'P' THEN 'households_person' WHEN 'PY' THEN 'households_personyear'
        WHEN 'WS' THEN 'households_workspell' WHEN 'VY' THEN 'villages_villageyear'
        WHEN 'FP' THEN 'households_formerplace' END;
    IF listed IS NULL THEN
        RAISE EXCEPTION 'no target: %', of_target USING ERRCODE = 'invalid_parameter_value';
    END IF;
    CREATE TEMP TABLE removing (id bigint PRIMARY KEY) ON COMMIT DROP;
    INSERT INTO removing SELECT DISTINCT row_id FROM imports_touch
     WHERE batch_id = of_batch AND target = of_target AND verdict = 'C';
    IF of_target = 'HY' THEN
        INSERT INTO removing SELECT y.id FROM imports_touch t
          JOIN households_householdyear y ON y.household_id = t.row_id
               AND y.partition_id = batch.partition
         WHERE t.batch_id = of_batch AND t.target = 'H' AND t.verdict = 'C' ON CONFLICT DO NOTHING;
    ELSIF of_target = 'PY' THEN
        INSERT INTO removing SELECT y.id FROM imports_touch t
          JOIN households_personyear y ON y.person_id = t.row_id
               AND y.partition_id = batch.partition
         WHERE t.batch_id = of_batch AND t.target = 'P' AND t.verdict = 'C' ON CONFLICT DO NOTHING;
    END IF;
    ANALYZE removing;
    FOR place IN EXECUTE format(
        'SELECT DISTINCT %I FROM %I JOIN pg_temp.removing USING (id)',
        CASE of_target WHEN 'VY' THEN 'region_code' ELSE 'village_code' END, listed) LOOP
        IF NOT is_owner AND NOT scope_covers(place) THEN
            stranger := place;
        END IF;
    END LOOP;
    IF stranger IS NOT NULL THEN
        RAISE EXCEPTION 'outside the scope: %', stranger USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- What the batch created was not there before it: the row says so itself, or its first image.
    older := 0;
    IF of_target IN ('H', 'P') THEN
        EXECUTE format('SELECT count(*) FROM %I JOIN pg_temp.removing USING (id)'
                       ' WHERE created_at NOT BETWEEN $1 AND $2', listed)
           INTO older USING batch.applied_from, batch.applied_at;
    ELSIF of_target IN ('HY', 'PY', 'WS') THEN
        EXECUTE format('SELECT (SELECT count(*) FROM %1$I JOIN pg_temp.removing USING (id)'
                       '         WHERE changed_at < $1)'
                       ' + (SELECT count(*) FROM %2$I JOIN pg_temp.removing USING (id)'
                       '     WHERE history_at >= $1 AND changed_at < $1)',
                       listed, listed || '_history')
           INTO older USING batch.applied_from;
    ELSIF of_target = 'VY' THEN
        EXECUTE format('SELECT count(*) FROM %I JOIN pg_temp.removing USING (id)'
                       ' WHERE history_at <= $1', listed || '_history')
           INTO older USING batch.applied_at;
    END IF;
    IF older > 0 THEN
        RAISE EXCEPTION '% rows of % were not created by batch %', older, listed, of_batch
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DELETE FROM %I WHERE id IN (SELECT id FROM pg_temp.removing)', listed);
    GET DIAGNOSTICS removed = ROW_COUNT;
    DROP TABLE pg_temp.removing;
    RETURN removed;
END $body$;
REVOKE ALL ON FUNCTION imports_remove_created(bigint, text) FROM PUBLIC;
-- Sealed bytes do not become smaller.
ALTER TABLE imports_rawblock ALTER COLUMN sealed SET STORAGE EXTERNAL;
"""
UNDO = """
DROP FUNCTION imports_remove_created(bigint, text);
ALTER TABLE imports_rawblock ALTER COLUMN sealed SET STORAGE EXTENDED;
"""
VERDICTS = {
    "households_unchanged": "不变户的行",
    "households_rejected": "退回户的行",
    "rows_unchanged": "不变的行",
    "rows_rejected": "退回的行",
}


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_exports"),
        ("imports", "0003_hardened"),
        ("households", "0008_bookings_outlive_rows"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="applied_from",
            field=models.DateTimeField(null=True, verbose_name="写入开始时间"),
        ),
        migrations.AddField(
            model_name="batch",
            name="applied_job",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.job", verbose_name="写入任务"),
        ),
        migrations.AlterField(
            model_name="touch",
            name="batch",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="touches", to="imports.batch", verbose_name="批次"),
        ),
        migrations.AlterField(
            model_name="touch",
            name="target",
            field=models.CharField(choices=[("H", "贫困户"), ("HY", "贫困户年度信息"), ("P", "人员"), ("PY", "人员年度信息"), ("WS", "务工记录"), ("VY", "村年度信息"), ("FP", "原所在村")], max_length=2, verbose_name="表"),
        ),
        *(
            migrations.AddField(
                model_name="rawblock",
                name=name,
                field=django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, size=None, verbose_name=label),
            )
            for name, label in VERDICTS.items()
        ),
        migrations.RunSQL(FUNCTION, UNDO),
    ]
