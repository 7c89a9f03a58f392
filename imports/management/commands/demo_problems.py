"""Give the demo city its inspections and what they found, after `demo_rounds`."""

from typing import Any

from django.core.management.base import BaseCommand

from imports.demo.problems import NoPeopleError, make_problems


class Command(BaseCommand):
    help = "在演示城市里造检查、问题和整改文书：2018 年的已整改，近期的各种状态都有；已有检查时什么也不做。"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_problems()
        except NoPeopleError:
            self.stdout.write("没有演示账号或演示村户，不造问题台账。")
            return
        self.stdout.write("，".join(f"{name} {count}" for name, count in made.items()))
