"""The second wall: what a transaction may touch is decided by PostgreSQL as well.

`visible_to` is the first wall, in every query; this one stands below it and does not depend on
anybody remembering. The web and worker processes sign in as roles that own nothing. A transaction
begins without a scope, and without a scope no row of a walled table exists. `assume` gives the
transaction the scope of whoever acts, by settings that end with it, so that a pooled connection
cannot carry a scope over.

The scope has one of three shapes, each a database role with policies of its own, because one policy
for all would cost a city-wide count several times its price (docs/decisions/0007-two-walls.md):
a single prefix (an index range), the whole city (a range the planner knows), and anything else
(several prefixes, or households assigned to a person). `povertyops.walls` lists the tables.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core.acting import identity
from core.scope import Actor, Maintenance, after

RIGHTS, REGION, CITY, MIXED = (
    f"povertyops_{name}" for name in ("rights", "region", "city", "mixed")
)
SCOPES = (REGION, CITY, MIXED)
WEB, WORKER = "povertyops_web", "povertyops_worker"
MANAGE_JOBS = "core.manage_jobs"
PETITION = "inspections.petition"


class WallsMissingError(Exception):
    """The cluster lacks the roles; a superuser must run deploy/roles.sql first."""


@dataclass(frozen=True)
class Table:
    """What the web and worker processes may do to a table, and which of its rows they meet.

    `may` are letters: r(ead), a(dd), c(hange), d(elete). `code` is the division-code column that
    scope is checked on; `entrusted` is SQL that lets a person's own rows through as well,
    `besides` SQL that lets a row be read in every shape. `rule` replaces all of them by SQL that
    must hold for a row, whatever the shape. A table with neither `code`
    nor `rule` is not walled.
    """

    may: str
    code: str = ""
    entrusted: str = ""
    besides: str = ""
    rule: str = ""
    # Rows that a process may always meet outside a scope: SQL by sign-in role.
    always: Mapping[str, str] | None = None


_PRIVILEGES = {"r": "SELECT", "a": "INSERT", "c": "UPDATE", "d": "DELETE"}


# --- the scope of a transaction ----------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """The database role and the settings that stand for what an actor may touch."""

    role: str
    prefixes: tuple[str, ...] = ()
    assigned: int | None = None
    entrusted: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    # Where the person may learn who complained; background work never may.
    petition: tuple[str, ...] = ()
    # The number of the signed-in user, "maintenance" for background work: for rows of one's own.
    user: str = ""


def scope_of(actor: Actor | None) -> Scope:
    """Nobody, and somebody without a region, get the process's own role: no policy, no rows."""
    own = WORKER if isinstance(actor, Maintenance) else WEB
    if actor is None:
        return Scope(own)
    prefixes = shortest(actor.region_prefixes)
    jobs = shortest((*prefixes, *actor.prefixes_for(MANAGE_JOBS)))
    assigned = actor.assigned_to
    if assigned is not None or len(prefixes) > 1:
        role = MIXED
    elif not prefixes:
        role = own
    else:
        role = CITY if prefixes == (settings.SITE_CITY_CODE,) else REGION
    entrusted = shortest(actor.entrusted_prefixes) if assigned is not None else ()
    is_work = isinstance(actor, Maintenance)
    petition = () if is_work else shortest(actor.prefixes_for(PETITION))
    user = "maintenance" if is_work else str(identity(actor)[0] or "")
    return Scope(role, prefixes, assigned, entrusted, jobs, petition, user)


def shortest(prefixes: Iterable[str]) -> tuple[str, ...]:
    """The prefixes without those that lie inside another.

    >>> shortest(["410324", "4103", "410401"])
    ('4103', '410401')
    """
    kept: list[str] = []
    for prefix in sorted(set(prefixes)):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return tuple(kept)


def assume(actor: Actor | None) -> None:
    """Give the current transaction the scope of this actor, in place of any before.

    Raises TransactionManagementError outside a transaction: the scope would be gone at once.
    """
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a scope needs a transaction")
    scope = scope_of(actor)
    single = scope.prefixes[0] if scope.role in (REGION, CITY) else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('povertyops.low', %s, true),"
            " set_config('povertyops.high', %s, true),"
            " set_config('povertyops.prefixes', %s, true),"
            " set_config('povertyops.assigned', %s, true),"
            " set_config('povertyops.entrusted', %s, true),"
            " set_config('povertyops.jobs', %s, true),"
            " set_config('povertyops.petition', %s, true),"
            " set_config('povertyops.user', %s, true),"
            " set_config('role', %s, true)",
            [
                single,
                after(single) if single else "",
                ",".join(scope.prefixes),
                str(scope.assigned or ""),
                ",".join(scope.entrusted),
                ",".join(scope.jobs),
                ",".join(scope.petition),
                scope.user,
                scope.role,
            ],
        )


