"""Judge money by its rules, for one place or all, and tell what was found."""

import json
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core import walls
from core.scope import Maintenance, trim
from funds.services.judging import Judged, judge, places_below


class Command(BaseCommand):
    help = "按资金规则核查一个区划的资金和项目；不写区划为全市。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--region", default="", help="区划前缀，如 4103 或 410324")
        parser.add_argument("--year", type=int, help="年度，如 2018；不写为全部年度")
        parser.add_argument("--json", action="store_true", help="输出 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        started, total = monotonic(), Judged()
        prefix = trim(options["region"] or settings.SITE_CITY_CODE)
        with walls.scoped(Maintenance(prefix[:4])):
            places = [
                (code, year)
                for code, year in places_below(prefix)
                if options["year"] in (None, year)
            ]
            if not places:
                raise CommandError(f"区划 {prefix} 没有资金和项目。")
            for code, year in places:
                total += judge(code=code, year=year, today=timezone.localdate())
        report = {
            "region": prefix, "places": len(places), "held": total.held,
            "written": total.written, "closed": total.closed,
            "seconds": round(monotonic() - started, 2),
        }  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write(
                f"核查 {report['places']} 个区划年度，未消除 {total.held} 项，"
                f"新增或变化 {total.written} 项，消除 {total.closed} 项，用时 {report['seconds']} 秒。"
            )
