"""Seal the register's personal data under another key.

Example: `manage.py rotate_keys --new`
"""

from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import vault
from imports.services.rotating import longer, rotate


class Command(BaseCommand):
    help = (
        "更换个人信息的加密密钥：把现有数据改用当前密钥加密，可中断后重新运行。历史记录仍用旧密钥。"
    )
    # Makes the keys that the checks ask for.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--new", action="store_true", help="先在密钥文件中加一把新密钥")
        parser.add_argument("--index", action="store_true", help="同时更换查重索引的密钥")
        parser.add_argument(
            "--print-new",
            action="store_true",
            help="只打印新的密钥环，不改数据：现有密钥加一把新的（加 --index 时索引密钥也换新）",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["print_new"]:
            self.stdout.write(self._new_ring(index=options["index"]).written())
            return
        started = monotonic()

        def say(text: str) -> None:
            self.stdout.write(f"[{monotonic() - started:6.1f} 秒] {text}")
            self.stdout.flush()

        try:
            changed = rotate(new=options["new"], index=options["index"], say=say)
        except (vault.KeyRingError, vault.SealError) as error:
            raise CommandError(str(error)) from error
        say(f"完成：{changed:,} 行改用密钥 {vault.ring().current}。旧密钥仍须保留，历史记录要用。")

    def _new_ring(self, *, index: bool) -> vault.Ring:
        """The first ring, or the one there is with more; a damaged one is never replaced by a fresh one."""
        if not vault.is_configured():
            self.stderr.write("没有现有密钥，打印的是全新的密钥环；已有加密数据时不要用它。")
            return vault.new_ring()
        try:
            return longer(new=True, index=index)
        except vault.KeyRingError as error:
            raise CommandError(str(error)) from error
