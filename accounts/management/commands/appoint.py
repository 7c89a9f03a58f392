"""Appoint an administrator from the machine's console: the first ones, whom nobody could grant.

Example: `manage.py appoint wangwu SYSTEM_ADMIN 4103 --name 王五 --office 洛阳市扶贫办`
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts import services
from accounts.enums import Role
from accounts.models import User
from accounts.roles import ADMINISTRATORS, ROLES
from core.scope import trim


class Command(BaseCommand):
    help = "任命管理员（三员）；账号不存在时一并建立。设置口令的链接只显示这一次。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="用户名")
        parser.add_argument("role", choices=[str(role) for role in ADMINISTRATORS], help="角色")
        parser.add_argument("prefix", help="区划，如 4103 或 410324")
        parser.add_argument("--name", default="", help="姓名，新建账号时必填")
        parser.add_argument("--office", default="", help="单位")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        username, role, prefix = options["username"], options["role"], trim(options["prefix"])
        if len(prefix) not in ROLES[role].levels or not prefix.isdecimal():
            raise CommandError("区划代码有误，或这一角色不能授予这一级。")
        user = User.objects.filter(username=username).first()
        try:
            if user is None:
                if not options["name"].strip():
                    raise CommandError("没有这个用户名；新建账号请加 --name 姓名。")
                user, token = services.create_user(
                    username=username,
                    display_name=options["name"].strip(),
                    office=options["office"].strip(),
                    home_prefix=prefix,
                    by=None,
                )
            else:
                token = services.reset_password(user=user, reason="任命管理员", by=None)
            if (
                not user.grants.valid_on(timezone.localdate())
                .filter(role=role, region_prefix=prefix)
                .exists()
            ):
                services.grant(
                    user=user,
                    role=role,
                    region_prefix=prefix,
                    valid_from=timezone.localdate(),
                    reason="运维人员任命",
                    by=None,
                )
        except services.ActRefusedError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(
            f"{user}（{username}）：{Role(role).label}，{prefix}。"
            "在浏览器里打开本系统地址加下面的路径，设置口令；链接只显示这一次："
        )
        self.stdout.write(services.address_of(token))
