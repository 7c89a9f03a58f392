"""The ledger's tables and functions as PostgreSQL sees them.

The functions belong to the owner and run with its rights (SECURITY DEFINER): the roles of the
product may call them, and hold no right to write the tables themselves. `verify_history` compares
the functions in the database with these texts.
"""

# Rows as text must read alike in every session, or no seal would hold.
READS_ALIKE = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
SAME_TEXT = "\n".join(f"    SET {name} = '{value}'" for name, value in READS_ALIKE.items())

ENTRIES = """
CREATE TABLE core_accessentry (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor bigint,
    client bigint,
    actor_name text NOT NULL,
    act text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
    route text NOT NULL,
    method text NOT NULL,
    subject_kind text NOT NULL,
    subject text NOT NULL,
    region text NOT NULL CHECK (region ~ '^[0-9]{0,12}$'),
    rows bigint CHECK (rows >= 0),
    purpose text NOT NULL,
    detail jsonb NOT NULL,
    address inet,
    agent text NOT NULL,
    request text NOT NULL,
    session text NOT NULL,
    -- A column of its own: the planner has statistics of columns, not of what lies inside jsonb.
    person_no text NOT NULL GENERATED ALWAYS AS (coalesce(detail->>'person_no', '')) STORED,
    CHECK (actor IS NULL OR client IS NULL)
) PARTITION BY RANGE (at);
CREATE TABLE core_accessentry_rest PARTITION OF core_accessentry DEFAULT;
CREATE INDEX ON core_accessentry (id);
CREATE INDEX ON core_accessentry (at);
CREATE INDEX ON core_accessentry (actor, at);
CREATE INDEX ON core_accessentry (subject, at);
CREATE INDEX ON core_accessentry (act, at);
CREATE INDEX ON core_accessentry (person_no, at);
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON core_accessentry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON core_accessentry_rest
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT keep_months('core_accessentry');
"""

NOTE_ACCESS_BODY = """
    INSERT INTO core_accessentry (at, actor, client, actor_name, act, outcome, route, method,
        subject_kind, subject, region, rows, purpose, detail, address, agent, request, session)
    SELECT clock_timestamp(), (entry->>'actor')::bigint, (entry->>'client')::bigint,
        left(coalesce(entry->>'actor_name', ''), 100), entry->>'act', entry->>'outcome',
        left(coalesce(entry->>'route', ''), 100), left(coalesce(entry->>'method', ''), 10),
        left(coalesce(entry->>'subject_kind', ''), 40), left(coalesce(entry->>'subject', ''), 200),
        coalesce(entry->>'region', ''), (entry->>'rows')::bigint,
        left(coalesce(entry->>'purpose', ''), 500), coalesce(entry->'detail', '{}'),
        (entry->>'address')::inet, left(coalesce(entry->>'agent', ''), 120),
        left(coalesce(entry->>'request', ''), 64), left(coalesce(entry->>'session', ''), 32)
    RETURNING id
"""

NOTE_ACCESS = f"""
CREATE OR REPLACE FUNCTION note_access(entry jsonb) RETURNS bigint LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp AS
$body${NOTE_ACCESS_BODY}$body$;
REVOKE ALL ON FUNCTION note_access(jsonb) FROM PUBLIC;
"""

SEALS = """
CREATE TABLE core_seal (
    no bigint PRIMARY KEY CHECK (no > 0),
    day date NOT NULL,
    table_name text NOT NULL,
    columns jsonb NOT NULL,
    after_id bigint,
    last_id bigint,
    rows bigint NOT NULL CHECK (rows >= 0),
    digest bytea NOT NULL,
    ids bytea,
    marks bytea,
    former bytea NOT NULL,
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    mac bytea NOT NULL CHECK (octet_length(mac) = 32),
    key_mark text NOT NULL,
    sealed_at timestamptz NOT NULL,
    CHECK ((table_name = '') = (last_id IS NULL))
);
CREATE INDEX ON core_seal (table_name, no);
CREATE INDEX ON core_seal (day, no) WHERE table_name = '';
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON core_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


# One batch of rows in a few values: %1$s the columns, %2$I the key, %3$I the table; $1 the id before
# the batch, $2 the last id, $3 the most rows. Ids and eight bytes of each row's digest tell later
# which row it is that no longer fits. The order of ids is the order of rows.
DIGEST = """
SELECT count(*), max(id),
       sha256(coalesce(string_agg(digest, ''::bytea ORDER BY id, digest), '')),
       coalesce(string_agg(int8send(id), ''::bytea ORDER BY id, digest), ''),
       coalesce(string_agg(substr(digest, 1, 8), ''::bytea ORDER BY id, digest), '')
  FROM (SELECT %2$I AS id, sha256(convert_to(ROW(%1$s)::text, 'UTF8')) AS digest
          FROM %3$I
         WHERE %2$I > coalesce($1, -9223372036854775807) AND %2$I <= $2
         ORDER BY %2$I LIMIT $3) AS batch
