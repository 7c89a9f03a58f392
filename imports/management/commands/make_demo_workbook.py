"""Write one year of the demo city as a workbook in a national layout.

Example: `manage.py make_demo_workbook demo.xlsx --layout P2018 --faults 0.002`
"""

from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from imports.demo.published import YEARS
from imports.workbooks import LayoutUnusableError, layout_of, write_demo_workbook


class Command(BaseCommand):
    help = "按国家系统导出版式写出演示城市某一年度的登记表（XLSX），不读数据库。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="写到哪个文件")
        parser.add_argument("--layout", default="P2018", help="版式，如 P2018、P2017、H2022F")
        parser.add_argument("--scale", type=float, default=1.0, help="规模，须与 make_demo 的一致")
        parser.add_argument("--partition", type=int, default=YEARS[-1], choices=YEARS, help="年度")
        parser.add_argument("--faults", type=float, default=0.0, help="出错行的比例，如 0.002")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0.001 <= options["scale"] <= 1 or not 0 <= options["faults"] <= 1:
            raise CommandError("规模应在 0.001 与 1 之间，出错比例应在 0 与 1 之间。")
        started = monotonic()

        def say(text: str) -> None:
            self.stdout.write(f"[{monotonic() - started:6.1f} 秒] {text}")
            self.stdout.flush()

        try:
            written = write_demo_workbook(
                options["file"],
                layout=layout_of(options["layout"]),
                scale=options["scale"],
                partition=options["partition"],
                faults=options["faults"],
                say=say,
            )
        except LayoutUnusableError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"写不了文件 {options['file']}：{error.strerror}。") from error
        planted = "，".join(f"{name} {count}" for name, count in written.mistakes.items())
        say(
            f"已写出 {options['file']}：{written.rows} 行"
            + (f"；其中 {planted}。" if planted else "。")
        )
