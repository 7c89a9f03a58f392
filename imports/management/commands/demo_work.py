"""Let the demo people have worked a little, after `make_demo` and `demo_logins`."""

from typing import Any

from django.core.management.base import BaseCommand

from imports.demo.work import NoPeopleError, make_work


class Command(BaseCommand):
    help = "在演示城市里造一些待办：变更、草稿、任务、公示；已有变更时什么也不做。"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_work()
        except NoPeopleError:
            self.stdout.write("没有演示账号，或演示村户数太少，不造待办。")
            return
        self.stdout.write("，".join(f"{name} {count}" for name, count in made.items()))
