"""What is no longer needed goes: drafts, uploaded files, exports, sessions.

Each app says here what it keeps for how long (`keep`); one job a day, or `manage.py
apply_retention`, removes what is due, a bounded number per rule, so that a late run is a longer
series of short ones. Removing twice is removing once, and two runs at once do not meet: each rule
is worked under a lock of its own. The row history and the ledgers have no rule: they stay for ever.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connection
from django.utils import timezone

from core import ledger
from core.ledger import Act

logger = logging.getLogger(__name__)

# Things per rule and run.
AT_ONCE = 2_000
# 网络安全法 21(3): logs are kept for at least six months.
LOG_DAYS_AT_LEAST = 183
_LOCK = 7_265_001


@dataclass(frozen=True)
class Rule:
    """What goes and when. `setting` names the days in the settings; none: things end by themselves.

    `due` lists at most so many things that ended before a moment, in words or keys for `remove`,
    which makes sure once more, removes them and says how many it removed.
    """

    name: str
    label: str
    due: Callable[[datetime, int], Sequence[Any]]
    remove: Callable[[Sequence[Any]], int]
    setting: str = ""

    @property
    def before(self) -> datetime:
        """What is older than this goes."""
        days = getattr(settings, self.setting) if self.setting else 0
        return timezone.now() - timedelta(days=days)


@dataclass(frozen=True)
class Result:
    """How one rule went: how much was due, how much is gone, None when another run has it."""

    rule: Rule
    due: int
    removed: int | None


_rules: dict[str, Rule] = {}


def keep(rule: Rule) -> None:
    """Register a rule; the same name again replaces it."""
    _rules[rule.name] = rule


def rules() -> list[Rule]:
    return list(_rules.values())


def apply(rule: Rule, *, dry_run: bool = False, limit: int = AT_ONCE) -> Result:
    """Remove what is due by one rule, inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, rule.name])
        if not cursor.fetchone()[0]:
            return Result(rule, 0, None)
    due = rule.due(rule.before, limit)
    if dry_run or not due:
        return Result(rule, len(due), 0)
    removed = rule.remove(due)
    if removed:
        ledger.note(
            Act.RETENTION, subject_kind="retention", subject=rule.name, rows=removed,
            detail={"before": rule.before.date().isoformat()},
        )  # fmt: skip
    logger.info("retention %s: %s of %s removed", rule.name, removed, len(due))
    return Result(rule, len(due), removed)


def check_days(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Refuse to start with a time that the law forbids or that makes no sense."""
    found: list[CheckMessage] = []
    if settings.RETAIN_LOG_DAYS < LOG_DAYS_AT_LEAST:
        found.append(
            Error(
                f"RETAIN_LOG_DAYS 不得少于 {LOG_DAYS_AT_LEAST} 天（网络安全法第二十一条第三项：日志留存不少于六个月）。",
                id="core.E101",
            )
        )
    found += [
        Error(f"{name} 至少为 1 天。", id="core.E102")
        for name in ("RETAIN_DRAFT_DAYS", "RETAIN_UPLOAD_DAYS", "RETAIN_EXPORT_DAYS")
        if getattr(settings, name) < 1
    ]
    return found


# --- what the cellar itself keeps --------------------------------------------------------------


def _ended_sessions(moment: datetime, limit: int) -> list[str]:
    from django.contrib.sessions.models import Session

    ended = Session.objects.filter(expire_date__lte=moment).order_by("expire_date")
    return list(ended.values_list("pk", flat=True)[:limit])


def _remove_sessions(keys: Sequence[str]) -> int:
    from django.contrib.sessions.models import Session

    ended = Session.objects.filter(pk__in=keys, expire_date__lte=timezone.now())
    return ended.delete()[0]


def _old_logs(moment: datetime, limit: int) -> list[Path]:
    """Log files nobody has written to since: those that were put aside."""
    folder = settings.VAR_DIR / "log"
    files = [file for file in folder.glob("*") if file.is_file()] if folder.is_dir() else []
    return sorted(file for file in files if file.stat().st_mtime < moment.timestamp())[:limit]


def remove_files(files: Sequence[Path]) -> int:
    """Unlink; a file that is gone already does not count."""
    removed = 0
    for file in files:
        try:
            file.unlink()
        except FileNotFoundError:
            continue
        removed += 1
    return removed


keep(Rule("sessions", "已到期的登录会话", _ended_sessions, _remove_sessions))
keep(Rule("logs", "不再写入的日志文件", _old_logs, remove_files, "RETAIN_LOG_DAYS"))