@contextmanager
def scoped(actor: Actor | None) -> Iterator[None]:
    """A transaction of its own with the actor's scope; inside another the outer scope returns."""
    before = _current() if connection.in_atomic_block else None
    with transaction.atomic():
        assume(actor)
        yield
        if before is not None:
            _restore(before)


def is_partial() -> bool:
    """Whether the transaction sees only a part of the city: some rows exist without showing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role') = ANY(%s)", [[REGION, MIXED]])
        return bool(cursor.fetchone()[0])


_SETTINGS = tuple(
    f"povertyops.{name}"
    for name in ("low", "high", "prefixes", "assigned", "entrusted", "jobs", "petition", "user")
)


def _current() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT "
            + ", ".join(["coalesce(current_setting(%s, true), '')"] * (len(_SETTINGS) + 1)),
            [*_SETTINGS, "role"],
        )
        return list(cursor.fetchone())


def _restore(values: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT " + ", ".join(["set_config(%s, %s, true)"] * (len(_SETTINGS) + 1)),
            [text for pair in zip((*_SETTINGS, "role"), values, strict=True) for text in pair],
        )


# --- building the wall -------------------------------------------------------------------------


def tables() -> dict[str, Table]:
    """Every table and what the processes may do to it, as the product lists them."""
    found: dict[str, Table] = import_module(settings.DATABASE_WALLS).TABLES
    return found


def functions() -> dict[str, str]:
    """The owner's functions, with their argument types → the role that may call them."""
    found: dict[str, str] = import_module(settings.DATABASE_WALLS).FUNCTIONS
    return found


