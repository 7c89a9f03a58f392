"""`manage.py load_holidays FILE`: days that are off or worked against the week, each with its source.

A CSV file with the columns day (2018-12-31), is_off (1 off, 0 worked) and source. The whole file or
nothing; a day that is known already takes the new facts.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from exits.services import holidays


class Command(BaseCommand):
    help = "导入节假日表（CSV：day、is_off、source）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        try:
            rows = holidays.parsed(holidays.decoded(file.read_bytes()))
        except holidays.UnfitError as unfit:
            raise CommandError(str(unfit)) from unfit
        years = holidays.load(rows=rows, reason=f"导入节假日表 {file.name}", by=None)
        self.stdout.write(f"已导入 {len(rows)} 天，年度：{'、'.join(map(str, years))}。")
