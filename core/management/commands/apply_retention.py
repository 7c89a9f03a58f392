"""List and remove what is no longer needed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from core import retention
from core.retention.keeping import AT_ONCE


class Command(BaseCommand):
    help = "清理到期的草稿、上传文件、导出文件和会话；登记历史和访问台账永不清理。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="只列出，不清理")
        parser.add_argument(
            "--limit", type=int, default=AT_ONCE, help="每类最多清理多少项，缺省 %(default)s"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for rule in retention.rules():
            with transaction.atomic():
                result = retention.apply(
                    rule, dry_run=options["dry_run"], limit=max(1, options["limit"])
                )
            before = f"，{rule.before:%Y-%m-%d} 以前" if rule.setting else ""
            self.stdout.write(f"{rule.label}{before}：{self._words(result, options)}")

    def _words(self, result: retention.Result, options: dict[str, Any]) -> str:
        if result.removed is None:
            return "另一个清理正在进行，跳过。"
        if not result.due:
            return "没有到期的。"
        more = "，还有更多，请再运行一次" if result.due >= options["limit"] else ""
        if options["dry_run"]:
            return f"到期 {result.due:,} 项，未清理{more}。"
        return f"已清理 {result.removed:,} 项{more}。"