def sync() -> None:
    """Bring grants and policies in line with the list; run after every migration.

    Does nothing, and locks nothing, when list and tables are those of the last time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        _require_roles(cursor)
        print_ = _fingerprint(cursor)
        if _is_up_to_date(cursor, print_):
            return
        cursor.execute(_FUNCTIONS)
        cursor.execute(
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {RIGHTS};"
            f"REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
            f"GRANT USAGE ON SCHEMA public TO {RIGHTS};"
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {RIGHTS};"
            f"CREATE SCHEMA IF NOT EXISTS staging;"
            f"GRANT USAGE, CREATE ON SCHEMA staging TO {RIGHTS}"
        )
        for name, table in tables().items():
            if _exists(cursor, name):
                _grant(cursor, name, table)
                _enclose(cursor, name, table)
            if _exists(cursor, f"{name}_history"):
                past = Table("r", table.code, table.entrusted, rule=table.rule)
                _grant(cursor, f"{name}_history", past)
                _enclose(cursor, f"{name}_history", past)
        for name, role in functions().items():
            cursor.execute("SELECT to_regprocedure(%s) IS NOT NULL", [name])
            if cursor.fetchone()[0]:
                cursor.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {role}")
        cursor.execute(f"COMMENT ON FUNCTION scope_prefixes() IS '{print_}'")


def _fingerprint(cursor: Any) -> str:
    """Changes whenever the walls have to be built anew."""
    cursor.execute(
        "SELECT coalesce(string_agg(oid::text, ',' ORDER BY oid), '') FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition"
    )
    words = (
        f"{cursor.fetchone()[0]} {tables()} {functions()} {settings.SITE_CITY_CODE} {_FUNCTIONS}"
    )
    return hashlib.sha256(words.encode()).hexdigest()


def _is_up_to_date(cursor: Any, print_: str) -> bool:
    cursor.execute("SELECT obj_description(to_regprocedure('scope_prefixes()'))")
    return bool(cursor.fetchone()[0] == print_)


def _require_roles(cursor: Any) -> None:
    wanted = {RIGHTS, *SCOPES, WEB, WORKER}
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(wanted)])
    missing = wanted - {name for (name,) in cursor.fetchall()}
    if missing:
        raise WallsMissingError(
            f"数据库缺少角色 {'、'.join(sorted(missing))}。"
            "请由数据库超级用户执行一次 deploy/roles.sql，再重新迁移。"
        )


def _exists(cursor: Any, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{table}"])
    return bool(cursor.fetchone()[0])


def _grant(cursor: Any, name: str, table: Table) -> None:
    privileges = ", ".join(_PRIVILEGES[letter] for letter in table.may)
    if privileges:
        cursor.execute(f"GRANT {privileges} ON {name} TO {RIGHTS}")


def _enclose(cursor: Any, name: str, table: Table) -> None:
    """Row security as the list wants it; the owner, who maintains, is not subject to it."""
    cursor.execute(
        "SELECT polname FROM pg_policy WHERE polrelid = to_regclass(%s)", [f"public.{name}"]
    )
    for (policy,) in cursor.fetchall():
        cursor.execute(f'DROP POLICY "{policy}" ON {name}')
    if not (table.code or table.rule):
        cursor.execute(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")
        return
    cursor.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    for policy, roles, condition in _policies(table):
        command = "SELECT" if policy == "besides" else "ALL"
        cursor.execute(
            f"CREATE POLICY {policy} ON {name} FOR {command} TO {roles} USING ({condition})"
        )


def _policies(table: Table) -> Iterator[tuple[str, str, str]]:
    for role, condition in (table.always or {}).items():
        yield f"always_{role}", role, condition
    if table.rule:
        yield "scope", ", ".join((*SCOPES, WEB)), table.rule
        return
    code, city = table.code, settings.SITE_CITY_CODE
    if table.besides:
        # Seen, not written: whoever declared a row's past has no say in its present.
        yield "besides", ", ".join(SCOPES), table.besides
    # Stable functions, so that the planner estimates the range as if it were written out, and an
    # index scan evaluates them once.
    yield (
        "scope_region",
        REGION,
        f"{code} >= current_setting('povertyops.low', true)"
        f" AND {code} < current_setting('povertyops.high', true)",
    )
    yield "scope_city", CITY, f"{code} >= '{city}' AND {code} < '{after(city)}'"
    inside = f"{code} ^@ ANY ((SELECT scope_prefixes())::text[])"
    if table.entrusted:
        inside += f" OR {table.entrusted}"
    yield "scope_mixed", MIXED, inside


_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION scope_prefixes() RETURNS text[] LANGUAGE sql STABLE AS $body$
    SELECT string_to_array(current_setting('povertyops.prefixes', true), ',')
$body$;

-- A prefix is covered when it lies inside one of the transaction's own.
CREATE OR REPLACE FUNCTION scope_covers(prefix text, setting text DEFAULT 'povertyops.prefixes')
RETURNS boolean LANGUAGE sql STABLE AS $body$
    SELECT EXISTS (
        SELECT FROM unnest(string_to_array(current_setting(setting, true), ',')) AS own
         WHERE prefix ^@ own)
$body$;

-- Scratch tables belong to the role that made them; a batch is given up by whoever may see it.
-- `named` is one table, or the stem that all tables of a batch begin with.
CREATE OR REPLACE FUNCTION drop_scratch(named text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    scratch text;
BEGIN
    IF named !~ '^b[0-9]+_' THEN
        RAISE EXCEPTION 'not of a batch: %', named;
    END IF;
    FOR scratch IN SELECT tablename FROM pg_tables WHERE schemaname = 'staging'
                      AND (tablename = named
                           OR named ~ '^b[0-9]+_$' AND starts_with(tablename, named)) LOOP
        -- Without a policy it was made in this very transaction.
        IF current_setting('role') IN ('{REGION}', '{CITY}', '{MIXED}') AND EXISTS (
               SELECT FROM pg_policy
                WHERE polrelid = format('staging.%I', scratch)::regclass
                  AND NOT public.scope_covers(substr(polname, 7))) THEN
            RAISE EXCEPTION 'outside the scope: %', scratch;
        END IF;
        EXECUTE format('DROP TABLE staging.%I', scratch);
    END LOOP;
END $body$;
REVOKE ALL ON FUNCTION drop_scratch(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_scratch(text) TO {RIGHTS};
"""


def drop_scratch(named: str) -> None:
    """Drop one scratch table (`staging.` may stand before its name), or all of `b<batch>_`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.drop_scratch(%s)", [named.removeprefix("staging.")])


def enclose_scratch(names: Iterable[str], prefix: str) -> None:
    """Let other processes read these scratch tables of one region, and nobody beyond it.

    Called when they are filled, once each: COPY refuses tables under row security. Whoever made them is not
    exempt, because the scope roles are shared by every region.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user = ANY(%s)", [list(SCOPES)])
        forced = bool(cursor.fetchone()[0])
        for name in names:
            cursor.execute(
                "SELECT NOT relrowsecurity FROM pg_class WHERE oid = to_regclass(%s)", [name]
            )
            if not (cursor.fetchone() or (False,))[0]:
                continue
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {RIGHTS}")
            cursor.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
            if forced:
                cursor.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
            cursor.execute(
                # `drop_scratch` reads the region in the policy's name.
                f"CREATE POLICY scope_{int(prefix):d} ON {name} TO {', '.join(SCOPES)}"
                f" USING ((SELECT public.scope_covers(%s)))",
                [prefix],
            )
