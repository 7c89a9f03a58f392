"""Load yearly facts of counties and villages (县、村年度信息)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from villages import workbooks
from villages.enums import Level
from villages.services import ListRefusedError, RowsRefusedError, load_region_facts


class Command(BaseCommand):
    help = "载入县、村年度信息（CSV 或 XLSX），全部成功或全部不写；重复载入不产生改动。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        heads = "、".join(column.heads[0] for column in workbooks.FACTS)
        parser.add_argument("file", type=Path, help=f"列：{heads}")

    def handle(self, *args: Any, **options: Any) -> None:
        columns = workbooks.FACTS
        try:
            rows = workbooks.read_rows(options["file"], columns)
            done = load_region_facts(rows=rows, heads=workbooks.shown_heads(columns), by=None)
        except RowsRefusedError as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            raise CommandError(str(error)) from error
        except (ListRefusedError, workbooks.FileUnreadableError) as error:
            raise CommandError(str(error)) from error
        for level, one in done.items():
            self.stdout.write(
                f"{Level(level).label}：新增 {one.created}，更新 {one.updated}，未变 {one.unchanged}。"
            )
