"""`manage.py load_holidays FILE`: days that are off or worked against the week, each with its source.

A CSV file with the columns day (2018-12-31), is_off (1 off, 0 worked) and source. The whole file or
nothing; a day that is known already takes the new facts.
"""

import csv
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from core.acting import acting
from exits.models import Holiday


class Command(BaseCommand):
    help = "导入节假日表（CSV：day、is_off、source）"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_: Any) -> None:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            if not {"day", "is_off", "source"} <= set(reader.fieldnames or ()):
                raise CommandError("第 1 行应有列名：day、is_off、source。")
            rows = [_read(number, row) for number, row in enumerate(reader, start=2)]
        with acting(by=None, reason=f"导入节假日表 {file.name}"):
            Holiday.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=["day"],
                update_fields=["is_off", "source"],
            )  # fmt: skip
        years = sorted({row.day.year for row in rows})
        self.stdout.write(f"已导入 {len(rows)} 天，年度：{'、'.join(map(str, years))}。")


def _read(number: int, row: dict[str, str]) -> Holiday:
    try:
        day = date.fromisoformat((row["day"] or "").strip())
    except ValueError as error:
        raise CommandError(f"第 {number} 行：day 应写成 2018-12-31。") from error
    if row["is_off"] not in ("0", "1"):
        raise CommandError(f"第 {number} 行：is_off 应为 1（放假）或 0（上班）。")
    if not (row["source"] or "").strip():
        raise CommandError(f"第 {number} 行：请在 source 填写依据。")
    return Holiday(day=day, is_off=row["is_off"] == "1", source=row["source"].strip())
