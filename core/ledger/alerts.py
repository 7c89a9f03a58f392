"""Rules on unusual volume, and what they raised.

No norm says how many reveals an hour are too many. The rules below are the product's own choice,
wide enough for a busy office, and settings.LEDGER_ALERTS replaces them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models.functions import Now

from core.acting import acting
from core.ledger.enums import Act, AlertState
from core.ledger.models import Alert
from core.ledger.services import note

# Whoever counts: the user or client, the user name that was tried, the address it came from.
_WHO = {
    "actor": (
        "CASE WHEN actor IS NOT NULL THEN 'user:' || actor"
        " WHEN client IS NOT NULL THEN 'client:' || client END",
        "actor_name",
    ),
    "subject": ("CASE WHEN subject <> '' THEN 'name:' || left(subject, 100) END", "subject"),
    "address": ("'address:' || host(address)", "host(address)"),
}
_LONGEST_MINUTES = 24 * 60
# "aler"
_LOCK = 0x616C6572


@dataclass(frozen=True)
class Rule:
    """`count` acts of one kind within `minutes` by one source raise an alert."""

    name: str
    act: str
    by: str
    count: int
    minutes: int


DEFAULTS: Sequence[Mapping[str, Any]] = (
    {"name": "查看完整号码过多", "act": "REVEAL", "by": "actor", "count": 30, "minutes": 60},
    {"name": "访问被拒过多", "act": "REFUSED", "by": "actor", "count": 20, "minutes": 60},
    {"name": "导出过多", "act": "EXPORT", "by": "actor", "count": 10, "minutes": 60},
    {"name": "同一账号登录失败过多", "act": "SIGN_IN_FAILED", "by": "subject", "count": 10, "minutes": 60},
    {"name": "同一地址登录失败过多", "act": "SIGN_IN_FAILED", "by": "address", "count": 30, "minutes": 60},
)  # fmt: skip


class AlreadySeenError(Exception):
    """Somebody else has acknowledged the alert meanwhile."""


def rules() -> list[Rule]:
    """The rules in force. ImproperlyConfigured says which of the settings' is wrong."""
    chosen = DEFAULTS if settings.LEDGER_ALERTS is None else settings.LEDGER_ALERTS
    return [_rule(number, told) for number, told in enumerate(chosen, 1)]


def _rule(number: int, told: Mapping[str, Any]) -> Rule:
    try:
        rule = Rule(
            str(told.get("name") or Act(told["act"]).label)[:60],
            Act(told["act"]).value,
            told.get("by", "actor"),
            int(told["count"]),
            int(told["minutes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ImproperlyConfigured(f"LEDGER_ALERTS: rule {number} is no rule") from error
    if rule.by not in _WHO or rule.count < 1 or not 1 <= rule.minutes <= _LONGEST_MINUTES:
        raise ImproperlyConfigured(f"LEDGER_ALERTS: rule {number} has a wrong value")
    return rule


def raise_alerts() -> int:
    """Apply every rule to the entries of the last day or so; the number of new alerts.

    Repeating it changes nothing: what lies in the window of an alert cannot raise another, it
    only adds to that alert's count.
    """
    raised = 0
    for rule in rules():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return raised
            found = _apply(cursor, rule)
            for number, region, count in found:
                note(
                    Act.ALERT,
                    subject_kind="alert",
                    subject=str(number),
                    region=region,
                    rows=count,
                    detail={"rule": rule.name, "what": "raised"},
                )
            raised += len(found)
    return raised


def _apply(cursor: Any, rule: Rule) -> list[tuple[int, str, int]]:
    who, who_name = _WHO[rule.by]
    values = {
        "rule": rule.name,
        "act": rule.act,
        "most": rule.count,
        "minutes": rule.minutes,
        "lookback": rule.minutes + _LONGEST_MINUTES,
    }
    cursor.execute(
        f"""
        WITH recent AS (
            SELECT {who} AS who, at FROM core_accessentry
             WHERE act = %(act)s AND at > clock_timestamp() - make_interval(mins => %(lookback)s)
        ), grown AS (
            SELECT core_alert.id, count(*) AS acts FROM core_alert
              JOIN recent ON recent.who = core_alert.who AND at BETWEEN window_start AND window_end
             WHERE rule = %(rule)s
               AND window_end > clock_timestamp() - make_interval(mins => %(minutes)s)
             GROUP BY core_alert.id
        )
        UPDATE core_alert SET count = acts FROM grown
         WHERE core_alert.id = grown.id AND count < acts
        """,
        values,
    )
    cursor.execute(
        f"""
        WITH recent AS (
            SELECT {who} AS who, left({who_name}, 120) AS who_name, at, region
              FROM core_accessentry
             WHERE act = %(act)s AND at > clock_timestamp() - make_interval(mins => %(lookback)s)
        ), counted AS (
            SELECT who, at, count(*) OVER before AS acts, first_value(at) OVER before AS since
              FROM recent
             WHERE who IS NOT NULL AND NOT EXISTS (
                       SELECT FROM core_alert
                        WHERE rule = %(rule)s AND core_alert.who = recent.who
                          AND recent.at BETWEEN window_start AND window_end)
            WINDOW before AS (PARTITION BY who ORDER BY at RANGE BETWEEN
                              make_interval(mins => %(minutes)s) PRECEDING AND CURRENT ROW)
        ), struck AS (
            SELECT DISTINCT ON (who) who, since,
                   since + make_interval(mins => %(minutes)s) AS until
              FROM counted WHERE acts >= %(most)s ORDER BY who, at
        ), told AS (
            SELECT who, since, until, max(who_name) AS who_name, count(*) AS acts,
                   min(region) AS low, max(region) AS high
              FROM struck JOIN recent USING (who) WHERE at BETWEEN since AND until
             GROUP BY who, since, until
        )
        INSERT INTO core_alert (rule, act, who, who_name, region, count, threshold,
                                window_start, window_end, state)
        SELECT %(rule)s, %(act)s, who, who_name,
               (SELECT max(left(low, cut)) FROM generate_series(0, length(low)) AS cut
                 WHERE left(low, cut) = left(high, cut)),
               acts, %(most)s, since, until, 'OPEN'
          FROM told
        ON CONFLICT DO NOTHING
        RETURNING id, region, count
        """,
        values,
    )
    return list(cursor.fetchall())


def acknowledge(*, alert: Alert, by: Any) -> None:
    """Somebody with the right has looked at it. AlreadySeenError when another was first."""
    with acting(by=by, reason="查看访问告警"):
        changed = Alert.objects.filter(pk=alert.pk, state=AlertState.OPEN).update(
            state=AlertState.SEEN, seen_by=by, seen_at=Now()
        )
        if changed != 1:
            raise AlreadySeenError
