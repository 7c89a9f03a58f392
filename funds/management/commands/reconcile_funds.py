"""Does every figure of the ledger agree with what it derives from? Prints every difference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from funds.queries.reconciling import differences


class Command(BaseCommand):
    help = (
        "核对资金账：账户余额、下达金额、凭证分录、支付合计、凭证号；有差异时逐条列出，退出码为 1。"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = differences()
        for one in found:
            self.stdout.write(
                f"{one.what} {one.key}：记为 {one.stored:,}，应为 {one.derived:,}，"
                f"差 {one.stored - one.derived:,}"
            )
        if found:
            raise CommandError(f"共 {len(found)} 处差异。")
        self.stdout.write("资金账核对无差异。")