"""

_MAY_BE_SEALED = """
    IF NOT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = source::regclass AND tgname = 'append_only') THEN
        RAISE EXCEPTION '% is no ledger', source;
    END IF;"""

SEAL_HEAD_BODY = f"""
DECLARE
    found bigint;
BEGIN{_MAY_BE_SEALED}
    EXECUTE format('SELECT max(%I) FROM %I', key, source) INTO found;
    RETURN found;
END """

SEAL_DIGEST_BODY = f"""
BEGIN{_MAY_BE_SEALED}
    RETURN QUERY EXECUTE format($sql${DIGEST}$sql$,
        (SELECT string_agg(quote_ident(name), ', ' ORDER BY place)
           FROM unnest(columns) WITH ORDINALITY AS listed(name, place)),
        key, source) USING after, upto, size;
END """

SEAL_STORE_BODY = """
DECLARE
    last core_seal;
BEGIN
    SELECT * INTO last FROM core_seal ORDER BY core_seal.no DESC LIMIT 1;
    IF (seal->>'no')::bigint <> coalesce(last.no, 0) + 1
       OR decode(seal->>'former', 'hex') <> coalesce(last.root, '') THEN
        RAISE EXCEPTION 'the seal does not continue the chain';
    END IF;
    INSERT INTO core_seal (no, day, table_name, columns, after_id, last_id, rows, digest, ids, marks,
                           former, root, mac, key_mark, sealed_at)
    VALUES ((seal->>'no')::bigint, (seal->>'day')::date, seal->>'table', seal->'columns',
            (seal->>'after_id')::bigint, (seal->>'last_id')::bigint, (seal->>'rows')::bigint,
            decode(seal->>'digest', 'hex'), decode(seal->>'ids', 'hex'),
            decode(seal->>'marks', 'hex'), decode(seal->>'former', 'hex'),
            decode(seal->>'root', 'hex'), decode(seal->>'mac', 'hex'), seal->>'key_mark',
            (seal->>'sealed_at')::timestamptz);
END """

KEEP_ALL_MONTHS_BODY = """
    SELECT keep_months(relid::regclass::text)
      FROM (SELECT partrelid AS relid FROM pg_partitioned_table) AS parents
      JOIN pg_class ON pg_class.oid = relid
     WHERE relnamespace = 'public'::regnamespace
       AND (relname ~ '_history$' OR relname = 'core_accessentry')
"""

SEALING = f"""
CREATE OR REPLACE FUNCTION seal_head(source text, key text) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS
$body${SEAL_HEAD_BODY}$body$;

CREATE OR REPLACE FUNCTION seal_digest(
    source text, key text, columns text[], after bigint, upto bigint, size integer
) RETURNS TABLE (rows bigint, last_id bigint, digest bytea, ids bytea, marks bytea) LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp
{SAME_TEXT} AS
$body${SEAL_DIGEST_BODY}$body$;

CREATE OR REPLACE FUNCTION seal_store(seal jsonb) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS
$body${SEAL_STORE_BODY}$body$;

CREATE OR REPLACE FUNCTION keep_all_months() RETURNS SETOF void LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp AS
$body${KEEP_ALL_MONTHS_BODY}$body$;

REVOKE ALL ON FUNCTION seal_head(text, text), seal_store(jsonb), keep_all_months(),
    seal_digest(text, text, text[], bigint, bigint, integer) FROM PUBLIC;
"""

# What must be in the database word for word, and run with the owner's rights.
FUNCTIONS = {
    "note_access": NOTE_ACCESS_BODY,
    "seal_head": SEAL_HEAD_BODY,
    "seal_digest": SEAL_DIGEST_BODY,
    "seal_store": SEAL_STORE_BODY,
    "keep_all_months": KEEP_ALL_MONTHS_BODY,
}

UNDO = """
DROP FUNCTION keep_all_months();
DROP FUNCTION seal_store(jsonb);
DROP FUNCTION seal_digest(text, text, text[], bigint, bigint, integer);
DROP FUNCTION seal_head(text, text);
DROP FUNCTION note_access(jsonb);
DROP TABLE core_seal;
DROP TABLE core_accessentry;
"""
