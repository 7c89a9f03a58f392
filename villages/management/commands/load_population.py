"""Load population bases (人口基数): 区划代码, 年度, 口径, 人数, 来源."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from villages import workbooks
from villages.services import RowsRefusedError, load_population


class Command(BaseCommand):
    help = "载入人口基数（CSV 或 XLSX），全部成功或全部不写；重复载入不产生改动。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="列：区划代码、年度、口径、人数、来源")

    def handle(self, *args: Any, **options: Any) -> None:
        columns = workbooks.POPULATION
        try:
            rows = workbooks.read_rows(options["file"], columns)
            done = load_population(rows=rows, heads=workbooks.shown_heads(columns), by=None)
        except RowsRefusedError as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            raise CommandError(str(error)) from error
        except workbooks.FileUnreadableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"人口基数：新增 {done.created}，更新 {done.updated}，未变 {done.unchanged}。"
        )
