"""Assess the demo city's four counties of 2018, after `make_demo` and `demo_logins`."""

from typing import Any

from django.core.management.base import BaseCommand

from imports.demo.rounds import NoPeopleError, make_rounds


class Command(BaseCommand):
    help = "在演示城市里造 2018 年四个退出县的评估：花名册、抽样、入户、问题线索、结果；已有评估时什么也不做。"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_rounds()
        except NoPeopleError:
            self.stdout.write("没有演示账号或演示城市，不造评估。")
            return
        self.stdout.write("，".join(f"{name} {count}" for name, count in made.items()))
