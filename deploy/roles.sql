-- The database roles besides the owner `povertyops`, made by a superuser once per cluster; repeating
-- it is harmless. The owner migrates and maintains. The web and worker processes sign in as
-- povertyops_web and povertyops_worker, which own nothing; inside a transaction they become one of
-- the three scope roles, and row security lets through what the scope of that transaction covers.
DO $body$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['povertyops_rights', 'povertyops_region', 'povertyops_city',
                                'povertyops_mixed'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
    FOREACH name IN ARRAY ARRAY['povertyops_web', 'povertyops_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
END $body$;

-- What may be done to which table is granted to povertyops_rights by the migrations.
GRANT povertyops_rights TO povertyops_region, povertyops_city, povertyops_mixed, povertyops_web,
    povertyops_worker;
-- Becoming a scope role is an act: nothing of it is inherited.
GRANT povertyops_region, povertyops_city, povertyops_mixed TO povertyops_web, povertyops_worker
    WITH INHERIT FALSE, SET TRUE;
-- The owner must be able to drop scratch tables that a worker made.
GRANT povertyops_region, povertyops_city, povertyops_mixed, povertyops_web, povertyops_worker
    TO povertyops WITH INHERIT TRUE, SET TRUE;
