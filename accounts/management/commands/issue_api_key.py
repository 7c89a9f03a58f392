"""Issue a key to another system that reads the API.

Example: `manage.py issue_api_key --name 市大数据局 --region 4103 --days 365`
"""

import re
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import REGION_PREFIX, MachineClient
from core.scope import trim

LONGEST_LIFE = 3 * 366


class Command(BaseCommand):
    help = "为一个外部系统签发接口密钥；密钥只显示这一次。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="系统名称，不能重复")
        parser.add_argument("--region", required=True, help="可读取的区划，如 4103 或 410324")
        parser.add_argument("--days", type=int, default=365, help="有效天数，缺省 365")

    def handle(self, *args: Any, **options: Any) -> None:
        name, region, days = options["name"].strip(), trim(options["region"]), options["days"]
        if not name or len(name) > 100:
            raise CommandError("系统名称应为 1 至 100 个字。")
        if not re.fullmatch(REGION_PREFIX, region):
            raise CommandError("区划代码有误。")
        if not 1 <= days <= LONGEST_LIFE:
            raise CommandError(f"有效天数应为 1 至 {LONGEST_LIFE}。")
        if MachineClient.objects.filter(name=name).exists():
            raise CommandError(f"已有名为“{name}”的客户端。")
        expires_on = timezone.localdate() + timedelta(days=days)
        with transaction.atomic():
            _, key = MachineClient.issue(name=name, region_prefix=region, expires_on=expires_on)
        self.stderr.write(f"{name}：可读取 {region}，有效至 {expires_on}。密钥只显示这一次：")
        self.stdout.write(key)
