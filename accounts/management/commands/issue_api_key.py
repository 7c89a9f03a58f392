"""Register another system that reads the API, and issue its first key.

Example: `manage.py issue_api_key --name 市大数据局 --region 4103 --days 365 --purpose 数据共享
--resources households,metrics --groups basic,income --network 10.1.2.0/24`

What it gives is in force at once; what pages give of persons needs a second person. Rotation,
revocation and sensitive groups of fields have pages.
"""

import re
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.clients import services
from accounts.models import REGION_PREFIX
from core.scope import trim
from core.sharing import ORDINARY, PERSONAL, WRITABLE, Access, FieldGroup, Resource

# What a client is given unless told otherwise: everything ordinary but the bank account.
USUAL_GROUPS = frozenset(ORDINARY) - {FieldGroup.BANK}


class Command(BaseCommand):
    help = "为一个外部系统登记客户端并签发接口密钥；密钥只显示这一次。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="系统名称，不能重复")
        parser.add_argument("--region", required=True, help="可读取的区划，如 4103 或 410324")
        parser.add_argument("--days", type=int, default=365, help="有效天数，缺省 365")
        parser.add_argument("--purpose", default="数据共享", help="用途")
        parser.add_argument("--office", default="", help="使用单位")
        parser.add_argument("--resources", default="", help="可读取的资源，逗号分隔；缺省全部")
        parser.add_argument("--write", default="", help="可写入的资源，逗号分隔；缺省没有")
        parser.add_argument("--groups", default="", help="户、人的字段组，逗号分隔")
        parser.add_argument(
            "--network", action="append", default=[], help="允许的来源地址，可重复；缺省不限"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, region, days = options["name"].strip(), trim(options["region"]), options["days"]
        if not name or len(name) > 100:
            raise CommandError("系统名称应为 1 至 100 个字。")
        if not re.fullmatch(REGION_PREFIX, region):
            raise CommandError("区划代码有误。")
        resources = _chosen(options.get("resources"), Resource.values, Resource.values, "资源")
        written = _chosen(options.get("write"), [str(one) for one in WRITABLE], (), "资源")
        resources = [*dict.fromkeys([*resources, *written])]
        groups = frozenset(
            _chosen(options.get("groups"), [*FieldGroup.values], USUAL_GROUPS, "字段组")
        )
        networks = options.get("network") or []
        try:
            with transaction.atomic():
                client = services.register(
                    name=name,
                    purpose=options.get("purpose") or "数据共享",
                    office=options.get("office") or "",
                    region_prefix=region,
                    networks=networks,
                    any_network=not networks,
                    by=None,
                )
                services.set_scopes(
                    client=client,
                    wishes={
                        one: services.Wish(
                            region,
                            groups if one in PERSONAL else frozenset(),
                            Access.WRITE if one in written else Access.READ,
                        )
                        for one in resources
                    },
                    by=None,
                )
                key, text = services.issue_key(client=client, life=timedelta(days=days), by=None)
        except services.ClientError as refusal:
            raise CommandError(str(refusal)) from refusal
        places = "、".join(client.networks) or "不限来源地址"
        until = f"{key.expires_at:%Y-%m-%d}"
        self.stderr.write(f"{name}：可读取 {region}，{places}，有效至 {until}。密钥只显示这一次：")
        self.stdout.write(text)


def _chosen(text: str | None, known: list[str], usual: Any, what: str) -> list[str]:
    chosen = [word.strip() for word in (text or "").split(",") if word.strip()]
    if unknown := [word for word in chosen if word not in known]:
        raise CommandError(f"没有{what} {'、'.join(unknown)}；可用的有 {'、'.join(known)}。")
    return chosen or sorted(usual)
