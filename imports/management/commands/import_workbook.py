"""Load a workbook of the national system from the command line."""

import json
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Count

from core.acting import acting
from core.jobs.services import JobFailedError
from core.workbooks.guard import RefusedError
from imports import services
from imports.checks import RULES
from imports.models import Batch
from imports.services.receiving import ClosedPartitionError
from imports.services.rotating import KeysUnsettledError
from imports.services.staging import save_problems


class Command(BaseCommand):
    help = "把国家系统导出的工作簿导入一个年度。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--partition", type=int, required=True, help="年度，如 2018")
        parser.add_argument("--region", required=True, help="区划前缀，如 4103")
        parser.add_argument("--dry-run", action="store_true", help="全部照做，最后撤销")
        parser.add_argument("--json", action="store_true", help="最后一行输出 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.as_json = options["json"]
        started = monotonic()
        try:
            with transaction.atomic():
                batch = self._load(options)
                report = self._report(batch, monotonic() - started)
                if options["dry_run"]:
                    transaction.set_rollback(True)
        except (RefusedError, JobFailedError, KeysUnsettledError) as refusal:
            raise CommandError(str(refusal)) from refusal
        except ClosedPartitionError as error:
            raise CommandError(f"{options['partition']} 年度已关闭，不能导入。") from error
        self._print(report, dry_run=options["dry_run"])

    def _load(self, options: dict[str, Any]) -> Batch:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"找不到文件：{path}")
        with path.open("rb") as file:
            batch = services.receive(
                chunks=iter(lambda: file.read(1 << 20), b""),
                file_name=path.name,
                partition=options["partition"],
                region_prefix=options["region"],
                by=None,
            )
        last = ""

        def tell(phase: str, done: int = 0, total: int | None = None) -> None:
            nonlocal last
            if phase != last or total:
                share = f" {done:,} / {total:,}" if total else ""
                self.stderr.write(f"{phase}{share}")
            last = phase

        plan = services.stage(batch=batch, stage_name=f"b{batch.pk}_0", progress=tell)
        save_problems(batch, plan)
        batch.save()
        tell("写入")
        with acting(by=None, reason=f"命令行导入 批次{batch.pk}"):
            services.apply(batch=batch, progress=tell)
        return batch

    def _report(self, batch: Batch, seconds: float) -> dict[str, Any]:
        problems = dict(batch.problems.values_list("rule").annotate(n=Count("pk")).order_by("rule"))
        return {
            "batch": batch.pk,
            "layout": batch.layout_id,
            "rows_read": batch.rows_read,
            "households": batch.counts("households"),
            "persons": batch.counts("persons"),
            "problems": problems,
            "changed_fields": batch.changed_fields,
            "seconds": batch.seconds | {"total": round(seconds, 3)},
        }

    def _print(self, report: dict[str, Any], *, dry_run: bool) -> None:
        if not self.as_json:
            words = {"created": "新增", "updated": "变更", "unchanged": "不变", "rejected": "退回"}
            self.stdout.write(f"读入 {report['rows_read']:,} 行，版式 {report['layout']}。")
            for kind, unit in (("households", "户"), ("persons", "人")):
                counts = "，".join(f"{words[k]} {v:,} {unit}" for k, v in report[kind].items())
                self.stdout.write(counts + "。")
            for rule, count in report["problems"].items():
                self.stdout.write(f"{rule} {RULES[rule].message}：{count:,} 处。")
            if not any(
                report["persons"][k] + report["households"][k] for k in ("created", "updated")
            ):
                self.stdout.write("文件内容与登记数据一致，没有任何变化。")
            if dry_run:
                self.stdout.write("这是试运行，已全部撤销。")
        else:
            self.stdout.write(json.dumps(report | {"dry_run": dry_run}, ensure_ascii=False))
