"""manage.py verify_history: whether any sealed row was altered, removed or slipped in."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from core.ledger.models import Seal
from core.ledger.verifying import Fault, Verified, verify

# So many runs of ids are printed of a fault; more are counted.
_PRINTED = 20


class Command(BaseCommand):
    help = "核对历史记录和访问台账的存证链，找出被改动、缺失或插入的行。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=date.fromisoformat,
            help="只核对该日起存证的行（年-月-日），链条始终全部核对",
        )
        parser.add_argument("--export", type=Path, help="把每日存证值写入文件，供库外保存")
        parser.add_argument("--against", type=Path, help="与以前导出的存证值文件核对")

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '10min'")
        try:
            report = Verified()
            against = _read(options["against"]) if options["against"] else None
            faults = 0
            for fault in verify(report, since=options["since"], against=against):
                faults += 1
                self.stdout.write(self.style.ERROR(sentence(fault)))
            self.stdout.write(
                f"核对存证 {report.links} 条、数据 {report.rows} 行；另有 {report.unsealed} 行待存证。"
            )
            if report.last_no:
                self.stdout.write(f"最新存证值（第 {report.last_no} 号）：{report.last_root}")
            if options["export"]:
                self._export(options["export"])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
        if faults:
            raise CommandError(f"核对不通过：发现 {faults} 处异常。", returncode=1)
        self.stdout.write(self.style.SUCCESS("核对通过：未发现异常。"))

    def _export(self, path: Path) -> None:
        days = [
            {"day": seal.day.isoformat(), "no": seal.no, "root": bytes(seal.root).hex()}
            for seal in Seal.objects.filter(table="").order_by("no").only("no", "day", "root")
        ]
        last = Seal.objects.order_by("-no").only("no", "day", "root").first()
        told = {
            "days": days,
            "last": last and {"no": last.no, "root": bytes(last.root).hex()},
        }
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        self.stdout.write(f"已导出 {len(days)} 日的存证值：{path}")


def sentence(fault: Fault) -> str:
    """One fault on one line: what, which table, which day, which rows."""
    words = [fault.kind]
    if fault.table:
        words.append(f"表 {fault.table}")
    if fault.day:
        words.append(f"存证日 {fault.day}")
    if fault.ids:
        what = "存证号" if fault.kind.startswith(("存证", "与库外", "密钥")) else "行号"
        words.append(f"{what} {_some(fault.ids)}")
    if fault.note:
        words.append(fault.note)
    return "；".join(words)


def _some(ids: Iterable[int]) -> str:
    """Runs of numbers as first–last.

    >>> _some([3, 4, 5, 9])
    '3–5、9'
    """
    listed = list(ids)
    runs: list[list[int]] = []
    for one in listed:
        if runs and one == runs[-1][-1] + 1:
            runs[-1][1:] = [one]
        else:
            runs.append([one])
    text = "、".join("–".join(str(one) for one in run) for run in runs[:_PRINTED])
    return text if len(runs) <= _PRINTED else f"{text} 等 {len(listed)} 个"


def _read(path: Path) -> dict[int, bytes]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        kept = [*told["days"], *([told["last"]] if told["last"] else [])]
        return {int(one["no"]): bytes.fromhex(one["root"]) for one in kept}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"不能读取存证值文件：{path}") from error
