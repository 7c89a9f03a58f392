"""Logins for trying the product out; their passwords are made here and kept beside the data."""

import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User

CAST = (
    ("shilingdao", "市领导", "洛阳市", Role.LEADER, "4103"),
    ("shifupinban", "市扶贫办", "洛阳市扶贫办", Role.ADMIN, "4103"),
    ("luanchuan", "栾川数据员", "栾川县扶贫办", Role.CLERK, "410324"),
    ("songxian", "嵩县数据员", "嵩县扶贫办", Role.CLERK, "410325"),
)


class Command(BaseCommand):
    help = "创建演示账号；口令在首次运行时生成，存于数据目录。"

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.VAR_DIR) / "demo_logins.txt"
        missing = [row for row in CAST if not User.objects.filter(username=row[0]).exists()]
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for username, name, office, role, region in missing:
            password = secrets.token_urlsafe(9)
            user = User.objects.create_user(username, password, name)
            User.objects.filter(pk=user.pk).update(office=office)
            Grant.objects.create(
                user=user, role=role, region_prefix=region, valid_from=timezone.localdate()
            )
            lines = [line for line in lines if not line.startswith(f"{username} ")]
            lines.append(f"{username} {password} {name}（{Role(role).label}，{region}）")
        if missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.stdout.write("\n".join(lines))
