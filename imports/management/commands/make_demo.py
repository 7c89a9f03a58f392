"""Make the demo city: a synthetic 洛阳 whose totals are the published ones.

Example: `manage.py make_demo --scale 0.1`
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from imports.demo.load import PREFIX, DemoRefusedError, is_registered, make, recompute


class Command(BaseCommand):
    help = "造一个演示城市（洛阳，2016—2018 年，人物全属虚构），只写入空的档案库。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", type=float, default=1.0, help="规模，1 为全市（缺省）")
        parser.add_argument("--if-empty", action="store_true", help="档案库非空时什么也不做")
        parser.add_argument("--city", default=PREFIX, help="城市代码，目前只有 4103")

    def handle(self, *args: Any, **options: Any) -> None:
        scale = options["scale"]
        if options["city"] != PREFIX:
            raise CommandError(f"演示城市目前只有 {PREFIX}（洛阳市）。")
        if not 0.001 <= scale <= 1:
            raise CommandError("规模应在 0.001 与 1 之间。")
        if options["if_empty"] and is_registered():
            self._say("档案库里已有贫困户，不再造演示城市。")
            return
        self._say(f"开始造演示城市（规模 {scale:g}）……")
        try:
            made = make(scale=scale, say=self._say)
        except DemoRefusedError as error:
            raise CommandError(str(error)) from error
        recompute(self._say)
        told = "，".join(f"{name} {count}" for name, count in made.rows.items())
        self._say(self.style.SUCCESS(f"演示城市已写入，用时 {made.seconds:.1f} 秒：{told}。"))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
