"""Compute the figures of a region and year through the job rows."""

import json
from time import monotonic, sleep
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.jobs import services as jobs
from core.jobs.models import Job, JobState
from core.jobs.tasks import carry_out
from core.scope import trim
from exits.models import Snapshot
from exits.services.requests import request_recompute


class Command(BaseCommand):
    help = "重算一个区划、一个年度的全部指标。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--region", required=True, help="区划前缀，如 4103 或 410324")
        parser.add_argument("--partition", type=int, required=True, help="年度，如 2018")
        parser.add_argument(
            "--wait", action="store_true", help="等到算完；没有后台进程时由本命令计算"
        )
        parser.add_argument("--json", action="store_true", help="最后一行输出 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        started = monotonic()
        prefix = trim(options["region"])
        asked = request_recompute(prefix=prefix, partition=options["partition"])
        if not asked:
            raise CommandError(f"没有找到区划 {prefix} 下的县，请先导入行政区划。")
        if options["wait"]:
            self._work_and_wait([job.pk for job in asked])
        report = {
            "region": prefix,
            "partition": options["partition"],
            "jobs": [job.pk for job in asked],
            "figures": Snapshot.objects.in_region(prefix)
            .filter(partition=options["partition"])
            .count(),
            "seconds": round(monotonic() - started, 3),
        }
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            done = "已算完" if options["wait"] else "已交后台计算"
            self.stdout.write(f"{len(asked)} 个县{done}，用时 {report['seconds']} 秒。")

    def _work_and_wait(self, ids: list[int]) -> None:
        """Take jobs that no worker has taken, again and again until all are closed."""
        while True:
            waiting = Job.objects.filter(pk__in=ids).open()
            for job_id in waiting.values_list("pk", flat=True):
                run = jobs.claim(job_id)
                if run is not None:
                    carry_out(run)
            if not waiting.exists():
                break
            sleep(0.2)
        failed = Job.objects.filter(pk__in=ids).exclude(state=JobState.DONE).first()
        if failed is not None:
            raise CommandError(f"任务 {failed.pk} 没有算成：{failed.error}")
