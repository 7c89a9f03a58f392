"""Give the demo city its projects of 2018, after `make_demo` and `demo_logins`."""

from typing import Any

from django.core.management.base import BaseCommand

from imports.demo.projects import NoPeopleError, make_projects


class Command(BaseCommand):
    help = "在演示城市里造 2018 年的扶贫项目：申报、入库、实施、验收、资产、受益户；已有项目时什么也不做。"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_projects()
        except NoPeopleError:
            self.stdout.write("没有演示账号或演示城市，不造项目。")
            return
        self.stdout.write("，".join(f"{name} {count}" for name, count in made.items()))
