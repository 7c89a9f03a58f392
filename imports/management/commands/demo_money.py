"""Give the demo city its ledger of 2018, after `demo_projects`."""

from typing import Any

from django.core.management.base import BaseCommand

from imports.demo.money import make_money
from imports.demo.projects import NoPeopleError


class Command(BaseCommand):
    help = (
        "在演示城市里造 2018 年的资金：来源文件、到位、分配、支付，两人办理；已有资金时什么也不做。"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_money()
        except NoPeopleError:
            self.stdout.write("没有演示账号或演示项目，不造资金。")
            return
        self.stdout.write("，".join(f"{name} {count}" for name, count in made.items()))
