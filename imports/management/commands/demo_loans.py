"""Give the demo city its small loans, after `make_demo` and `demo_logins`."""

from typing import Any

from django.core.management.base import BaseCommand

from imports.demo.loans import make_loans
from imports.demo.projects import NoPeopleError


class Command(BaseCommand):
    help = "在演示城市里造扶贫小额信贷（2016—2018 年放款、还本）；已有贷款时什么也不做。"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_loans()
        except NoPeopleError:
            self.stdout.write("没有演示账号或演示城市，不造贷款。")
            return
        self.stdout.write("，".join(f"{name} {count}" for name, count in made.items()))
